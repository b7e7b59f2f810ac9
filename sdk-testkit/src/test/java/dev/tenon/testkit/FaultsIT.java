package dev.tenon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each fault is seen by a client of the real server, and gone when it is undone. */
@Database(isolated = true)
class FaultsIT {
    private static final Duration LEAST = Duration.ofMillis(40);

    @Test
    void endSessions_endsAllOfTheTests(TestDatabase database) throws SQLException {
        try (Connection one = database.dataSource().getConnection();
                Connection two = database.dataSource().getConnection()) {
            assertThat(database.faults().endSessions()).isEqualTo(2);

            for (Connection each : List.of(one, two)) {
                assertThatThrownBy(() -> Sql.ask(each, "SELECT 1"))
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState())
                                .isEqualTo("57P01"));
            }
        }
        assertThat(Sql.ask(database.dataSource(), "SELECT 1")).isEqualTo("1");
    }

    @Test
    void killBackend_hasTheServerRecover_andLosesNothingCommitted(TestDatabase database) throws SQLException {
        Sql.run(database.dataSource(), "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)");
        try (Connection held = database.dataSource().getConnection()) {
            long pid = Long.parseLong(Sql.ask(held, "SELECT pg_backend_pid()"));

            assertThat(database.faults().killBackend()).isEqualTo(pid);

            assertThatThrownBy(() -> Sql.ask(held, "SELECT 1")).isInstanceOf(SQLException.class);
        }
        assertThat(Sql.ask(database.dataSource(), "SELECT count(*) FROM t")).isEqualTo("1");
    }

    @Test
    void restart_keepsTheAddressAndWhatWasCommitted(TestDatabase database) throws SQLException {
        Sql.run(database.dataSource(), "CREATE TABLE t (a int)");
        String before = Sql.ask(database.dataSource(), "SELECT pg_postmaster_start_time()");

        database.faults().restart();

        assertThat(Sql.ask(database.dataSource(), "SELECT pg_postmaster_start_time()"))
                .isNotEqualTo(before);
        assertThat(Sql.ask(database.dataSource(), "SELECT count(*) FROM t")).isEqualTo("0");
    }

    @Test
    void pause_leavesClientsWaiting_untilResume(TestDatabase database) throws Exception {
        try (Connection held = database.dataSource().getConnection()) {
            database.faults().pause();
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> {
                try {
                    return Sql.ask(held, "SELECT 'here'");
                } catch (SQLException e) {
                    return e.toString();
                }
            });
            assertThatThrownBy(() -> answer.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);

            database.faults().resume();

            assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo("here");
        }
    }

    @Test
    void refuseConnections_isSeenAsNobodyListening(TestDatabase database) throws SQLException {
        try (Connection held = database.dataSource().getConnection()) {
            database.faults().refuseConnections();

            assertThatThrownBy(() -> DriverManager.getConnection(database.url()))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("08001"))
                    .hasMessageContaining("refused");
            assertThat(Sql.ask(held, "SELECT 1")).isEqualTo("1");
        }
        database.faults().acceptConnections();
        assertThat(Sql.ask(database.dataSource(), "SELECT 1")).isEqualTo("1");
    }

    @Test
    void latency_delaysBothDirections(TestDatabase database) throws SQLException {
        try (Connection held = database.dataSource().getConnection()) {
            database.faults().latency(LEAST, LEAST.multipliedBy(2));
            long start = System.nanoTime();
            Sql.ask(held, "SELECT 1");
            Duration slow = Duration.ofNanos(System.nanoTime() - start);
            database.faults().heal();

            assertThat(slow).isGreaterThanOrEqualTo(LEAST.multipliedBy(2));
        }
    }

    @Test
    void cut_breaksWhatIsOpen_newOnesWork(TestDatabase database) throws SQLException {
        try (Connection held = database.dataSource().getConnection()) {
            database.faults().cut();

            assertThatThrownBy(() -> Sql.ask(held, "SELECT 1"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).startsWith("08"))
                    .isNotInstanceOf(SQLTimeoutException.class);
        }
        assertThat(Sql.ask(database.dataSource(), "SELECT 1")).isEqualTo("1");
    }

    @Test
    void fillDisk_failsStatements_untilThereIsRoom(TestDatabase database) throws SQLException {
        Sql.run(database.dataSource(), "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)");
        try {
            database.faults().fillDisk();
        } catch (ProviderException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED);
            assumeTrue(false, "no volume can be mounted here: " + e.getMessage());
        }
        try (Connection held = database.dataSource().getConnection()) {
            assertThatThrownBy(() -> Sql.run(held, "INSERT INTO t SELECT generate_series(1, 100000)"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("53100"));
        }

        database.faults().freeDisk();

        Sql.run(database.dataSource(), "INSERT INTO t SELECT generate_series(1, 100000)");
        assertThat(Sql.ask(database.dataSource(), "SELECT count(*) FROM t")).isEqualTo("100001");
    }

    @Test
    void seed_decidesWhoIsKilled(TestDatabase database) throws SQLException {
        int expected = new SplittableRandom(database.faults().seed()).nextInt(3);
        List<Connection> open = new ArrayList<>();
        for (int i : IntStream.range(0, 3).toArray()) {
            open.add(database.dataSource().getConnection());
            assertThat(open).hasSize(i + 1);
        }
        List<Long> pids = new ArrayList<>();
        for (Connection each : open) {
            pids.add(Long.parseLong(Sql.ask(each, "SELECT pg_backend_pid()")));
        }

        assertThat(database.faults().killBackend()).isEqualTo(pids.get(expected));
    }
}
