package dev.tenon.testkit.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;

/** A way to a server that breaks when told. */
final class FaultyLink implements AutoCloseable {
    /** Where the next commit's link breaks. */
    enum Fault {
        NONE,
        /** The server never hears of the commit. */
        BEFORE_COMMIT,
        /** The server commits, but its answer is lost. */
        AFTER_COMMIT,
        /** No connection lives. */
        DOWN
    }

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicReference<Fault> fault = new AtomicReference<>(Fault.NONE);
    private final int serverPort;

    FaultyLink(int serverPort) throws IOException {
        this.serverPort = serverPort;
        start("accept", this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    void next(Fault next) throws IOException {
        fault.set(next);
        if (next == Fault.DOWN) {
            closeSockets();
        }
    }

    Fault pending() {
        return fault.get();
    }

    private interface Part {
        void run() throws IOException;
    }

    private static void start(String name, Part part) {
        Thread thread = new Thread(
                () -> {
                    try {
                        part.run();
                    } catch (SocketException e) {
                        // closed: what this class is for
                        return;
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                },
                "faulty-link-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() throws IOException {
        while (!listening.isClosed()) {
            Socket client = listening.accept();
            if (fault.get() == Fault.DOWN) {
                client.close();
                continue;
            }
            Socket server = new Socket();
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), serverPort));
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            sockets.add(client);
            sockets.add(server);
            start("requests", () -> requests(client, server));
            start("answers", () -> answers(client, server));
        }
    }

    private void requests(Socket client, Socket server) throws IOException {
        InputStream in = client.getInputStream();
        OutputStream out = server.getOutputStream();
        byte[] bytes = new byte[64 << 10];
        try (client;
                server) {
            for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
                boolean commit = new String(bytes, 0, length, StandardCharsets.ISO_8859_1).contains("COMMIT");
                if (commit && fault.compareAndSet(Fault.BEFORE_COMMIT, Fault.NONE)) {
                    return;
                }
                boolean loseAnswer = commit && fault.compareAndSet(Fault.AFTER_COMMIT, Fault.NONE);
                if (loseAnswer) {
                    client.shutdownOutput();
                }
                out.write(bytes, 0, length);
                out.flush();
                if (loseAnswer) {
                    // The server works on what it has read although nobody waits for it.
                    server.shutdownOutput();
                    server.getInputStream().transferTo(OutputStream.nullOutputStream());
                    return;
                }
            }
        }
    }

    private static void answers(Socket client, Socket server) throws IOException {
        try (client;
                server) {
            server.getInputStream().transferTo(client.getOutputStream());
        }
    }

    private void closeSockets() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        sockets.clear();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        closeSockets();
    }
}
