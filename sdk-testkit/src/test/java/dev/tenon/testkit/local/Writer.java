package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Instance;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** Inserts one row after the other and notes which were acknowledged; connects anew after every failure. */
final class Writer implements AutoCloseable {
    private final Instance instance;
    final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Thread thread;
    volatile Duration longestPause = Duration.ZERO;

    Writer(Instance instance) {
        this.instance = instance;
        this.thread = new Thread(this::run, "test-writer");
        thread.start();
    }

    private void run() {
        long id = 0;
        long last = System.nanoTime();
        while (!closed.get()) {
            try (Connection c = instance.dataSource().getConnection();
                    PreparedStatement s = c.prepareStatement("INSERT INTO t VALUES (?)")) {
                while (!closed.get()) {
                    s.setLong(1, ++id);
                    s.executeUpdate();
                    acknowledged.add(id);
                    Duration pause = Duration.ofNanos(System.nanoTime() - last);
                    longestPause = pause.compareTo(longestPause) > 0 ? pause : longestPause;
                    last = System.nanoTime();
                }
            } catch (SQLException e) {
                // Ended by the switch-over or the kill, as expected: not acknowledged.
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    void awaitMore(int rows) throws InterruptedException {
        int goal = acknowledged.size() + rows;
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        CountDownLatch pause = new CountDownLatch(1);
        while (acknowledged.size() < goal) {
            assertThat(System.nanoTime()).as("writes go on").isLessThan(end);
            pause.await(5, TimeUnit.MILLISECONDS);
        }
    }

    /** Stops writing, and proves that every acknowledged row is there. */
    void assertNothingLost() throws SQLException {
        close();
        assertThat(ids(instance)).containsAll(acknowledged);
    }

    /** Returns the rows that an instance has. */
    static Set<Long> ids(Instance instance) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT id FROM t")) {
            Set<Long> ids = new HashSet<>();
            while (r.next()) {
                ids.add(r.getLong(1));
            }
            return ids;
        }
    }

    @Override
    public void close() {
        closed.set(true);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
