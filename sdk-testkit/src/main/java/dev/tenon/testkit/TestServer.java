package dev.tenon.testkit;

import dev.tenon.api.DataSize;
import dev.tenon.api.Endpoint;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Session;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import dev.tenon.engine.postgresql.ScramVerifier;
import dev.tenon.testkit.Lease.Address;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One ephemeral PostgreSQL for tests: its templates, its databases, and those that are to be dropped. Everything is done as the
 * owner of its first database, who may create databases and no more, so that the engine's own rules stay as they are.
 * Thread-safe.
 */
final class TestServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TestServer.class);
    private static final LongSupplier NANOS = System::nanoTime;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** A migration may take long; another test waits for it at most so long. */
    private static final Duration BUILD_PATIENCE = Duration.ofMinutes(10);

    private static final Duration SESSION_PATIENCE = Duration.ofSeconds(10);
    private static final Duration QUIET = Duration.ofMillis(100);
    private static final int MOST_DATABASES = 256;
    /** Dropping costs as much as half a new database: it waits until nobody does, or until this much has gathered. */
    private static final DataSize MOST_GARBAGE = DataSize.gib(1);

    private static final DataSize MOST_MEMORY = DataSize.gib(8);
    private static final DataSize LEAST_MEMORY = DataSize.mib(256);
    /** How many templates are kept for the next run, and how large they may be together; those used last go first. */
    private static final int MOST_TEMPLATES = 16;

    private static final DataSize MOST_KEPT = DataSize.mib(512);
    private static final String TEMPLATE = "template_";
    private static final String LEASED = "t_";
    private static final String SNAPSHOT = "snapshot_";
    private static final String BUILD = "build_";
    private static final String HOME = "testkit";
    private static final String EMPTY = "empty";

    private final Instance instance;
    private final String version;
    private final Map<String, String> parameters;
    private final boolean isolated;
    private final Optional<Seeds> seeds;
    private final Optional<MemoryShare> memory;
    private final boolean choosesStrategy;
    private final Address first;
    private final Connections connections;
    private final AtomicLong number = new AtomicLong();
    private final Semaphore room = new Semaphore(MOST_DATABASES);
    private final Set<String> templates = new HashSet<>();
    /** Templates of a former run that nobody has entered since the server's start. */
    private final Set<String> cold = new HashSet<>();

    private final Set<String> used = ConcurrentHashMap.newKeySet();
    private final String common;
    private final Set<String> inTheMaking = new HashSet<>();
    private final LinkedBlockingQueue<String> garbage = new LinkedBlockingQueue<>();
    private final ReentrantLock dropping = new ReentrantLock();
    /** Databases that were dropped while they were in use, because there was no more memory for them. */
    private final Set<String> outgrown = ConcurrentHashMap.newKeySet();

    private final AtomicInteger kept = new AtomicInteger();
    private final ScheduledExecutorService timer;
    /** Bytes of the largest template whose copies were handed out. */
    private volatile long largest;

    private volatile boolean built;
    private volatile boolean closed;
    private volatile long lastCreated = NANOS.getAsLong();

    /** Asks the server something. */
    @FunctionalInterface
    private interface Question {
        boolean ask() throws SQLException;
    }

    private TestServer(
            Instance instance,
            String version,
            Map<String, String> parameters,
            boolean isolated,
            Optional<Seeds> seeds,
            Optional<MemoryShare> memory) {
        this.instance = instance;
        this.version = version;
        this.parameters = parameters;
        this.isolated = isolated;
        this.seeds = seeds;
        this.memory = memory;
        this.choosesStrategy = Integer.parseInt(version) >= 15;
        Endpoint endpoint = instance.view().endpoint().orElseThrow();
        this.first = new Address(
                endpoint.host(),
                endpoint.port(),
                endpoint.database(),
                endpoint.user(),
                instance.credential().password());
        prepare();
        this.connections = new Connections(database(HOME));
        this.cold.addAll(templates().keySet());
        this.templates.addAll(cold);
        this.common = common();
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "tenon-testkit-" + first.port());
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setRemoveOnCancelPolicy(true);
        this.timer = executor;
        timer.scheduleWithFixedDelay(this::tidy, QUIET.toMillis(), QUIET.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Starts a server as large as this machine carries: test suites want many connections, and small machines have room for few.
     *
     * @param seeds where its templates come from and go to, if anywhere
     * @param memory how much it may take, if it lies in memory
     */
    static TestServer start(
            Tenant tenant,
            String name,
            String version,
            Map<String, String> parameters,
            boolean isolated,
            Optional<Seeds> seeds,
            Optional<MemoryShare> memory) {
        double cpus = Math.max(0.5, Runtime.getRuntime().availableProcessors() * 0.6);
        DataSize size = MOST_MEMORY;
        while (true) {
            Resources resources = Resources.of(cpus, size, LEAST_MEMORY);
            try {
                Instance instance = tenant.instances()
                        .create(spec -> spec.name(name)
                                .engine(EngineId.POSTGRESQL, version)
                                .resources(resources)
                                .parameters(parameters)
                                .ephemeral(true))
                        .await(PATIENCE);
                return new TestServer(instance, version, parameters, isolated, seeds, memory);
            } catch (TenonException e) {
                if (e.code() != ErrorCode.CAPACITY_EXCEEDED || size.compareTo(LEAST_MEMORY) <= 0) {
                    throw e;
                }
                size = DataSize.bytes(size.bytes() / 2);
            }
        }
    }

    Instance instance() {
        return instance;
    }

    /** Returns where the first database is: on a server of one's own, the test's. */
    Address address() {
        return first;
    }

    /** Returns a database that no test touches. */
    Address home() {
        return database(HOME);
    }

    /** Returns the number by which the server knows the first database on disk. */
    long databaseNumber() {
        return ask("SELECT oid FROM pg_database WHERE datname = ?", first.database());
    }

    /** Returns the bytes of the first database. */
    long databaseSize() {
        return size(first.database());
    }

    private long size(String name) {
        return ask("SELECT pg_database_size(?::name)", name);
    }

    /** Opens a session in the first database: the first one after a start writes a file that later ones need. */
    void enter() {
        try (Connection connection = Connections.source(first).getConnection()) {
            log.debug("In database {}", connection.getCatalog());
        } catch (SQLException e) {
            throw Connections.failed("enter the database", e);
        }
    }

    private long ask(String question, String name) {
        return connections.with("look at the database", connection -> {
            try (PreparedStatement statement = connection.prepareStatement(question)) {
                statement.setString(1, name);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return row.getLong(1);
                }
            }
        });
    }

    private Address database(String name) {
        return new Address(first.host(), first.port(), name, first.user(), first.password());
    }

    /** The first database is the one template that costs nothing; on a server of one's own it is the test's. */
    private void prepare() {
        try (Connection connection = Connections.source(first).getConnection()) {
            // Who handed the database over may be about to leave it.
            await("others leave the first database", () -> others(connection) == 0);
            shortenLogIn(connection);
            if (!exists(connection, HOME)) {
                create(connection, HOME, first.database());
            }
            if (isolated) {
                create(connection, EMPTY, first.database());
                // A test that kills a backend expects to find what it has committed.
                execute(connection, "ALTER ROLE CURRENT_USER SET synchronous_commit = on");
            }
        } catch (SQLException e) {
            throw Connections.failed("prepare the server", e);
        }
    }

    /** Many rounds protect a password that a person chose; this one is random and long, and every log-in would compute them. */
    private void shortenLogIn(Connection connection) throws SQLException {
        byte[] salt = new byte[ScramVerifier.SALT_LENGTH];
        new SecureRandom().nextBytes(salt);
        // Base64, digits, '$', ':' and '-': nothing that a string literal could end on.
        execute(connection, "ALTER ROLE CURRENT_USER PASSWORD '" + ScramVerifier.of(first.password(), salt, 1) + "'");
    }

    private static boolean exists(Connection connection, String name) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT 1 FROM pg_database WHERE datname = ?")) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    /** Returns the filled templates, by their keys, and how many bytes each has. */
    private Map<String, Long> templates() {
        return connections.with("list the templates", connection -> {
            Map<String, Long> sizes = new LinkedHashMap<>();
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT substr(datname, " + (TEMPLATE.length() + 1)
                            + "), pg_database_size(oid) FROM pg_database WHERE starts_with(datname, '" + TEMPLATE
                            + "')")) {
                while (row.next()) {
                    sizes.put(row.getString(1), row.getLong(2));
                }
            }
            return sizes;
        });
    }

    /** Returns what tests can change for all databases of the server: roles, and the settings of roles. */
    private String common() {
        return connections.with("list the roles", connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(
                            "SELECT string_agg(rolname, ' ' ORDER BY rolname) || (SELECT count(*) FROM pg_db_role_setting"
                                    + " WHERE setdatabase = 0) FROM pg_roles")) {
                row.next();
                return row.getString(1);
            }
        });
    }

    private void create(Connection connection, String name, String template) throws SQLException {
        execute(
                connection,
                "CREATE DATABASE %s TEMPLATE %s" + (choosesStrategy ? " STRATEGY file_copy" : ""),
                name,
                template);
    }

    private static void execute(Connection connection, String form, String... names) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            Object[] quoted = new Object[names.length];
            for (int i = 0; i < names.length; i++) {
                quoted[i] = statement.enquoteIdentifier(names[i], true);
            }
            statement.execute(form.formatted(quoted));
        }
    }

    private String template(String key) {
        return key.equals(TemplateKey.EMPTY) ? isolated ? EMPTY : first.database() : TEMPLATE + key;
    }

    /**
     * Returns whether the template is there. If not, the caller is the one who has to make it, and everybody else waits for it.
     *
     * @throws ProviderException {@code TIMEOUT} if another does not get done with it
     */
    boolean templateIsThere(String key) {
        if (key.equals(TemplateKey.EMPTY)) {
            return true;
        }
        long deadline = NANOS.getAsLong() + BUILD_PATIENCE.toNanos();
        synchronized (templates) {
            while (inTheMaking.contains(key)) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - NANOS.getAsLong());
                if (left <= 0) {
                    throw new ProviderException(ErrorCode.TIMEOUT, "another test still fills the same template");
                }
                try {
                    templates.wait(left);
                } catch (InterruptedException e) {
                    throw Connections.failed("wait for a template", e);
                }
            }
            return templates.contains(key) || !inTheMaking.add(key);
        }
    }

    /** Makes the database that is to become a template; only for whom {@link #templateIsThere} answered false. */
    Address build() {
        return database(created(TemplateKey.EMPTY, BUILD));
    }

    /** Makes the filled database the template. */
    void built(String key, Address filled) {
        connections.with("make a template", connection -> {
            seal(connection, filled.database());
            execute(connection, "ALTER DATABASE %s RENAME TO %s", filled.database(), template(key));
            return key;
        });
        done(key, true);
    }

    /** Gives up; who waits for the template tries in its turn. */
    void notBuilt(String key, Address half) {
        garbage.add(half.database());
        done(key, false);
    }

    private void done(String key, boolean made) {
        synchronized (templates) {
            inTheMaking.remove(key);
            if (made) {
                templates.add(key);
                built = true;
            }
            templates.notifyAll();
        }
    }

    /** Hands out a copy of a template that is there. */
    Lease lease(String key) {
        warm(key);
        takeRoom();
        try {
            if (!isolated) {
                return new ServerLease(key, database(created(key, LEASED)));
            }
            if (!key.equals(TemplateKey.EMPTY)) {
                replace(first.database(), created(key, LEASED));
            }
            return new ServerLease(key, first);
        } catch (RuntimeException e) {
            room.release();
            throw e;
        }
    }

    /**
     * The first session in a database after the server's start writes a file that speeds up all later ones; copies have it when
     * their template has.
     */
    private void warm(String key) {
        if (used.add(key)) {
            largest = Math.max(largest, size(template(key)));
        }
        synchronized (templates) {
            if (cold.remove(key)) {
                String name = template(key);
                connections.with("warm a template", connection -> {
                    execute(connection, "ALTER DATABASE %s ALLOW_CONNECTIONS true", name);
                    try (Connection entered = Connections.source(database(name)).getConnection()) {
                        log.debug("In template {}", entered.getCatalog());
                    }
                    seal(connection, name);
                    return name;
                });
            }
        }
    }

    private void takeRoom() {
        try {
            if (!room.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new ProviderException(
                        ErrorCode.CAPACITY_EXCEEDED,
                        MOST_DATABASES + " databases are in use on this server, and none was given back in "
                                + PATIENCE.toMinutes() + " minutes");
            }
        } catch (InterruptedException e) {
            throw Connections.failed("wait for room", e);
        }
    }

    private String created(String key, String prefix) {
        requireMemory();
        String name = prefix + number.incrementAndGet();
        lastCreated = NANOS.getAsLong();
        connections.with("create a database", connection -> {
            create(connection, name, template(key));
            return name;
        });
        lastCreated = NANOS.getAsLong();
        return name;
    }

    /** Copies a database whose sessions it ends. */
    private String copied(String from, String prefix) {
        requireMemory();
        String name = prefix + number.incrementAndGet();
        connections.with("copy a database", connection -> {
            seal(connection, from);
            try {
                create(connection, name, from);
            } finally {
                execute(connection, "ALTER DATABASE %s ALLOW_CONNECTIONS true", from);
            }
            return name;
        });
        return name;
    }

    /** Gives one database's name to another. */
    private void replace(String name, String fresh) {
        String old = "old_" + number.incrementAndGet();
        connections.with("replace a database", connection -> {
            seal(connection, name);
            execute(connection, "ALTER DATABASE %s RENAME TO %s", name, old);
            execute(connection, "ALTER DATABASE %s RENAME TO %s", fresh, name);
            return name;
        });
        garbage.add(old);
    }

    /** Lets nobody in and ends who is inside: what copies or renames a database waits in steps of 100 ms for its sessions. */
    private void seal(Connection connection, String name) throws SQLException {
        execute(connection, "ALTER DATABASE %s ALLOW_CONNECTIONS false", name);
        await("the sessions of database " + name + " end", () -> sessions(connection, name) == 0);
    }

    private static void await(String what, Question done) throws SQLException {
        long deadline = NANOS.getAsLong() + SESSION_PATIENCE.toNanos();
        while (!done.ask()) {
            if (NANOS.getAsLong() > deadline) {
                throw new SQLException("waited in vain for this: " + what);
            }
            LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
        }
    }

    private static int others(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }

    private int sessions(Connection connection, String name) throws SQLException {
        int others = 0;
        int all = 0;
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT CASE WHEN usename = current_user THEN pg_terminate_backend(pid) END FROM pg_stat_activity"
                        + " WHERE datname = ? AND usename IS NOT NULL")) {
            statement.setString(1, name);
            try (ResultSet ended = statement.executeQuery()) {
                while (ended.next()) {
                    all++;
                    others += ended.getObject(1) == null ? 1 : 0;
                }
            }
        }
        if (others > 0) {
            // Roles that the test made: the owner may not end their sessions, the platform may.
            for (Session session : instance.sessions().list()) {
                if (session.database().equals(name)) {
                    end(session);
                }
            }
        }
        return all;
    }

    /** Ends a session, whoever opened it. */
    void end(Session session) {
        try {
            instance.sessions().terminate(session.id());
        } catch (NotFoundException e) {
            log.debug("Session {} ended by itself", session.id());
        }
    }

    /** Drops what was given back, while nobody waits for a new database or when much has gathered; more where memory ends. */
    private void tidy() {
        try {
            collect(() -> garbage.size() * largest > MOST_GARBAGE.bytes()
                    || NANOS.getAsLong() - lastCreated > QUIET.toNanos()
                    || memoryIsFull());
            if (memoryIsFull()) {
                dropLargest();
            }
        } catch (RuntimeException e) {
            // Nobody would notice that the timer has stopped.
            log.warn("What tests gave back could not be cleared away: {}", e.toString());
        }
    }

    private void collect(BooleanSupplier wanted) {
        dropping.lock();
        try {
            String name = garbage.peek();
            while (name != null && !closed && wanted.getAsBoolean()) {
                if (!outgrown.remove(name)) {
                    drop(name);
                }
                garbage.remove(name);
                name = garbage.peek();
            }
        } finally {
            dropping.unlock();
        }
    }

    private boolean memoryIsFull() {
        return memory.map(MemoryShare::exceeded).orElse(false);
    }

    private void requireMemory() {
        if (memoryIsFull()) {
            collect(this::memoryIsFull);
            if (memoryIsFull()) {
                throw outOfMemory("there is none for another");
            }
        }
    }

    private ProviderException outOfMemory(String consequence) {
        return new ProviderException(
                ErrorCode.CAPACITY_EXCEEDED,
                "the databases of tests take more than the "
                        + memory.orElseThrow().most() + " of memory they may: "
                        + consequence + "; let tests write less, allow more with " + DaemonStarter.MEMORY_SIZE
                        + ", or have them on disk with " + DaemonStarter.MEMORY + "=" + DaemonStarter.NO_MEMORY);
    }

    /** A test that writes without end must not take the machine's memory; its next question to us says what happened. */
    private void dropLargest() {
        String name = connections.with("find the largest database", connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row =
                            statement.executeQuery("SELECT datname FROM pg_database WHERE datname ~ '^(" + LEASED + "|"
                                    + SNAPSHOT + "|" + BUILD + ")' ORDER BY pg_database_size(oid) DESC LIMIT 1")) {
                return row.next() ? row.getString(1) : "";
            }
        });
        if (!name.isEmpty()) {
            outgrown.add(name);
            log.warn(
                    "Database {} goes: {}",
                    name,
                    outOfMemory("it was the largest").getMessage());
            drop(name);
        }
    }

    private boolean drop(String name) {
        try {
            return connections.with("drop database " + name, connection -> {
                seal(connection, name);
                execute(connection, "DROP DATABASE IF EXISTS %s", name);
                return true;
            });
        } catch (RuntimeException e) {
            // It goes with the server at the latest.
            log.warn("Database {} could not be dropped: {}", name, e.getMessage());
            return true;
        }
    }

    /** Returns how many databases live on after their test. */
    int kept() {
        return kept.get();
    }

    /** Takes the server away with all that is on it. */
    @Override
    public void close() {
        closed = true;
        timer.shutdown();
        try {
            if (!timer.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("A database is still being dropped");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            seeds.ifPresent(this::keepTemplates);
        } finally {
            connections.close();
            instance.delete().await(PATIENCE);
        }
    }

    /** Hands the templates on to the next run, unless there is no new one or tests have changed what all databases share. */
    private void keepTemplates(Seeds into) {
        try {
            Map<String, Long> sizes = templates();
            if (!built || !common().equals(common)) {
                return;
            }
            List<String> kept = new ArrayList<>(List.of("template1", first.database(), HOME));
            long room = MOST_KEPT.bytes();
            for (Map.Entry<String, Long> template : sizes.entrySet().stream()
                    .sorted(Comparator.comparing(each -> !used.contains(each.getKey())))
                    .limit(MOST_TEMPLATES)
                    .toList()) {
                room -= template.getValue();
                if (room >= 0) {
                    kept.add(template(template.getKey()));
                }
            }
            allBut(kept).forEach(this::drop);
            if (!allBut(kept).isEmpty()) {
                return;
            }
            Path data = Path.of(Objects.requireNonNull(instance.settings().get("data_directory")));
            connections.close();
            instance.stop().await(PATIENCE);
            into.keep(version, parameters, data);
        } catch (IOException | TenonException e) {
            log.warn("The templates of this run are not there for the next: {}", e.toString());
        }
    }

    private List<String> allBut(List<String> kept) {
        return connections.with("list the databases", connection -> {
            List<String> others = new ArrayList<>();
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT datname FROM pg_database")) {
                while (row.next()) {
                    if (!kept.contains(row.getString(1))) {
                        others.add(row.getString(1));
                    }
                }
            }
            return others;
        });
    }

    /** A lease of a database on this server. */
    private final class ServerLease implements Lease {
        private final String key;
        private final Address address;
        private final Set<String> snapshots = new HashSet<>();
        private Duration keep = Duration.ZERO;
        private boolean closed;

        ServerLease(String key, Address address) {
            this.key = key;
            this.address = address;
        }

        @Override
        public Address address() {
            return address;
        }

        private void requireThere(String name) {
            if (outgrown.contains(name)) {
                throw outOfMemory("this one was the largest and was dropped");
            }
        }

        @Override
        public synchronized void reset() {
            requireThere(address.database());
            replace(address.database(), created(key, LEASED));
        }

        @Override
        public synchronized Lease branch() {
            requireThere(address.database());
            takeRoom();
            try {
                return new ServerLease(key, database(copied(address.database(), LEASED)));
            } catch (RuntimeException e) {
                room.release();
                throw e;
            }
        }

        @Override
        public synchronized String snapshot() {
            requireThere(address.database());
            String name = copied(address.database(), SNAPSHOT);
            snapshots.add(name);
            return name;
        }

        @Override
        public synchronized void restore(String snapshot) {
            requireThere(address.database());
            requireThere(snapshot);
            if (!snapshots.contains(snapshot)) {
                throw new InvalidSpecException("snapshot", "is not of this database");
            }
            replace(address.database(), copied(snapshot, LEASED));
        }

        @Override
        public synchronized String keep(Duration time) {
            requireThere(address.database());
            keep = time;
            return address.openUrl();
        }

        @Override
        public synchronized void close() {
            if (closed) {
                return;
            }
            closed = true;
            room.release();
            garbage.addAll(snapshots);
            if (keep.isZero()) {
                garbage.add(address.database());
            } else {
                kept.incrementAndGet();
                timer.schedule(
                        () -> {
                            garbage.add(address.database());
                            kept.decrementAndGet();
                        },
                        keep.toMillis(),
                        TimeUnit.MILLISECONDS);
            }
        }
    }
}
