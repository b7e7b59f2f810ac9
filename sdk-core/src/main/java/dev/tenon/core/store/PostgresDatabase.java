package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions and transactions with a PostgreSQL server, tried again where that is safe. */
final class PostgresDatabase implements AutoCloseable {
    /** What is done in a transaction of its own. */
    @FunctionalInterface
    interface Work<T> {
        T run(Session session, CommitSql sql) throws SQLException;
    }

    /** A read. */
    @FunctionalInterface
    interface Read<T> {
        T from(Session session) throws SQLException;
    }

    /** How long a wait for the server's answer lasts; longer than any statement may take, so it only ends when the server is gone. */
    static final int SOCKET_SECONDS = 30;

    private static final Logger log = LoggerFactory.getLogger(PostgresDatabase.class);

    private static final int CONNECTIONS = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final int STATEMENT_SECONDS = 15;
    private static final int ATTEMPTS = 8;
    private static final long FIRST_PAUSE_MILLIS = 10;
    private static final long LONGEST_PAUSE_MILLIS = 1_000;

    private static final String MICROS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    private static final String NOW = "SELECT " + MICROS;
    private static final String NOW_AND_TRANSACTION = NOW + ", pg_current_xact_id()::text";
    private static final String OUTCOME = "SELECT coalesce(pg_xact_status(?::xid8), 'too old')";
    // An answer means durable, so a server whose default trades that away is told otherwise.
    private static final String SETTINGS =
            "SELECT set_config('statement_timeout', '" + STATEMENT_SECONDS + "s', false),"
                    + " set_config('lock_timeout', '" + STATEMENT_SECONDS + "s', false),"
                    + " set_config('idle_in_transaction_session_timeout', '" + 2 * STATEMENT_SECONDS + "s', false),"
                    + " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
                    + " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    private static final Set<String> SERVER_GOES_OR_COMES = Set.of("57P01", "57P02", "57P03");
    private static final Set<String> PASSING = Set.of("55P03", "53300", "25006");
    private static final String DISK_FULL = "53100";

    private final DataSource dataSource;
    private final RandomGenerator random;
    private volatile @Nullable Open open;

    /** What there is between open and close. */
    private record Open(SessionPool sessions, CountDownLatch closing) {}

    PostgresDatabase(DataSource dataSource, RandomGenerator random) {
        this.dataSource = dataSource;
        this.random = random;
    }

    synchronized void open() {
        if (open != null) {
            throw new ProviderException(ErrorCode.STORE_LOCKED, "the store is open already");
        }
        Open opening = new Open(new SessionPool(CONNECTIONS, PATIENCE, this::session), new CountDownLatch(1));
        boolean opened = false;
        try {
            Session session = opening.sessions().borrow();
            Schema.update(session, Dialect.POSTGRESQL, () -> dataSource);
            opening.sessions().giveBack(session);
            open = opening;
            opened = true;
        } catch (SQLException e) {
            throw failure(e, "nothing was changed");
        } finally {
            if (!opened) {
                opening.sessions().close();
            }
        }
    }

    private Session session() throws SQLException {
        Connection connection = dataSource.getConnection();
        boolean ready = false;
        try {
            connection.setAutoCommit(true);
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            connection.setNetworkTimeout(Runnable::run, (int) TimeUnit.SECONDS.toMillis(SOCKET_SECONDS));
            Session session = new Session(connection);
            session.first(SETTINGS, row -> row.getString(1));
            ready = true;
            return session;
        } finally {
            if (!ready) {
                connection.close();
            }
        }
    }

    /** Returns the server's time, not the transaction's: a transaction may have waited for a lock since it began. */
    static long now(Session session) throws SQLException {
        return session.first(NOW, row -> row.getLong(1)).orElseThrow(() -> new SQLException("the server told no time"));
    }

    <T> T read(Read<T> read) {
        Open now = current();
        for (int attempt = 1; ; attempt++) {
            try {
                Session session = now.sessions().borrow();
                boolean sound = false;
                try {
                    T value = read.from(session);
                    sound = true;
                    return value;
                } finally {
                    giveBack(now, session, sound);
                }
            } catch (SQLException e) {
                if (!passes(e) || attempt == ATTEMPTS) {
                    throw failure(e, "it was a read");
                }
                pause(now, attempt, e);
            }
        }
    }

    <T> T write(Work<T> work) {
        Open now = current();
        for (int attempt = 1; ; attempt++) {
            Transaction<T> transaction = new Transaction<>(work);
            try {
                return transaction.run(now);
            } catch (SQLException e) {
                if (transaction.committing && connectionLost(e)) {
                    Optional<Boolean> committed = committed(now, transaction.id);
                    if (committed.isEmpty()) {
                        throw failure(e, "whether the change was made is not known");
                    }
                    if (committed.get()) {
                        return transaction.value();
                    }
                } else if (!passes(e)) {
                    throw failure(e, "nothing was changed");
                }
                if (attempt == ATTEMPTS) {
                    throw failure(e, "nothing was changed, " + ATTEMPTS + " times");
                }
                pause(now, attempt, e);
            }
        }
    }

