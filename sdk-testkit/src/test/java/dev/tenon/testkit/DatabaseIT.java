package dev.tenon.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Instance;
import dev.tenon.api.Lifecycle;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What {@link Database} gives to a test, seen by tests that use it. */
class DatabaseIT {
    private static final String COUNT = "SELECT count(*) FROM orders";
    private static final String NAME = "SELECT current_database()";
    private static final Set<String> SEEN = ConcurrentHashMap.newKeySet();

    @Database
    private DataSource field;

    @Test
    void parameter_ofEveryType_isTheSameDatabase(
            @Database DataSource source,
            @Database Connection connection,
            @Database String url,
            @Database TestDatabase database)
            throws SQLException {
        String name = Sql.ask(source, NAME);

        assertThat(Sql.ask(connection, NAME)).isEqualTo(name).isEqualTo(database.name());
        assertThat(Sql.ask(field, NAME)).isEqualTo(name);
        try (Connection other = DriverManager.getConnection(url)) {
            assertThat(Sql.ask(other, NAME)).isEqualTo(name);
        }
        assertThat(database.url()).isEqualTo(url);
    }

    @RepeatedTest(3)
    void database_perMethod_isFreshAndEmpty(@Database DataSource source) throws SQLException {
        assertThat(SEEN.add(Sql.ask(source, "SELECT oid FROM pg_database WHERE datname = current_database()")))
                .isTrue();
        assertThat(Sql.ask(source, "SELECT count(*) FROM pg_class WHERE relname = 'mine'"))
                .isEqualTo("0");
        Sql.run(source, "CREATE TABLE mine (a int)");
    }

    @Test
    void names_tellDatabasesApart(@Database TestDatabase one, @Database(name = "two") TestDatabase two) {
        assertThat(one.name()).isNotEqualTo(two.name());
    }

    @Test
    void migrations_ofFlywayAndScripts_areThere(
            @Database(migrations = {"classpath:db/orders", "db/more.sql"}) DataSource source) throws SQLException {
        assertThat(Sql.ask(source, COUNT)).isEqualTo("3");
        assertThat(Sql.ask(source, "SELECT twice(21)")).isEqualTo("42");
    }

    /** Made once, however many tests copy it. */
    static final class Counted implements DatabaseTemplate {
        static final Set<String> RUNS = ConcurrentHashMap.newKeySet();

        @Override
        public String key() {
            return "counted-1";
        }

        @Override
        public void fill(DataSource database) throws SQLException {
            RUNS.add(Sql.ask(database, NAME));
            Sql.run(database, "CREATE TABLE counted (a int)");
        }
    }

    @RepeatedTest(3)
    void template_byCallback_isFilledAtMostOnce(@Database(template = Counted.class) DataSource source)
            throws SQLException {
        assertThat(Sql.ask(source, "SELECT count(*) FROM counted")).isEqualTo("0");
        Sql.run(source, "INSERT INTO counted VALUES (1)");
        assertThat(Counted.RUNS).hasSizeLessThanOrEqualTo(1);
    }

    @Test
    void parameters_areInForce(@Database(parameters = "work_mem=3MB") DataSource source) throws SQLException {
        assertThat(Sql.ask(source, "SHOW work_mem")).isEqualTo("3MB");
    }

    @Test
    void instance_isATrueOne_withTheTestsDatabase(
            @Database(migrations = "classpath:db/orders") Instance instance,
            @Database(migrations = "classpath:db/orders") DataSource source)
            throws SQLException {
        assertThat(instance.view().lifecycle()).isInstanceOf(Lifecycle.Active.class);
        Sql.run(instance.dataSource(), "INSERT INTO orders (item) VALUES ('milk')");

        assertThat(Sql.ask(source, COUNT)).isEqualTo("2");
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Database(migrations = "classpath:db/orders")
    @interface OrdersDatabase {}

    @Test
    void annotation_ofOnesOwn_standsForItsAttributes(@OrdersDatabase DataSource source) throws SQLException {
        assertThat(Sql.ask(source, COUNT)).isEqualTo("1");
    }

    /** The class says it once. */
    @Nested
    @OrdersDatabase
    class OfTheClass {
        @Database
        private DataSource bare;

        @BeforeEach
        void order(DataSource source) throws SQLException {
            Sql.run(source, "INSERT INTO orders (item) VALUES ('bread')");
        }

        @RepeatedTest(2)
        void parameter_withoutAnnotation_isTheClassesKind(DataSource source) throws SQLException {
            assertThat(Sql.ask(source, COUNT)).isEqualTo("2");
            assertThat(Sql.ask(bare, NAME)).isEqualTo(Sql.ask(source, NAME));
        }
    }

    /** One database for all its tests. */
    @Nested
    @Database(scope = Database.Scope.CLASS)
    class Shared {
        @Database(scope = Database.Scope.CLASS)
        private static DataSource early;

        private final TestDatabase constructed;

        Shared(TestDatabase constructed) {
            this.constructed = constructed;
        }

        @BeforeAll
        static void prepare(DataSource source) throws SQLException {
            Sql.run(source, "CREATE TABLE seen (a int)");
        }

        @RepeatedTest(2)
        void database_ofTheClass_staysForAllItsTests(DataSource source) throws SQLException {
            Sql.run(source, "INSERT INTO seen VALUES (1)");
            assertThat(constructed.name()).isEqualTo(Sql.ask(early, NAME)).isEqualTo(Sql.ask(source, NAME));
        }
    }
}
