package dev.tenon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies, resets and many at once, in plain Java. */
class TestDatabasesIT {
    private static final String COUNT = "SELECT count(*) FROM t";
    private static final int MANY = 24;
    private static TestDatabases databases;

    @BeforeAll
    static void open() {
        databases = TestDatabases.create();
    }

    @AfterAll
    static void close() {
        databases.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void copies_ofSharedAndOwnServers_holdWhatWasCommitted(boolean isolated) throws SQLException {
        try (TestDatabase database = databases.lease(spec -> spec.isolated(isolated))) {
            Sql.run(database.dataSource(), "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)");
            String url = database.url();

            try (TestDatabase branch = database.branch()) {
                Sql.run(branch.dataSource(), "INSERT INTO t VALUES (2)");
                assertThat(Sql.ask(branch.dataSource(), COUNT)).isEqualTo("2");
                assertThat(Sql.ask(database.dataSource(), COUNT)).isEqualTo("1");
            }
            TestDatabase.Snapshot one = database.snapshot();
            Sql.run(database.dataSource(), "INSERT INTO t VALUES (3)");
            TestDatabase.Snapshot two = database.snapshot();
            Sql.run(database.dataSource(), "DROP TABLE t");
            database.restore(two);
            assertThat(Sql.ask(database.dataSource(), COUNT)).isEqualTo("2");
            database.restore(one);
            assertThat(Sql.ask(database.dataSource(), COUNT)).isEqualTo("1");

            database.reset();
            assertThat(Sql.ask(database.dataSource(), "SELECT to_regclass('t') IS NULL"))
                    .isEqualTo("t");
            assertThat(database.url()).isEqualTo(url);
        }
    }

    @Test
    void connection_withAnotherPassword_isRefused() {
        try (TestDatabase database = databases.lease()) {
            String user = database.credential().user();
            assertThatThrownBy(() -> database.dataSource().getConnection(user, "guessed"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
        }
    }

    @Test
    void connection_heldOverACopy_comesBack() throws SQLException {
        try (TestDatabase database = databases.lease();
                Connection held = database.dataSource().getConnection()) {
            Sql.run(held, "CREATE TABLE t (a int)");
            held.setAutoCommit(false);
            Sql.run(held, "INSERT INTO t VALUES (1)");

            assertThatThrownBy(database::branch)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("commit or roll back");
            held.commit();
            database.branch();

            Sql.run(held, "INSERT INTO t VALUES (2)");
            held.rollback();
            assertThat(held.getAutoCommit()).isFalse();
            assertThat(Sql.ask(held, COUNT)).isEqualTo("1");
            database.reset();
            assertThat(held.isClosed()).isFalse();
            assertThat(Sql.ask(held, "SELECT 7")).isEqualTo("7");
        }
    }

    @Test
    void sessions_ofRolesTheTestMade_doNotHinderACopy() throws SQLException {
        try (TestDatabase database = databases.lease()) {
            Sql.run(
                    database.dataSource(),
                    "CREATE TABLE t (a int)",
                    "CREATE ROLE visitor LOGIN PASSWORD 'a long enough passphrase'");
            try (Connection visitor = database.dataSource().getConnection("visitor", "a long enough passphrase")) {
                assertThat(Sql.ask(visitor, "SELECT current_user")).isEqualTo("visitor");
                assertThat(Sql.ask(database.branch().dataSource(), COUNT)).isEqualTo("0");
            }
            Sql.run(database.dataSource(), "DROP ROLE visitor");
        }
    }

    @Test
    void threads_atOnce_neverShareADatabase() throws Exception {
        Set<String> seen = ConcurrentHashMap.newKeySet();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<Void>> all = threads.invokeAll(IntStream.range(0, MANY)
                    .<Callable<Void>>mapToObj(i -> () -> {
                        try (TestDatabase database = databases.lease()) {
                            assertThat(seen.add(database.name())).isTrue();
                            Sql.run(database.dataSource(), "CREATE TABLE t (a int)");
                        }
                        return null;
                    })
                    .toList());
            for (Future<Void> each : all) {
                each.get(2, TimeUnit.MINUTES);
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(seen).hasSize(MANY);
    }

    /** Fails at its first run. */
    private record Fragile(AtomicInteger runs) implements DatabaseTemplate {
        @Override
        public String key() {
            return "fragile-" + System.identityHashCode(runs);
        }

        @Override
        public void fill(DataSource database) throws SQLException {
            Sql.run(database, "CREATE TABLE half (a int)");
            if (runs.incrementAndGet() == 1) {
                Sql.run(database, "SELECT 1 / 0");
            }
        }
    }

    @Test
    void template_thatFailed_leavesNothingAndIsTriedAgain() throws SQLException {
        Fragile template = new Fragile(new AtomicInteger());

        assertThatThrownBy(() -> databases.lease(spec -> spec.template(template)))
                .isInstanceOf(TenonException.class)
                .hasMessageContaining("division by zero");
        try (TestDatabase database = databases.lease(spec -> spec.template(template))) {
            assertThat(Sql.ask(database.dataSource(), "SELECT count(*) FROM half"))
                    .isEqualTo("0");
        }
        assertThat(template.runs()).hasValue(2);
    }

    @Test
    void lease_ofWhatCannotBe_isRefusedWithTheField() {
        assertThatThrownBy(() -> databases.lease(spec -> spec.version("3")))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.VERSION_UNKNOWN));
        assertThatThrownBy(() -> databases.lease(spec -> spec.putParameters("work_mem", "much")))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID));
        assertThatThrownBy(() -> databases.lease(spec -> spec.addMigrations("classpath:no/such/place")))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.field()).isEqualTo("migrations"));
    }

    @Test
    void faultsAndInstance_ofASharedServer_areRefused() {
        try (TestDatabase database = databases.lease()) {
            assertThatThrownBy(database::faults)
                    .isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.UNSUPPORTED));
            assertThatThrownBy(database::instance).isInstanceOf(InvalidSpecException.class);
        }
    }
}
