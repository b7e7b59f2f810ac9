package dev.tenon.bench;

import dev.tenon.testkit.Database;
import dev.tenon.testkit.DatabaseTemplate;
import io.zonky.test.db.postgres.embedded.DatabasePreparer;
import io.zonky.test.db.postgres.junit5.EmbeddedPostgresExtension;
import io.zonky.test.db.postgres.junit5.PreparedDbExtension;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.images.builder.ImageFromDockerfile;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** The tests whose databases are measured; each suite does the same with databases from another source. */
final class TestkitSuites {
    static final int TESTS = 200;
    static final int SAMPLES = 30;
    static final int TABLES = 50;
    static final int ROWS = 10_000;

    private TestkitSuites() {}

    /** What each test of a suite does with its empty database. */
    static void use(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection()) {
            use(connection);
        }
    }

    private static void use(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE orders (id int PRIMARY KEY, item text)");
            statement.execute("INSERT INTO orders VALUES (1, 'tea'), (2, 'cake')");
            try (ResultSet row = statement.executeQuery("SELECT count(*) FROM orders")) {
                if (!row.next() || row.getInt(1) != 2) {
                    throw new IllegalStateException("not a fresh database");
                }
            }
        }
    }

    /** Tenon. */
    static final class TenonSuite {
        @RepeatedTest(TESTS)
        void test(@Database DataSource source) throws SQLException {
            use(source);
        }
    }

    /** What is left if databases cost nothing: the JVM, JUnit, a server, and the tests' own statements, on a session that knows them. */
    static final class OneDatabaseSuite {
        @Database(scope = Database.Scope.CLASS)
        private static Connection connection;

        @RepeatedTest(TESTS)
        void test() throws SQLException {
            use(connection);
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE orders");
            }
        }
    }

    /** zonky, as its manual advises: a server for all tests, an independent database for each, from a template. */
    static final class ZonkySuite {
        private static final DatabasePreparer NOTHING = database -> {};

        @RegisterExtension
        final PreparedDbExtension database = EmbeddedPostgresExtension.preparedDatabase(NOTHING);

        @RepeatedTest(TESTS)
        void test() throws SQLException {
            use(database.getTestDatabase());
        }
    }

    /**
     * Testcontainers, as its manual advises: one container for all tests, without fsync (the module's default), its data in memory;
     * a database for each by CREATE DATABASE, as its users do.
     */
    static final class ContainerSuite {
        private static final AtomicInteger NUMBER = new AtomicInteger();
        private static PostgreSQLContainer container;

        @BeforeAll
        static void start() {
            container = container();
            container.start();
        }

        @RepeatedTest(TESTS)
        void test() throws SQLException {
            String name = "test_" + NUMBER.incrementAndGet();
            try (Connection connection = DriverManager.getConnection(
                            container.getJdbcUrl(), container.getUsername(), container.getPassword());
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE DATABASE " + name + " STRATEGY file_copy");
            }
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl(container.getJdbcUrl().replace("/" + container.getDatabaseName(), "/" + name));
            source.setUser(container.getUsername());
            source.setPassword(container.getPassword());
            use(source);
        }

        @AfterAll
        static void stop() {
            container.stop();
        }
    }

    /** Makes the image. */
    static final class ContainerFirst {
        @Test
        void test() {
            try (PostgreSQLContainer container = container()) {
                container.start();
            }
        }
    }

    /** Does what the usual image does when it starts. */
    private static final String ENTRY = """
            #!/bin/sh
            set -eu
            data=/var/lib/postgresql/data
            bin=/usr/lib/postgresql/15/bin
            shift
            install -d -o postgres -m 700 $data
            printf %s "$POSTGRES_PASSWORD" > /tmp/password
            chown postgres /tmp/password
            as="setpriv --reuid=postgres --regid=postgres --init-groups"
            $as $bin/initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 --no-sync >/dev/null
            echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
            echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | $as $bin/postgres --single -D $data postgres >/dev/null
            exec $as $bin/postgres -D $data -c listen_addresses=* -c unix_socket_directories=/tmp "$@"
            """;

    static PostgreSQLContainer container() {
        ImageFromDockerfile image = new ImageFromDockerfile("tenon-bench-postgres", false)
                .withFileFromString("entry", ENTRY)
                .withDockerfileFromBuilder(builder -> builder.from("debian:bookworm")
                        .run("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq"
                                + " --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/*")
                        .copy("entry", "/entry")
                        .run("chmod 755 /entry")
                        .entryPoint("/bin/sh", "/entry")
                        .build());
        return new PostgreSQLContainer(DockerImageName.parse(image.get()).asCompatibleSubstituteFor("postgres"))
                .withTmpFs(Map.of("/var/lib/postgresql/data", "rw"))
                .waitingFor(Wait.forLogMessage(".*database system is ready to accept connections.*", 1));
    }

    /** Notes when JUnit turns to a test, before it looks for what the test wants. */
    static final class Stopwatch implements BeforeEachCallback {
        static volatile long started;

        @Override
        public void beforeEach(ExtensionContext context) {
            started = System.nanoTime();
        }
    }

    /** From JUnit's turning to the test until its first statement was answered, while the pool has time to fill. */
    @ExtendWith(Stopwatch.class)
    static final class LeaseSuite {
        @RepeatedTest(SAMPLES)
        void test(@Database DataSource source) throws SQLException {
            sample(source, "SELECT 1");
        }
    }

    /** 50 tables with 200 rows each. */
    static final class Shop implements DatabaseTemplate {
        @Override
        public String key() {
            return "bench-shop-1";
        }

        @Override
        public void fill(DataSource database) throws SQLException {
            try (Connection connection = database.getConnection();
                    Statement statement = connection.createStatement()) {
                for (int i = 0; i < TABLES; i++) {
                    statement.execute("CREATE TABLE t" + i + " (id int PRIMARY KEY, name text NOT NULL, note text)");
                    statement.execute(
                            "INSERT INTO t" + i + " SELECT n, 'name ' || n, repeat('x', 50) FROM generate_series(1, "
                                    + ROWS / TABLES + ") n");
                }
            }
        }
    }

    /** The same with copies of a template. */
    @ExtendWith(Stopwatch.class)
    static final class CloneSuite {
        @RepeatedTest(SAMPLES)
        void test(@Database(template = Shop.class) DataSource source) throws SQLException {
            sample(source, "SELECT count(*) FROM t49");
        }
    }

    private static void sample(DataSource source, String question) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(question)) {
            row.next();
            System.out.println("sample " + DeliveryBench.millisSince(Stopwatch.started));
        }
        LockSupport.parkNanos(Duration.ofMillis(150).toNanos());
    }

    /** The first database in a JVM. */
    static final class TenonFirst {
        @Test
        void test(@Database DataSource source) throws SQLException {
            DeliveryBench.selectOne(source);
            System.out.println("ready");
        }
    }

    /** The same with zonky. */
    static final class ZonkyFirst {
        @RegisterExtension
        final PreparedDbExtension database = EmbeddedPostgresExtension.preparedDatabase(ZonkySuite.NOTHING);

        @Test
        void test() throws SQLException {
            DeliveryBench.selectOne(database.getTestDatabase());
            System.out.println("ready");
        }
    }
}
