package dev.tenon.core.store;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The store that several control planes share: a PostgreSQL database, 13 or later. Its tables are named {@code tenon_…} and stand in the
 * current schema of the connections.
 *
 * <p>A commit is one transaction. What ends without effect (a serialisation failure, a deadlock, a connection lost before the commit) is
 * tried again, a few times with growing pauses. When the connection is lost during the commit itself, the server is asked by the
 * transaction's number what became of it; only if that gives no answer does the call fail with an unknown outcome.
 */
public final class PostgresStore implements StateStore {
    private static final int CONNECT_SECONDS = 5;

    private final PostgresDatabase database;

    private PostgresStore(DataSource dataSource, RandomGenerator random) {
        database = new PostgresDatabase(dataSource, random);
    }

    /**
     * Returns a store behind a data source. It should make a new connection for each call: this store keeps up to eight of its own and
     * sets their time-outs.
     */
    public static PostgresStore of(DataSource dataSource) {
        return new PostgresStore(dataSource, new Random());
    }

    /**
     * Returns a store at a URL.
     *
     * @param url {@code jdbc:postgresql://…}, without user and password; may name several hosts
     * @param user the role, which must own or be able to make the tables
     * @param password its password
     * @throws InvalidSpecException if the URL is not PostgreSQL's or has a password in it
     */
    public static PostgresStore connect(String url, String user, Secret password) {
        if (!url.startsWith("jdbc:postgresql:")) {
            throw new InvalidSpecException("url", "not PostgreSQL's; expected jdbc:postgresql://host/database");
        }
        if (url.toLowerCase(Locale.ROOT).contains("password=")) {
            throw new InvalidSpecException("url", "has a password in it; expected it apart, as a Secret");
        }
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        try {
            dataSource.setURL(url);
        } catch (IllegalArgumentException e) {
            throw new InvalidSpecException("url", "cannot be read; expected jdbc:postgresql://host/database");
        }
        dataSource.setUser(user);
        password.reveal(text -> {
            dataSource.setPassword(text);
            return true;
        });
        dataSource.setConnectTimeout(CONNECT_SECONDS);
        dataSource.setSocketTimeout(PostgresDatabase.SOCKET_SECONDS);
        dataSource.setTcpKeepAlive(true);
        dataSource.setApplicationName("tenon");
        return of(dataSource);
    }

    @Override
    public void open() {
        database.open();
    }

    @Override
    public Instant now() {
        return StoreTime.instant(database.read(PostgresDatabase::now));
    }

    @Override
    public boolean shared() {
        return true;
    }

    @Override
    public Optional<Document> find(String kind, String id) {
        return database.read(session -> ReadSql.find(session, kind, id));
    }

    @Override
    public List<Document> list(Query query) {
        return database.read(session -> ReadSql.list(session, query));
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
        return database.write((session, sql) -> sql.apply(session, commit));
    }

    @Override
    public Optional<Lease> acquire(String name, String holder, Duration ttl) {
        Limits.check(name, holder, ttl);
        return database.write((session, sql) -> sql.leases().acquire(session, name, holder, ttl));
    }

    @Override
    public List<Lease> renew(List<Lease> leases, Duration ttl) {
        return leases.isEmpty()
                ? List.of()
                : database.write((session, sql) -> sql.leases().renew(session, leases, ttl));
    }

    @Override
    public void release(Lease lease) {
        database.write((session, sql) -> sql.leases().release(session, lease));
    }

    @Override
    public List<Lease> leases(String prefix) {
        return database.read(session -> LeaseSql.list(session, prefix));
    }

    @Override
    public int forgetLeases(String prefix, Instant before) {
        return database.write((session, sql) -> LeaseSql.forget(session, prefix, before));
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
        return database.write((session, sql) -> ReadSql.trimEvents(session, before));
    }

    @Override
    public void close() {
        database.close();
    }
}
