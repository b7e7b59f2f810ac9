package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stands between clients and a server and spoils what passes. Thread-safe; its threads end when it is closed. */
final class WireProxy implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(WireProxy.class);
    private static final LongSupplier NANOS = System::nanoTime;
    private static final int CONNECT_MILLIS = 5_000;
    private static final int CHUNK = 16 * 1024;

    private final SocketAddress server;
    private final RandomGenerator random;
    private final InetSocketAddress address;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger number = new AtomicInteger();
    private @Nullable ServerSocket listener;
    private @Nullable Thread acceptor;
    /** Keeps the port ours while nobody listens on it. */
    private @Nullable Socket placeholder;

    private volatile Duration least = Duration.ZERO;
    private volatile Duration most = Duration.ZERO;

    WireProxy(String host, int port, RandomGenerator random) {
        this.server = new InetSocketAddress(host, port);
        this.random = random;
        ServerSocket first = listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        this.address = (InetSocketAddress) first.getLocalSocketAddress();
        accept(first);
    }

    String host() {
        return address.getAddress().getHostAddress();
    }

    int port() {
        return address.getPort();
    }

    private static ServerSocket listen(InetSocketAddress on) {
        try {
            ServerSocket socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(on);
            return socket;
        } catch (IOException e) {
            throw failed("listen on " + on, e);
        }
    }

    private static ProviderException failed(String what, IOException e) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, "the testkit's proxy could not " + what + ": " + e, e);
    }

    private synchronized void accept(ServerSocket socket) {
        listener = socket;
        acceptor = thread("accept", () -> {
            try {
                while (true) {
                    connect(socket.accept());
                }
            } catch (IOException e) {
                log.debug("Accepts no more: {}", e.toString());
            }
        });
    }

    private void connect(Socket client) throws IOException {
        Socket upstream = new Socket();
        try {
            upstream.connect(server, CONNECT_MILLIS);
        } catch (IOException e) {
            log.debug("The server does not take connections: {}", e.toString());
            reset(upstream);
            reset(client);
            return;
        }
        client.setTcpNoDelay(true);
        upstream.setTcpNoDelay(true);
        Link link = new Link(client, upstream);
        links.add(link);
        int n = number.incrementAndGet();
        thread("up-" + n, () -> link.pump(client, upstream));
        thread("down-" + n, () -> link.pump(upstream, client));
    }

    private Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, "tenon-testkit-proxy-" + address.getPort() + "-" + name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    void latency(Duration from, Duration to) {
        least = from;
        most = to;
    }

    void cut() {
        links.forEach(Link::reset);
    }

    synchronized void refuse() {
        ServerSocket open = listener;
        if (open == null) {
            return;
        }
        try {
            open.close();
            listener = null;
            // The port is free only when the thread that waited on it has left.
            Objects.requireNonNull(acceptor).join(CONNECT_MILLIS);
            Socket bound = new Socket();
            bound.setReuseAddress(true);
            bound.bind(address);
            placeholder = bound;
        } catch (IOException e) {
            throw failed("stop listening", e);
        } catch (InterruptedException e) {
            throw Connections.failed("stop listening", e);
        }
    }

    synchronized void accept() {
        Socket bound = placeholder;
        if (bound != null) {
            try {
                bound.close();
            } catch (IOException e) {
                throw failed("listen again", e);
            }
            placeholder = null;
            accept(listen(address));
        }
    }

    private static void reset(Socket socket) {
        try {
            // Without waiting for what is under way: the other side sees a reset, not an end.
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            log.debug("Was closed already: {}", e.toString());
        }
    }

    @Override
    public synchronized void close() {
        try {
            if (listener != null) {
                listener.close();
            }
            if (placeholder != null) {
                placeholder.close();
            }
        } catch (IOException e) {
            throw failed("close", e);
        }
        cut();
    }

    /** One connection on both sides. */
    private final class Link {
        private final Socket client;
        private final Socket upstream;
        private final AtomicInteger directions = new AtomicInteger(2);

        Link(Socket client, Socket upstream) {
            this.client = client;
            this.upstream = upstream;
        }

        void pump(Socket from, Socket to) {
            byte[] chunk = new byte[CHUNK];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                int count = in.read(chunk);
                while (count >= 0) {
                    delay();
                    out.write(chunk, 0, count);
                    count = in.read(chunk);
                }
                to.shutdownOutput();
            } catch (IOException e) {
                log.debug("A connection broke: {}", e.toString());
                reset();
            }
            if (directions.decrementAndGet() == 0) {
                reset();
            }
        }

        private void delay() {
            long span = most.minus(least).toNanos();
            long nanos = least.toNanos();
            if (span > 0) {
                synchronized (random) {
                    nanos += random.nextLong(span + 1);
                }
            }
            long until = NANOS.getAsLong() + nanos;
            while (NANOS.getAsLong() < until) {
                LockSupport.parkNanos(until - NANOS.getAsLong());
            }
        }

        void reset() {
            WireProxy.reset(client);
            WireProxy.reset(upstream);
            links.remove(this);
        }
    }
}
