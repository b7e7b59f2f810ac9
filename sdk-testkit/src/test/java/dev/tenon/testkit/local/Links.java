package dev.tenon.testkit.local;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network of a cluster on this machine: between its members, and between them and the control plane. Each direction of each link
 * can be cut. What is cut behaves as a network does: nobody is told, what was sent waits, and arrives when the link is back.
 *
 * <p>Standbys are told an address here in place of their primary's, the engine's sessions get a socket here in place of the server's,
 * and a place that the control plane does not reach does nothing, or does it and cannot say so.
 */
final class Links implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Links.class);
    /** The control plane's name. */
    static final String PLANE = "plane";

    private record Direction(String from, String to) {}

    private interface Server {
        SocketAddress address() throws IOException;
    }

    private record Between(MemberRef to, String from) {}

    private final DeliveryDriver place;
    private final Path sockets;
    private final Map<Between, Relay> relays = new ConcurrentHashMap<>();
    private final Map<MemberRef, Integer> ports = new ConcurrentHashMap<>();
    private final Object changed = new Object();
    private final Set<Direction> cut = new HashSet<>();
    private boolean closed;

    Links(DeliveryDriver place) throws IOException {
        this.place = place;
        // A socket's path is short.
        sockets = Files.createTempDirectory("links-");
    }

    void cut(String from, String to) {
        synchronized (changed) {
            cut.add(new Direction(from, to));
        }
    }

    void heal(String from, String to) {
        synchronized (changed) {
            cut.remove(new Direction(from, to));
            changed.notifyAll();
        }
    }

    void healAll() {
        synchronized (changed) {
            cut.clear();
            changed.notifyAll();
        }
    }

    private boolean passes(String from, String to) {
        synchronized (changed) {
            return !cut.contains(new Direction(from, to));
        }
    }

    private void await(String from, String to) throws IOException {
        synchronized (changed) {
            while (!passes(from, to) && !closed) {
                try {
                    changed.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted", e);
                }
            }
        }
    }

    // ---- the engine

    /** Returns an engine whose sessions and replication go through these links. */
    EngineDriver engine(EngineDriver engine) {
        return wrap(EngineDriver.class, (method, given) -> {
            Object[] args = given.clone();
            for (int i = 1; i < args.length; i++) {
                if (args[i] instanceof AdminAddress.Unix unix) {
                    args[i] = through((EngineRequest) args[0], unix);
                }
            }
            Object answer = invoke(method, engine, args);
            return method.getName().equals("workloads")
                    ? ((List<?>) answer)
                            .stream().map(w -> through((MemberWorkload) w)).toList()
                    : answer;
        });
    }

    private AdminAddress through(EngineRequest request, AdminAddress.Unix server) {
        MemberRef ref = request.members().stream()
                .map(member -> new MemberRef(request.tenant(), request.instance(), member))
                .filter(member -> server.socket().toString().contains(member.externalName() + "/"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(server + " is none of " + request.members()));
        Relay relay = relays.computeIfAbsent(
                new Between(ref, PLANE),
                between -> new Relay(
                        UnixDomainSocketAddress.of(sockets.resolve(ref.externalName())),
                        PLANE,
                        ref.member(),
                        () -> UnixDomainSocketAddress.of(server.socket())));
        return new AdminAddress.Unix(((UnixDomainSocketAddress) relay.address).getPath());
    }

    private MemberWorkload through(MemberWorkload workload) {
        return MemberWorkload.builder()
                .from(workload)
                .files(workload.files().stream()
                        .map(file -> new FileSpec(
                                file.directory(),
                                file.path(),
                                through(workload.ref(), file.content()),
                                file.mode(),
                                file.secret(),
                                file.onChange()))
                        .toList())
                .build();
    }

    private Template through(MemberRef ref, Template content) {
        List<Template.Part> parts = new ArrayList<>();
        for (Template.Part part : content.parts()) {
            if (part instanceof Template.PeerAddress) {
                parts.add(new Template.Literal(loopback().getHostAddress()));
            } else if (part instanceof Template.PeerPort peer) {
                InetSocketAddress address = (InetSocketAddress) between(ref, peer).address;
                parts.add(new Template.Literal(Integer.toString(address.getPort())));
            } else {
                parts.add(part);
            }
        }
        return new Template(parts);
    }

    private Relay between(MemberRef from, Template.PeerPort peer) {
        MemberRef to = new MemberRef(from.tenant(), from.instance(), peer.member());
        return relays.computeIfAbsent(
                new Between(to, from.member()),
                between -> new Relay(
                        new InetSocketAddress(loopback(), 0),
                        from.member(),
                        to.member(),
                        () -> listening(to, peer.port())));
    }

    private SocketAddress listening(MemberRef ref, String port) throws IOException {
        // What it was is what it is, and while no control plane runs nobody can be asked.
        Integer number =
                ports.computeIfAbsent(ref, r -> place.observe(r).ports().get(port));
        if (number == null) {
            throw new IOException(ref + " is not placed yet");
        }
        return new InetSocketAddress(loopback(), number);
    }

    private static InetAddress loopback() {
        return InetAddress.getLoopbackAddress();
    }

    // ---- the place

    /** Returns the place as it is reached through these links. */
    DeliveryDriver delivery() {
        return wrap(DeliveryDriver.class, (method, args) -> {
            if (method.getName().equals("observeAll")) {
                return ((Collection<?>) args[0])
                        .stream().map(ref -> observe((MemberRef) ref)).toList();
            } else if (args.length > 0 && args[0] instanceof MemberRef ref) {
                return method.getName().equals("observe") ? observe(ref) : reach(ref, method, args);
            } else if (args.length > 0 && args[0] instanceof MemberWorkload workload) {
                return reach(workload.ref(), method, args);
            }
            return invoke(method, place, args);
        });
    }

    private ObservedMember observe(MemberRef ref) {
        return passes(PLANE, ref.member()) && passes(ref.member(), PLANE)
                ? place.observe(ref)
                : ObservedMember.builder()
                        .ref(ref)
                        .state(MemberState.UNKNOWN)
                        .reason("its host does not answer")
                        .build();
    }

    private Object reach(MemberRef ref, Method method, Object[] args) throws Throwable {
        if (!passes(PLANE, ref.member())) {
            throw unreachable(ref);
        }
        Object answer = invoke(method, place, args);
        if (!passes(ref.member(), PLANE)) {
            throw unreachable(ref);
        }
        return answer;
    }

    private static ProviderException unreachable(MemberRef ref) {
        return new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "the host of " + ref + " does not answer");
    }

    private interface Calls {
        Object call(Method method, Object[] args) throws Throwable;
    }

    private static <T> T wrap(Class<T> type, Calls calls) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, args) -> calls.call(method, args == null ? new Object[0] : args)));
    }

    private static Object invoke(Method method, Object inner, Object[] args) throws Throwable {
        try {
            return method.invoke(inner, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (changed) {
            closed = true;
            changed.notifyAll();
        }
        for (Relay relay : relays.values()) {
            relay.close();
        }
        Files.delete(sockets);
    }

    /** Listens for one side of a link and passes on what comes, in both directions. */
    private final class Relay {
        private static final int CHUNK = 1 << 16;

        private final String from;
        private final String to;
        private final Server server;
        private final ServerSocketChannel listener;
        private final SocketAddress address;
        private final Set<SocketChannel> channels = ConcurrentHashMap.newKeySet();

        Relay(SocketAddress on, String from, String to, Server server) {
            this.from = from;
            this.to = to;
            this.server = server;
            try {
                boolean unix = on instanceof UnixDomainSocketAddress;
                listener = unix ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
                listener.bind(on);
                address = listener.getLocalAddress();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            thread(this::accept);
        }

        private void accept() throws IOException {
            while (true) {
                SocketChannel client = listener.accept();
                channels.add(client);
                thread(() -> connect(client));
            }
        }

        private void connect(SocketChannel client) throws IOException {
            try {
                await(from, to);
                SocketAddress there = server.address();
                SocketChannel upstream = there instanceof UnixDomainSocketAddress
                        ? SocketChannel.open(StandardProtocolFamily.UNIX)
                        : SocketChannel.open();
                channels.add(upstream);
                upstream.connect(there);
                thread(() -> pump(upstream, client, to, from));
                pump(client, upstream, from, to);
            } finally {
                end(client);
            }
        }

        private void pump(SocketChannel in, SocketChannel out, String sender, String receiver) throws IOException {
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
            try {
                boolean more = true;
                while (more) {
                    more = in.read(chunk) >= 0;
                    // An end gets no further than data.
                    Links.this.await(sender, receiver);
                    chunk.flip();
                    while (chunk.hasRemaining()) {
                        out.write(chunk);
                    }
                    chunk.clear();
                }
            } finally {
                end(in);
                end(out);
            }
        }

        private void end(SocketChannel channel) throws IOException {
            channels.remove(channel);
            channel.close();
        }

        private interface Work {
            void run() throws IOException;
        }

        private void thread(Work work) {
            Thread thread = new Thread(
                    () -> {
                        try {
                            work.run();
                        } catch (IOException e) {
                            // One of the two has gone, and the other is told by the end of its connection.
                            log.debug("{} to {}: {}", from, to, e.toString());
                        }
                    },
                    "test-link-" + from + "-" + to);
            thread.setDaemon(true);
            thread.start();
        }

        void close() throws IOException {
            listener.close();
            for (SocketChannel channel : channels) {
                channel.close();
            }
            if (address instanceof UnixDomainSocketAddress unix) {
                Files.delete(unix.getPath());
            }
        }
    }
}
