package dev.tenon.baremetal;

import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.internal.ssh.HostLink;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sockets of this machine that lead to sockets of members on hosts. They lie in a directory of their own that only this process's user
 * enters: whoever reaches one is the platform to the database behind it, which a port of this machine could not promise.
 */
final class Tunnels implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Tunnels.class);

    private static final int CHUNK = 16 << 10;

    private final Path directory;
    private final Selector selector;
    private final Map<String, Tunnel> open = new ConcurrentHashMap<>();
    private final ExecutorService pumps;
    private final Thread thread;

    private record Tunnel(Path path, Way way, String remote, ServerSocketChannel listener) {}

    /** How sockets of one host are reached. */
    @FunctionalInterface
    interface Way {
        HostLink.Stream open(String path);
    }

    Tunnels(Path directory, String name) {
        this.directory = directory;
        AtomicInteger number = new AtomicInteger();
        this.pumps = Executors.newCachedThreadPool(task -> {
            Thread pump = new Thread(task, "tenon-" + name + "-tunnel-" + number.incrementAndGet());
            pump.setDaemon(true);
            return pump;
        });
        try {
            if (Files.notExists(directory)) {
                Files.createDirectory(directory, Disk.mode(0700));
            }
            this.selector = Selector.open();
        } catch (IOException e) {
            throw Failures.io("making " + directory, e);
        }
        this.thread = new Thread(this::accept, "tenon-" + name + "-tunnels");
        thread.setDaemon(true);
        thread.start();
    }

    /** Returns the socket that leads to a member's, made now if there is none. */
    Path to(String member, Way way, String remote) {
        return open.compute(member, (name, known) -> {
                    if (known != null && known.remote().equals(remote) && known.way() == way) {
                        return known;
                    }
                    shut(known);
                    return listen(name, way, remote);
                })
                .path();
    }

    private Tunnel listen(String member, Way way, String remote) {
        Path path = directory.resolve(member);
        try {
            // One that a process left which died.
            Files.deleteIfExists(path);
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            listener.bind(UnixDomainSocketAddress.of(path));
            listener.configureBlocking(false);
            Tunnel tunnel = new Tunnel(path, way, remote, listener);
            listener.register(selector, SelectionKey.OP_ACCEPT, tunnel);
            selector.wakeup();
            return tunnel;
        } catch (IOException e) {
            throw Failures.io("listening at " + path, e);
        }
    }

    private void accept() {
        while (selector.isOpen()) {
            try {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    Tunnel tunnel = (Tunnel) key.attachment();
                    SocketChannel client = tunnel.listener().accept();
                    if (client != null) {
                        pumps.execute(() -> carry(client, tunnel));
                    }
                }
                selector.selectedKeys().clear();
            } catch (ClosedChannelException | java.nio.channels.ClosedSelectorException e) {
                log.debug("A tunnel was closed: {}", e.toString());
            } catch (IOException | RuntimeException e) {
                log.warn("Accepting a session for a member: {}", e.toString());
            }
        }
    }

    private void carry(SocketChannel client, Tunnel tunnel) {
        try (client;
                HostLink.Stream host = tunnel.way().open(tunnel.remote())) {
            pumps.execute(() -> back(host, client));
            byte[] bytes = new byte[CHUNK];
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (client.read(buffer) >= 0) {
                host.out().write(bytes, 0, buffer.position());
                host.out().flush();
                buffer.clear();
            }
        } catch (IOException | ProviderException e) {
            log.debug("A session to {} ended: {}", tunnel.remote(), e.toString());
        }
    }

    /**
     * Either side's end is the end of both: database sessions are never half closed. Not through streams of the channel, whose reader
     * would keep its writer out while it waits.
     */
    private static void back(HostLink.Stream host, SocketChannel client) {
        byte[] bytes = new byte[CHUNK];
        try (client;
                host) {
            for (int n = host.in().read(bytes); n >= 0; n = host.in().read(bytes)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, n);
                while (buffer.hasRemaining()) {
                    client.write(buffer);
                }
            }
        } catch (IOException e) {
            log.debug("A session ended: {}", e.toString());
        }
    }

    /** Ends what leads to a member. */
    void end(String member) {
        shut(open.remove(member));
    }

    private static void shut(@Nullable Tunnel tunnel) {
        if (tunnel != null) {
            try {
                tunnel.listener().close();
                Files.deleteIfExists(tunnel.path());
            } catch (IOException e) {
                log.warn("Closing {}: {}", tunnel.path(), e.toString());
            }
        }
    }

    @Override
    public void close() {
        open.values().forEach(Tunnels::shut);
        try {
            selector.close();
        } catch (IOException e) {
            log.warn("Closing tunnels: {}", e.toString());
        }
        pumps.shutdownNow();
    }
}
