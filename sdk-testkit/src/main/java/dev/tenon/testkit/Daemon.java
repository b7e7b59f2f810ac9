package dev.tenon.testkit;

import dev.tenon.api.DataSize;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.testkit.Lease.Address;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process that looks after this machine's shared test servers, for all JVMs of one user. The first JVM starts it; it ends when
 * the last has gone, nothing is kept any more and a while has passed. A database is leased for as long as the connection it
 * was asked on lasts, so that however a JVM ends, its databases are given back. If this process dies, its servers do too.
 */
final class Daemon implements AutoCloseable {
    /** What it prints once it can be asked, before a blank and the directory that the servers lie in. */
    static final String READY = "ready";

    static final String HELLO = "HELLO";
    static final String LEASE = "LEASE";
    static final String BRANCH = "BRANCH";
    static final String FILL = "FILL";
    static final String FILLED = "FILLED";
    static final String NOT_FILLED = "NOT_FILLED";
    static final String LEASED = "LEASED";
    static final String RESET = "RESET";
    static final String SNAPSHOT = "SNAPSHOT";
    static final String RESTORE = "RESTORE";
    static final String KEEP = "KEEP";
    static final String DONE = "DONE";

    private static final Logger log = LoggerFactory.getLogger(Daemon.class);
    private static final LongSupplier NANOS = System::nanoTime;
    private static final Duration UNTIL_IT_GOES = Duration.ofDays(365);

    private final Tenant tenant;
    private final Optional<Seeds> seeds;
    private final Optional<MemoryShare> memory;
    private final Map<String, TestServer> servers = new ConcurrentHashMap<>();
    private final Map<String, Lease> leases = new ConcurrentHashMap<>();
    private final AtomicInteger clients = new AtomicInteger();
    private final AtomicLong number = new AtomicLong();
    private volatile long lastSeen = NANOS.getAsLong();

    private Daemon(Tenon tenon, Optional<Seeds> seeds, Optional<MemoryShare> memory) {
        this.tenant = TestDatabases.tenant(tenon);
        this.seeds = seeds;
        this.memory = memory;
    }

