package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The embedded store: SQLite in one file. For one process at a time, which {@link #open()} makes sure of; so it also knows
 * that no other holder of a lease lives, and lets all leases run out.
 *
 * <p>A commit is on the disk when it returns (write-ahead log, {@code synchronous=FULL}); commits of many threads share one flush.
 */
public final class SqliteStore implements StateStore {
    private final SqliteFile database;
    private final Clock clock;
    private final CommitSql commits;
    private final ReadCache cache = new ReadCache();
    private volatile @Nullable GroupWriter writer;

    private SqliteStore(SqliteFile database, Clock clock) {
        this.database = database;
        this.clock = clock;
        commits = new CommitSql(Dialect.SQLITE, session -> StoreTime.now(clock));
    }

    /** Returns a store in a file, made with mode 0600 if missing; a missing directory is made with mode 0700. */
    public static SqliteStore file(Path file) {
        return file(file, Clock.systemUTC());
    }

    /** Returns a store in a file whose time is that of {@code clock}. */
    public static SqliteStore file(Path file, Clock clock) {
        return new SqliteStore(new SqliteFile(file), clock);
    }

    @Override
    public synchronized void open() {
        if (writer != null) {
            throw new ProviderException(ErrorCode.STORE_LOCKED, "the store is open already");
        }
        database.open();
        writer = new GroupWriter(database.name(), database, cache::clear);
    }

    @Override
    public Instant now() {
        return StoreTime.instant(StoreTime.now(clock));
    }

    @Override
    public boolean shared() {
        return false;
    }

    @Override
    public Optional<Document> find(String kind, String id) {
        requireOpen();
        return cache.find(kind, id, () -> database.read(session -> ReadSql.find(session, kind, id)));
    }

    @Override
    public List<Document> list(Query query) {
        requireOpen();
        return cache.list(query, () -> database.read(session -> ReadSql.list(session, query)));
    }

    @Override
    public long count(Query query) {
        return database.read(session -> ReadSql.count(session, query));
    }

    @Override
    public Optional<String> owner(String scope, String key) {
        return database.read(session -> ReadSql.owner(session, scope, key));
    }

    @Override
    public long counter(String scope, String name) {
        return database.read(session -> ReadSql.counter(session, scope, name));
    }

    @Override
    public CommitResult commit(Commit commit) {
        Limits.check(commit);
        GroupWriter open = writer();
        cache.changing(commit);
        try {
            return open.apply(session -> commits.apply(session, commit), result -> cache.committed(commit, result));
        } finally {
            cache.settled(commit);
        }
    }

    @Override
    public Optional<Lease> acquire(String name, String holder, Duration ttl) {
        Limits.check(name, holder, ttl);
        return writer().apply(session -> commits.leases().acquire(session, name, holder, ttl));
    }

    @Override
    public List<Lease> renew(List<Lease> leases, Duration ttl) {
        return leases.isEmpty()
                ? List.of()
                : writer().apply(session -> commits.leases().renew(session, leases, ttl));
    }

    @Override
    public void release(Lease lease) {
        writer().apply(session -> commits.leases().release(session, lease));
    }

    @Override
    public List<Lease> leases(String prefix) {
        return database.read(session -> LeaseSql.list(session, prefix));
    }

    @Override
    public int forgetLeases(String prefix, Instant before) {
        return writer().apply(session -> LeaseSql.forget(session, prefix, before));
    }

    @Override
    public List<StoredEvent> events(Optional<String> tenant, Optional<String> subject, long after, int limit) {
        return database.read(session -> ReadSql.events(session, tenant, subject, after, limit));
    }

    @Override
    public List<StoredEvent> eventsBefore(Optional<String> tenant, Optional<String> subject, long before, int limit) {
        return database.read(session -> ReadSql.eventsBefore(session, tenant, subject, before, limit));
    }

    @Override
    public int trimEvents(long before) {
        return writer().apply(session -> ReadSql.trimEvents(session, before));
    }

    /** What is cached is not told once the store is closed. */
    private void requireOpen() {
        writer();
    }

    private GroupWriter writer() {
        GroupWriter open = writer;
        if (open == null) {
            throw GroupWriter.closed();
        }
        return open;
    }

    @Override
    public synchronized void close() {
        GroupWriter open = writer;
        if (open != null) {
            writer = null;
            open.close();
            database.close();
            cache.clear();
        }
    }
}
