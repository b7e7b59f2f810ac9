package dev.tenon.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** Inserts one row after the other into table {@code t} and notes which were acknowledged. */
final class BenchWriter implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration GIVEN_UP = Duration.ofMillis(500);

    private final DataSource source;
    private final boolean pinned;
    private final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private volatile boolean closed;
    private volatile long longest;
    private volatile long lastAt = System.nanoTime();
    /** When the last acknowledged row was sent. */
    private volatile long lastSent = lastAt;
    /** Since when an answer is waited for. */
    private volatile long waitsSince = lastAt;
    /** When the first row of the present session was acknowledged. */
    private volatile long recoveredAt = lastAt;

    private volatile Optional<Connection> open = Optional.empty();

    /** @param pinned keeps to its first session, until that fails */
    BenchWriter(DataSource source, boolean pinned) {
        this.source = source;
        this.pinned = pinned;
        thread = new Thread(this::write, "bench-writer");
        thread.start();
    }

    static void createTable(DataSource source) throws SQLException {
        try (Connection c = source.getConnection();
                Statement s = c.createStatement()) {
            s.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
        }
    }

    private void write() {
        long id = pinned ? 1_000_000_000 : 0;
        do {
            boolean first = true;
            try (Connection c = source.getConnection();
                    PreparedStatement s = c.prepareStatement("INSERT INTO t VALUES (?)")) {
                waitsSince = System.nanoTime();
                open = Optional.of(c);
                while (!closed) {
                    s.setLong(1, ++id);
                    long sent = System.nanoTime();
                    waitsSince = sent;
                    s.executeUpdate();
                    lastSent = sent;
                    long now = System.nanoTime();
                    acknowledged.add(id);
                    if (first) {
                        recoveredAt = now;
                        first = false;
                    }
                    longest = Math.max(longest, now - lastAt);
                    lastAt = now;
                }
            } catch (SQLException e) {
                LockSupport.parkNanos(1_000_000); // ended with its server: not acknowledged
            }
        } while (!closed && !pinned);
    }

    void awaitMore(int rows) {
        int goal = acknowledged.size() + rows;
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (acknowledged.size() < goal) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("writes do not go on");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    /**
     * Returns when a session that was opened since had its first row acknowledged. A host that is silent ends no sessions: what is not
     * answered is given up, as by a client with a time-out.
     */
    long awaitRecovered(long since) throws SQLException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (recoveredAt - since < 0) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("writes do not go on");
            }
            Optional<Connection> stuck = open;
            if (stuck.isPresent() && System.nanoTime() - waitsSince > GIVEN_UP.toNanos()) {
                open = Optional.empty();
                stuck.get().abort(Runnable::run);
            }
            LockSupport.parkNanos(1_000_000);
        }
        return recoveredAt;
    }

    void forgetPauses() {
        longest = 0;
    }

    double longestMillis() {
        return longest / 1e6;
    }

    /** Returns when the last acknowledged row was sent: an answer may be late for what was safe before. */
    long lastSent() {
        return lastSent;
    }

    /** Returns how many acknowledged rows are not there. */
    long missing() throws SQLException {
        Set<Long> missing = new HashSet<>(acknowledged);
        try (Connection c = source.getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT id FROM t")) {
            while (r.next()) {
                missing.remove(r.getLong(1));
            }
        }
        return missing.size();
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