    /**
     * Runs until nobody needs it. Arguments: its private directory, how many milliseconds to wait for others, the cache or an empty
     * word, a directory in memory for the servers' data or an empty word, how many bytes they may take there.
     */
    public static void main(String[] arguments) throws IOException {
        // Whatever logs to standard output must not be taken for our answer.
        PrintStream answer = System.out;
        System.setOut(System.err);
        Path directory = Path.of(arguments[0]);
        // Not at once: who has started it is on the way.
        Duration linger = Duration.ofMillis(Math.max(500, Long.parseLong(arguments[1])));
        Path cache = arguments[2].isEmpty() ? LocalDelivery.usualCache() : Path.of(arguments[2]);
        LocalDelivery.Builder local = LocalDelivery.builder().spares(1).cache(cache);
        DataSize most = DataSize.bytes(Long.parseLong(arguments[4]));
        if (!arguments[3].isEmpty()) {
            local.ephemeralData(Path.of(arguments[3]), most);
        }
        LocalDelivery delivery = local.build();
        Optional<Seeds> seeds = Seeds.in(cache, directory.getFileName().toString());
        EngineDriver engine = new PostgresqlEngine();
        // Who starts the next one holds this lock, and asks us once more before.
        try (FileChannel lock =
                FileChannel.open(DaemonStarter.lock(directory), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            try (Tenon tenon = Tenon.builder()
                            .delivery(delivery)
                            .engine(seeds.map(from -> from.around(engine)).orElse(engine))
                            .build();
                    Daemon daemon = new Daemon(tenon, seeds, share(delivery.ephemeralDirectory(), arguments[3], most));
                    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                listener.bind(UnixDomainSocketAddress.of(DaemonStarter.socket(directory)));
                Thread accepting = daemon.thread("accept", () -> daemon.accept(listener));
                answer.println(READY + " " + delivery.ephemeralDirectory());
                answer.close();
                daemon.stayWhileNeeded(linger, lock);
                listener.close();
                daemon.serveTheLast(accepting);
            }
            DaemonStarter.remove(directory);
        }
    }

    private static Optional<MemoryShare> share(Path data, String memory, DataSize most) throws IOException {
        return !memory.isEmpty() && data.startsWith(memory)
                ? Optional.of(new MemoryShare(data, most))
                : Optional.empty();
    }

    private Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, "tenon-testkit-" + name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Returns with the lock, which ends with the process. */
    private void stayWhileNeeded(Duration linger, FileChannel file) throws IOException {
        long pause = TimeUnit.MILLISECONDS.toNanos(Math.max(20, Math.min(500, linger.toMillis() / 4)));
        while (true) {
            while (needed(linger)) {
                LockSupport.parkNanos(pause);
            }
            FileLock lock = file.lock();
            if (!needed(linger)) {
                return;
            }
            lock.release();
        }
    }

    /** Somebody may have been let in just before the door was closed. */
    private void serveTheLast(Thread accepting) {
        while (accepting.isAlive() || clients.get() > 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private boolean needed(Duration linger) {
        return clients.get() > 0
                || servers.values().stream().anyMatch(server -> server.kept() > 0)
                || NANOS.getAsLong() - lastSeen < linger.toNanos();
    }

    private void accept(ServerSocketChannel listener) {
        try {
            while (true) {
                SocketChannel channel = listener.accept();
                clients.incrementAndGet();
                thread("lease-" + number.incrementAndGet(), () -> serve(channel));
            }
        } catch (IOException e) {
            log.debug("Accepts no more: {}", e.toString());
        }
    }

    private void serve(SocketChannel channel) {
        try (Wire wire = new Wire(channel)) {
            serve(wire);
        } catch (EOFException e) {
            log.debug("A client has gone");
        } catch (IOException | RuntimeException e) {
            log.warn("A client is served no more: {}", e.toString(), e);
        } finally {
            lastSeen = NANOS.getAsLong();
            clients.decrementAndGet();
        }
    }

    private void serve(Wire wire) throws IOException {
        List<String> words = wire.receive(UNTIL_IT_GOES);
        if (words.get(0).equals(HELLO)) {
            wire.send(List.of(DONE));
            // Says no more; this read ends when the client does.
            wire.receive(UNTIL_IT_GOES);
            return;
        }
        Lease lease;
        try {
            lease = words.get(0).equals(BRANCH) ? leaseOf(words).branch() : lease(wire, words);
        } catch (RuntimeException e) {
            wire.send(Wire.failure(e));
            return;
        }
        String id = lease.address().port() + "/" + lease.address().database();
        leases.put(id, lease);
        try {
            wire.send(words(LEASED, lease.address()));
            while (true) {
                wire.send(answer(lease, wire.receive(UNTIL_IT_GOES)));
            }
        } finally {
            leases.remove(id);
            lease.close();
        }
    }

    private Lease leaseOf(List<String> words) {
        Lease lease = leases.get(words.get(1));
        if (lease == null) {
            throw new NotFoundException("no such database");
        }
        return lease;
    }

    private Lease lease(Wire wire, List<String> words) throws IOException {
        if (!words.get(0).equals(LEASE)) {
            throw new InvalidSpecException("request", words.get(0) + "; expected a lease");
        }
        TestServer server = server(words.get(1), words.subList(3, words.size()));
        String key = words.get(2);
        if (!server.templateIsThere(key)) {
            fill(wire, server, key);
        }
        return server.lease(key);
    }

    /** The client fills the template: only there are its files and classes. */
    private static void fill(Wire wire, TestServer server, String key) throws IOException {
        Address half = server.build();
        boolean filled = false;
        try {
            wire.send(words(FILL, half));
            filled = wire.receive(UNTIL_IT_GOES).get(0).equals(FILLED);
            if (filled) {
                server.built(key, half);
            }
        } catch (RuntimeException e) {
            filled = false;
            throw e;
        } finally {
            if (!filled) {
                server.notBuilt(key, half);
            }
        }
        if (!filled) {
            throw new EOFException("the client could not fill the template");
        }
    }

    private TestServer server(String version, List<String> settings) {
        Map<String, String> parameters = new TreeMap<>();
        for (int i = 0; i < settings.size(); i += 2) {
            parameters.put(settings.get(i), settings.get(i + 1));
        }
        return servers.computeIfAbsent(version + parameters, key -> start(version, parameters));
    }

    private TestServer start(String version, Map<String, String> parameters) {
        try {
            return TestServer.start(tenant, name(), version, parameters, false, seeds, memory);
        } catch (ProviderException e) {
            if (seeds.isEmpty() || !seeds.get().discard(version, parameters)) {
                throw e;
            }
            log.warn("A server does not start from the templates of former runs, and starts without: {}", e.toString());
            return TestServer.start(tenant, name(), version, parameters, false, seeds, memory);
        }
    }

    private String name() {
        return "shared-" + number.incrementAndGet();
    }

    private static List<String> answer(Lease lease, List<String> words) {
        try {
            switch (words.get(0)) {
                case RESET -> lease.reset();
                case SNAPSHOT -> {
                    return List.of(DONE, lease.snapshot());
                }
                case RESTORE -> lease.restore(words.get(1));
                case KEEP -> lease.keep(Duration.ofMillis(Long.parseLong(words.get(1))));
                default -> throw new InvalidSpecException("request", words.get(0) + " is none");
            }
            return List.of(DONE);
        } catch (RuntimeException e) {
            return Wire.failure(e);
        }
    }

    private static List<String> words(String verb, Address address) {
        List<String> words = new ArrayList<>();
        words.add(verb);
        words.add(address.host());
        words.add(Integer.toString(address.port()));
        words.add(address.database());
        words.add(address.user());
        words.add(address.password().reveal(text -> text));
        return words;
    }

    @Override
    public void close() {
        servers.values().forEach(TestServer::close);
    }
}
