package dev.tenon.testkit;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.HealthCheck;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.commons.pool2.BaseKeyedPooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericKeyedObjectPool;
import org.apache.commons.pool2.impl.GenericKeyedObjectPoolConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Databases for tests in plain Java, for frameworks other than JUnit 5; what {@link Database} stands on. One for a whole run.
 * Thread-safe.
 *
 * <pre>{@code
 * try (TestDatabases databases = TestDatabases.create();
 *         TestDatabase orders = databases.lease(d -> d.addMigrations("classpath:db/migration"))) {
 *     new Orders(orders.dataSource()).place("tea");
 * }
 * }</pre>
 */
public final class TestDatabases implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TestDatabases.class);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** Of one kind, in this JVM. */
    private static final int MOST_DATABASES = 64;

    /** Most databases of one kind that are made ahead in one JVM; 0 makes none. */
    static final String AHEAD = "tenon.testkit.ahead";

    private static final int DEFAULT_AHEAD = 8;
    /** While the server copies files for one database, the log-in to another is computed. */
    private static final int MAKERS = 2;

    private static final String WARM_UP = "SELECT 1";

    private final GenericKeyedObjectPool<Kind, Ready> pool;
    private final Map<Kind, Supply> supplies = new ConcurrentHashMap<>();
    private final AtomicInteger makers = new AtomicInteger();
    private final ExecutorService ahead = Executors.newFixedThreadPool(MAKERS, task -> {
        Thread thread = new Thread(task, "tenon-testkit-ahead-" + makers.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    });
    private final Set<TestDatabase> leased = ConcurrentHashMap.newKeySet();
    private final AtomicInteger number = new AtomicInteger();
    private final int mostAhead = Math.max(0, Math.min(MOST_DATABASES / 2, Integer.getInteger(AHEAD, DEFAULT_AHEAD)));
    private @Nullable DaemonStarter starter;
    private @Nullable Wire presence;
    private @Nullable Tenon own;
    private boolean closed;

    /** What makes databases interchangeable. */
    private record Kind(String version, Map<String, String> parameters, String template, Source source) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Kind kind
                    && version.equals(kind.version)
                    && parameters.equals(kind.parameters)
                    && template.equals(kind.template);
        }

        @Override
        public int hashCode() {
            return Objects.hash(version, parameters, template);
        }
    }

    /** How many of a kind are to be ready, and how many are being made ahead. */
    private record Supply(AtomicInteger target, AtomicInteger making) {}

    /** How to make the first of a kind. */
    private record Source(DatabaseSpec spec, Filling filling) {}

    /** A database that waits for a test, with an open connection: logging in takes as long as all the rest. */
    private record Ready(Lease lease, Connection connection) {}

    private TestDatabases() {
        GenericKeyedObjectPoolConfig<Ready> config = new GenericKeyedObjectPoolConfig<>();
        config.setMaxTotalPerKey(MOST_DATABASES);
        config.setMaxIdlePerKey(Math.max(1, mostAhead));
        config.setMaxTotal(-1);
        config.setMaxWait(PATIENCE);
        config.setTestOnBorrow(true);
        config.setJmxEnabled(false);
        pool = new GenericKeyedObjectPool<>(new Factory(), config);
    }

    /** Returns one that has not started anything yet. */
    public static TestDatabases create() {
        return new TestDatabases();
    }

    /** Leases an empty database. */
    public TestDatabase lease() {
        return lease(spec -> {});
    }

    /** Leases a database; see {@link #lease(DatabaseSpec)}. */
    public TestDatabase lease(Consumer<DatabaseSpec.Builder> spec) {
        DatabaseSpec.Builder builder = DatabaseSpec.builder();
        spec.accept(builder);
        return lease(builder.build());
    }

    /**
     * Leases a database that nobody else gets.
     *
     * @throws dev.tenon.api.InvalidSpecException if a field is wrong: {@code VERSION_UNKNOWN}, {@code PARAMETER_INVALID}, …
     * @throws ProviderException {@code CAPACITY_EXCEEDED} if 64 databases of this kind are in use in this JVM and none is given
     *     back in two minutes; {@code PROVIDER_FAILED} if the server cannot be started or the template cannot be filled
     */
    public TestDatabase lease(DatabaseSpec spec) {
        Filling filling = Filling.of(spec);
        TestDatabase database = spec.isolated() ? isolated(spec, filling) : shared(spec, filling);
        leased.add(database);
        return database;
    }

    private LeasedDatabase shared(DatabaseSpec spec, Filling filling) {
        Kind kind = new Kind(spec.version(), spec.parameters(), filling.key(), new Source(spec, filling));
        boolean late = pool.getNumIdle(kind) == 0;
        Ready ready;
        try {
            ready = pool.borrowObject(kind);
        } catch (NoSuchElementException e) {
            throw new ProviderException(
                    ErrorCode.CAPACITY_EXCEEDED,
                    MOST_DATABASES + " databases are in use, and none was given back in " + PATIENCE.toMinutes()
                            + " minutes",
                    e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw Connections.failed("lease a database", e);
        }
        lookAhead(kind, late);
        return new LeasedDatabase(
                ready.lease(), ready.connection(), spec.keep(), Optional.empty(), (database, lease) -> {
                    leased.remove(database);
                    try {
                        pool.invalidateObject(kind, ready);
                    } catch (Exception e) {
                        throw Connections.failed("give a database back", e);
                    }
                });
    }

    /** Who had to wait makes us keep more in store, so that a single test costs no more than one or two. */
    private void lookAhead(Kind kind, boolean late) {
        Supply supply = supplies.computeIfAbsent(
                kind, k -> new Supply(new AtomicInteger(Math.min(1, mostAhead)), new AtomicInteger()));
        if (late) {
            supply.target().updateAndGet(count -> Math.min(mostAhead, 2 * count));
        }
        try {
            ahead.execute(() -> refill(kind, supply));
        } catch (RejectedExecutionException e) {
            log.debug("Closed; nothing is made ahead any more");
        }
    }

    private void refill(Kind kind, Supply supply) {
        try {
            boolean enough = false;
            while (!enough) {
                enough = pool.getNumIdle(kind) + supply.making().getAndIncrement()
                        >= supply.target().get();
                try {
                    if (!enough) {
                        pool.addObject(kind);
                    }
                } finally {
                    supply.making().decrementAndGet();
                }
            }
        } catch (Exception e) {
            // The next lease meets the same and says so to who waits for it.
            log.debug("No database could be made ahead: {}", e.toString());
        }
    }

    private LeasedDatabase isolated(DatabaseSpec spec, Filling filling) {
        TestServer server = TestServer.start(
                tenant(own()),
                "test-" + number.incrementAndGet(),
                spec.version(),
                spec.parameters(),
                true,
                Optional.empty(),
                Optional.empty());
        try {
            if (!server.templateIsThere(filling.key())) {
                Lease.Address half = server.build();
                filling.fill(half);
                server.built(filling.key(), half);
            }
            ServerFaults faults = new ServerFaults(server);
            return new LeasedDatabase(
                    server.lease(filling.key()), null, spec.keep(), Optional.of(faults), (database, lease) -> {
                        leased.remove(database);
                        faults.close();
                        server.close();
                    });
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private synchronized Tenon own() {
        requireOpen();
        Tenon tenon = own;
        if (tenon == null) {
            LocalDelivery.Builder delivery = LocalDelivery.builder();
            Optional.ofNullable(System.getProperty(DaemonStarter.CACHE))
                    .map(Path::of)
                    .ifPresent(delivery::cache);
            // Faults are the test's affair: nothing is to be mended before it has seen them.
            tenon = Tenon.builder()
                    .delivery(delivery.build())
                    .resync(Duration.ofHours(1))
                    .healthCheck(HealthCheck.Builder::neverRestart)
                    .build();
            own = tenon;
        }
        return tenon;
    }

    static synchronized Tenant tenant(Tenon tenon) {
        return tenon.tenants().find("tests").orElseGet(() -> tenon.tenants()
                .create(t -> t.name("tests").quota(q -> q.cpus(100_000)
                        .memory(DataSize.gib(1_000_000))
                        .storage(DataSize.gib(1_000_000))
                        .instances(100_000))));
    }

    /** One connection that says that we are here, so that the servers stay between two tests. */
    private synchronized DaemonStarter starter() throws IOException {
        requireOpen();
        DaemonStarter found = starter;
        if (found == null) {
            found = DaemonStarter.open();
            presence = found.greet();
            starter = found;
        }
        return found;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("closed");
        }
    }

    /** Gives everything back. Databases that are still leased go, too. */
    @Override
    public void close() {
        ahead.shutdownNow();
        try {
            if (!ahead.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("A database is still being made ahead");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        leased.forEach(TestDatabase::close);
        pool.close();
        Wire wire;
        Tenon tenon;
        synchronized (this) {
            closed = true;
            wire = presence;
            tenon = own;
        }
        if (wire != null) {
            wire.close();
        }
        if (tenon != null) {
            tenon.close();
        }
    }

    private final class Factory extends BaseKeyedPooledObjectFactory<Kind, Ready> {
        @Override
        public Ready create(Kind kind) throws Exception {
            Lease lease = RemoteLease.take(
                    starter(), kind.source().spec(), kind.source().filling());
            try {
                return new Ready(lease, opened(lease));
            } catch (SQLException e) {
                lease.close();
                throw e;
            }
        }

        /** A session's first statement waits for the catalogue; this one is not the test's. */
        private Connection opened(Lease lease) throws SQLException {
            Connection connection = Connections.source(lease.address()).getConnection();
            try (Statement statement = connection.createStatement()) {
                statement.execute(WARM_UP);
                return connection;
            } catch (SQLException e) {
                connection.close();
                throw e;
            }
        }

        @Override
        public PooledObject<Ready> wrap(Ready ready) {
            return new DefaultPooledObject<>(ready);
        }

        @Override
        public boolean validateObject(Kind kind, PooledObject<Ready> pooled) {
            try {
                return pooled.getObject().connection().isValid(5);
            } catch (SQLException e) {
                return false;
            }
        }

        @Override
        public void destroyObject(Kind kind, PooledObject<Ready> pooled) throws SQLException {
            pooled.getObject().lease().close();
            pooled.getObject().connection().close();
        }
    }
}