    /** One attempt, and how far it came. */
    private static final class Transaction<T> implements StoreClock {
        private final Work<T> work;
        private @Nullable T value;
        private String id = "";
        private boolean committing;

        Transaction(Work<T> work) {
            this.work = work;
        }

        T run(Open open) throws SQLException {
            Session session = open.sessions().borrow();
            Connection connection = session.connection();
            boolean sound = false;
            try {
                connection.setAutoCommit(false);
                T done = work.run(session, new CommitSql(Dialect.POSTGRESQL, this));
                value = done;
                committing = true;
                connection.commit();
                connection.setAutoCommit(true);
                sound = true;
                return done;
            } catch (RuntimeException e) {
                // A refusal: the connection is as good as before.
                connection.rollback();
                connection.setAutoCommit(true);
                sound = true;
                throw e;
            } finally {
                giveBack(open, session, sound);
            }
        }

        @Override
        public long now(Session session) throws SQLException {
            if (!id.isEmpty()) {
                return PostgresDatabase.now(session);
            }
            return session.first(NOW_AND_TRANSACTION, row -> {
                        id = row.getString(2);
                        return row.getLong(1);
                    })
                    .orElseThrow(() -> new SQLException("the server told no time"));
        }

        T value() {
            T done = value;
            if (done == null) {
                throw new IllegalStateException("asked for the value of a transaction that did not come to its commit");
            }
            return done;
        }
    }

    private static void giveBack(Open open, Session session, boolean sound) {
        if (sound) {
            open.sessions().giveBack(session);
        } else {
            open.sessions().discard(session);
        }
    }

    /** Asks what became of a transaction whose commit was sent but not answered; empty if nobody can tell. */
    private Optional<Boolean> committed(Open now, String id) {
        now.sessions().clear();
        for (int attempt = 1; attempt <= ATTEMPTS && !id.isEmpty(); attempt++) {
            try {
                Session session = now.sessions().borrow();
                boolean sound = false;
                try {
                    String outcome =
                            session.first(OUTCOME, row -> row.getString(1), id).orElse("");
                    sound = true;
                    if (outcome.equals("committed") || outcome.equals("aborted")) {
                        return Optional.of(outcome.equals("committed"));
                    }
                    pause(now, attempt, null);
                } finally {
                    giveBack(now, session, sound);
                }
            } catch (SQLException e) {
                pause(now, attempt, e);
            }
        }
        return Optional.empty();
    }

    /** Waits a little before the next attempt, longer each time, at random so that several do not meet again; not beyond the close. */
    private void pause(Open now, int attempt, @Nullable SQLException cause) {
        if (cause != null) {
            log.debug("attempt {} with the store failed, SQL state {}", attempt, cause.getSQLState());
            if (connectionLost(cause)) {
                now.sessions().clear();
            }
        }
        long longest = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << attempt);
        try {
            if (now.closing().await(random.nextLong(longest / 2, longest), TimeUnit.MILLISECONDS)) {
                throw GroupWriter.closed();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException(ErrorCode.STORE_UNAVAILABLE, "interrupted while the store was tried again", e);
        }
    }

    private Open current() {
        Open now = open;
        if (now == null) {
            throw GroupWriter.closed();
        }
        return now;
    }

    private static String state(SQLException e) {
        return e.getSQLState() == null ? "" : e.getSQLState();
    }

    private static boolean connectionLost(SQLException e) {
        return state(e).startsWith("08") || SERVER_GOES_OR_COMES.contains(state(e));
    }

    /** Tells whether what failed had no effect and may well succeed soon. */
    private static boolean passes(SQLException e) {
        return connectionLost(e) || state(e).startsWith("40") || PASSING.contains(state(e));
    }

    private static ProviderException failure(SQLException e, String outcome) {
        String state = state(e);
        if (state.equals(DISK_FULL)) {
            return new ProviderException(
                    ErrorCode.DISK_FULL,
                    "the disk of the store's server is full; " + outcome + ". Free some space there",
                    e);
        }
        String advice;
        if (state.startsWith("28")) {
            advice = "it refuses the user or password";
        } else if (state.equals("3D000")) {
            advice = "it has no such database; create it";
        } else if (state.equals("42501")) {
            advice = "the user may not use the tables; make it their owner";
        } else if (connectionLost(e)) {
            advice = "it cannot be reached; see that it runs and accepts connections from here";
        } else {
            advice = "it answered with SQL state " + state;
        }
        return new ProviderException(
                ErrorCode.STORE_UNAVAILABLE, "the store's PostgreSQL server: " + advice + "; " + outcome, e);
    }

    @Override
    public synchronized void close() {
        Open closing = open;
        if (closing != null) {
            open = null;
            closing.closing().countDown();
            closing.sessions().close();
        }
    }
}
