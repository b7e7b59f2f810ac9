package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Account;
import dev.tenon.api.Cidr;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SessionIT {
    private static final Secret OTHER = Secret.of("another long password");

    static Stream<String> versions() {
        return TestSoftware.versions();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void accounts_grantedAndDropped_areWhatTheServerSays(String version) throws Exception {
        try (Delivered delivered = Delivered.encrypted(version);
                EngineSession session = delivered.session()) {
            assertThat(session.role()).isEqualTo(EngineSession.Role.PRIMARY);
            assertThat(session.serverVersion()).startsWith(version + ".");
            boolean createRole = version.compareTo("16") >= 0;
            Set<Grant> all = EnumSet.allOf(Grant.class);
            if (!createRole) {
                all.remove(Grant.CREATE_ACCOUNT);
                refused(() -> session.putAccount("x", OTHER, Set.of(Grant.CREATE_ACCOUNT)), ErrorCode.UNSUPPORTED);
            }
            assertThat(session.accounts()).containsExactly(new Account(Delivered.OWNER, all, true));

            session.putAccount("reader", OTHER, Set.of(Grant.READ));
            session.putAccount("writer", OTHER, Set.of(Grant.WRITE));
            session.putAccount("maker", OTHER, Set.of(Grant.DDL));
            session.putAccount("maker", OTHER, Set.of(Grant.DDL, Grant.CREATE_DATABASE));
            assertThat(session.accounts())
                    .contains(
                            new Account("reader", Set.of(Grant.READ), false),
                            new Account("writer", Set.of(Grant.READ, Grant.WRITE), false),
                            new Account("maker", Set.of(Grant.DDL, Grant.CREATE_DATABASE), false));

            try (Connection owner = delivered.owner()) {
                run(owner, "CREATE TABLE orders (id int)");
            }
            try (Connection reader = delivered.connect(Delivered.DATABASE, "reader", OTHER)) {
                run(reader, "SELECT * FROM orders");
                denied(reader, "INSERT INTO orders VALUES (1)");
                denied(reader, "CREATE TABLE t (a int)");
                denied(reader, "CREATE DATABASE d");
            }
            try (Connection writer = delivered.connect(Delivered.DATABASE, "writer", OTHER)) {
                run(writer, "INSERT INTO orders VALUES (1)");
                denied(writer, "CREATE TABLE t (a int)");
                denied(writer, "CREATE SCHEMA s");
            }
            try (Connection maker = delivered.connect(Delivered.DATABASE, "maker", OTHER)) {
                run(maker, "CREATE TABLE made (a int)");
                run(maker, "CREATE SCHEMA made_schema");
                run(maker, "CREATE DATABASE made_database");
                denied(maker, "SELECT * FROM orders");
            }
            session.grant("writer", Set.of());
            try (Connection writer = delivered.connect(Delivered.DATABASE, "writer", OTHER)) {
                denied(writer, "SELECT * FROM orders");
            }
            session.password("writer", Delivered.PASSWORD);
            assertThatThrownBy(() -> delivered.connect(Delivered.DATABASE, "writer", OTHER))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));

            session.dropAccount("maker", Delivered.OWNER);
            session.dropAccount("maker", Delivered.OWNER);
            assertThat(session.accounts())
                    .extracting(Account::name)
                    .containsExactly(Delivered.OWNER, "reader", "writer");
            assertThat(session.databases())
                    .extracting(Database::name, Database::owner)
                    .contains(org.assertj.core.groups.Tuple.tuple("made_database", Delivered.OWNER));
            try (Connection owner = delivered.owner()) {
                run(owner, "DROP TABLE made");
                run(owner, "DROP SCHEMA made_schema");
            }
        }
    }

    @Test
    void standbys_admittedByTwoSessionsAtOnce_areAdmitted() throws Exception {
        ExecutorService other = Executors.newSingleThreadExecutor();
        try (Delivered delivered = Delivered.of(
                        Requests.durable("17").putSecrets("replication", OTHER).build());
                EngineSession one = delivered.session();
                EngineSession two = delivered.session()) {
            one.admitStandbys(Set.of("m-2"));
            for (int round = 0; round < 50; round++) {
                Set<String> standbys = round % 2 == 0 ? Set.of() : Set.of("m-2", "m-3", "m-4");
                Future<?> done = other.submit(() -> two.admitStandbys(standbys));
                one.admitStandbys(standbys);
                assertThat(done.get(20, TimeUnit.SECONDS)).isNull();
            }
        } finally {
            other.shutdownNow();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void platform_inATenantsDatabase_runsNothingOfTheTenant(String version) throws Exception {
        try (Delivered delivered = Delivered.encrypted(version);
                EngineSession session = delivered.session()) {
            session.putAccount("leaver", OTHER, Set.of(Grant.DDL));
            try (Connection owner = delivered.owner()) {
                // What a tenant could leave for a superuser to stumble over.
                run(owner, "CREATE TABLE trace (who text)");
                run(
                        owner,
                        "CREATE FUNCTION public.trap() RETURNS text LANGUAGE plpgsql AS"
                                + " 'BEGIN INSERT INTO public.trace VALUES (current_user); RETURN current_user; END'");
                run(
                        owner,
                        "CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE plpgsql AS"
                                + " 'BEGIN PERFORM public.trap(); RETURN true; END'");
                run(owner, "ALTER DATABASE orders SET search_path = public, pg_catalog");
                run(owner, "ALTER DATABASE orders SET role = orders_admin");
                run(owner, "ALTER DATABASE orders SET default_transaction_read_only = on");
            }
            try (Connection leaver = delivered.connect(Delivered.DATABASE, "leaver", OTHER)) {
                run(leaver, "SET default_transaction_read_only = off");
                run(leaver, "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE");
                run(leaver, "CREATE TABLE left_behind (a int)");
            }
            session.dropAccount("leaver", Delivered.OWNER);
            try (Connection owner = delivered.owner();
                    Statement statement = owner.createStatement()) {
                try (ResultSet row = statement.executeQuery("SELECT count(*) FROM public.trace")) {
                    row.next();
                    assertThat(row.getInt(1)).isZero();
                }
                try (ResultSet row =
                        statement.executeQuery("SELECT tableowner FROM pg_tables WHERE tablename = 'left_behind'")) {
                    row.next();
                    assertThat(row.getString(1)).isEqualTo(Delivered.OWNER);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void databasesAndSessions_liveAndEnd(String version) throws Exception {
        try (Delivered delivered = Delivered.encrypted(version);
                EngineSession session = delivered.session()) {
            session.createDatabase("more", Delivered.OWNER);
            session.createDatabase("more", Delivered.OWNER);
            assertThat(session.databases()).extracting(Database::name).containsExactly("more", Delivered.DATABASE);
            assertThat(session.databases())
                    .allSatisfy(d -> assertThat(d.size().toMib()).isGreaterThan(5));
            try (Connection more = delivered.connect("more", Delivered.OWNER, Delivered.PASSWORD)) {
                assertThat(session.sessions()).singleElement().satisfies(s -> {
                    assertThat(s.account()).isEqualTo(Delivered.OWNER);
                    assertThat(s.database()).isEqualTo("more");
                    assertThat(s.client()).contains("127.0.0.1");
                    assertThat(s.state()).isEqualTo("idle");
                });
                long id = session.sessions().get(0).id();
                assertThat(session.terminate(id)).isTrue();
                assertThatThrownBy(() -> run(more, "SELECT 1")).isInstanceOf(SQLException.class);
                assertThat(session.terminate(1)).isFalse();
            }
            try (Connection more = delivered.connect("more", Delivered.OWNER, Delivered.PASSWORD)) {
                run(more, "SELECT 1");
                session.dropDatabase("more");
                session.dropDatabase("more");
                assertThatThrownBy(() -> run(more, "SELECT 1")).isInstanceOf(SQLException.class);
            }
            assertThat(session.databases()).extracting(Database::name).containsExactly(Delivered.DATABASE);
            try (Connection owner = delivered.owner()) {
                session.terminateAll();
                assertThatThrownBy(() -> run(owner, "SELECT 1")).isInstanceOf(SQLException.class);
            }
            assertThat(session.role()).isEqualTo(EngineSession.Role.PRIMARY);
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void settings_changedFiles_takeEffectAsTheEngineSays(String version) {
        try (Delivered delivered = Delivered.encrypted(version);
                EngineSession session = delivered.session()) {
            assertThat(session.settings())
                    .containsEntry("shared_buffers", "128MB")
                    .containsEntry("ssl", "on")
                    .containsEntry("search_path", "\"$user\", public")
                    .containsEntry("statement_timeout", "0");
            Map<String, String> changed = Map.of("work_mem", "1MB", "max_connections", "20", "statement_timeout", "5s");
            EngineRequest request = EngineRequest.builder()
                    .from(delivered.request)
                    .parameters(changed)
                    .whitelist(List.of(Cidr.parse("10.0.0.0/8")))
                    .build();
            assertThat(delivered.engine.restartNeeded(version, Map.of(), changed))
                    .containsExactly("max_connections");
            assertThat(delivered.engine.restartNeeded(version, Map.of("max_connections", "100"), Map.of()))
                    .isEmpty();
            delivered.server.reload(delivered.engine.workloads(request).get(0));
            await(() -> session.pendingRestart().equals(Set.of("max_connections")));
            assertThat(session.settings()).containsEntry("statement_timeout", "5s");
            assertThatThrownBy(delivered::owner)
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"));
        }
    }

    private static @Nullable Delivered shared;

    private static synchronized Delivered shared() {
        Delivered running = shared;
        if (running == null) {
            running = Delivered.of(Requests.ephemeral("17").build());
            shared = running;
        }
        return running;
    }

    @AfterAll
    static synchronized void closeShared() {
        if (shared != null) {
            shared.close();
        }
    }

    /** Row 29 to 31 of the list of bad inputs: CVE-2016-5424 and reserved names. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "a\"b",
                "a'b",
                "a;b",
                "a\\b",
                "a\rb",
                "a\nb",
                "",
                "A",
                "1a",
                "a b",
                "a\u0000b",
                "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
                "pg_read_server_files",
                "pg_anything",
                "postgres",
                "replicator",
                "tenon_platform",
                "tenon_x",
                "public"
            })
    void names_outsideTheRule_areRefusedAndChangeNothing(String name) {
        try (EngineSession session = shared().session()) {
            List<Account> accounts = session.accounts();
            assertThatThrownBy(() -> session.putAccount(name, OTHER, Set.of())).satisfies(SessionIT::nameRefused);
            assertThatThrownBy(() -> session.createDatabase(name, Delivered.OWNER))
                    .satisfies(SessionIT::nameRefused);
            assertThat(session.accounts()).isEqualTo(accounts);
        }
    }

    private static void nameRefused(Throwable e) {
        assertThat(((TenonException) e).code()).isIn(ErrorCode.NAME_INVALID, ErrorCode.RESERVED);
    }

    /** Row 33: such passwords work; they are only ever sent as a verifier. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "with ' quote and \" too",
                "back\\slash\\\\ here",
                "dollar $$ $x$ quote",
                "line\nbreak\r\nbreak",
                "            ",
                "\u5bc6\u7801\u5f88\u957f\u5f88\u957f\u5f88\u957f\u5f88\u957f",
                "p\u00e4ssw\u00f6rt \u00df \u00a0x",
                "ligature \ufb01 \u2168",
                "emoji \ud83d\ude00 password",
                "SCRAM-SHA-256$4096:x$y:z",
                "soft\u00adhyphen password",
                "\u0627\u0644\u0639\u0631\u0628\u064a\u0629\u0627\u0644\u0639\u0631\u0628\u064a\u0629"
            })
    void passwords_ofAnyText_logInAndEqualTheServersOwnVerifier(String text) throws Exception {
        Delivered delivered = shared();
        try (EngineSession session = delivered.session()) {
            session.putAccount("someone", Secret.of(text), Set.of());
        }
        try (Connection someone = delivered.connect(Delivered.DATABASE, "someone", Secret.of(text))) {
            run(someone, "SELECT 1");
        }
        try (Connection platform = new PlatformConnections(
                                PostgresqlVersion.V15, delivered.server.admin(), Duration.ofSeconds(10))
                        .open("template1");
                Statement statement = platform.createStatement()) {
            // The server computes its own from the clear text, with its own salt; ours with that salt must be equal.
            if (!text.startsWith("SCRAM-")) {
                statement.execute("ALTER ROLE someone PASSWORD '" + text.replace("'", "''") + "'");
                try (ResultSet row =
                        statement.executeQuery("SELECT rolpassword FROM pg_authid WHERE rolname = 'someone'")) {
                    row.next();
                    String theirs = row.getString(1);
                    String salt = theirs.substring(theirs.indexOf(':') + 1, theirs.lastIndexOf('$'));
                    assertThat(ScramVerifier.of(
                                    Secret.of(text),
                                    java.util.Base64.getDecoder().decode(salt),
                                    4_096))
                            .isEqualTo(theirs);
                }
            }
        }
        assertThat(delivered.server.log()).doesNotContain(text.strip().isEmpty() ? "            '" : text);
    }

    @Test
    void verbs_onTheWrongThing_areRefused() {
        try (EngineSession session = shared().session()) {
            refused(() -> session.password("nobody_there", OTHER), ErrorCode.NOT_FOUND);
            refused(() -> session.grant("nobody_there", Set.of()), ErrorCode.NOT_FOUND);
            refused(() -> session.password("tenon_platform", OTHER), ErrorCode.RESERVED);
            refused(() -> session.dropAccount("tenon_platform", Delivered.OWNER), ErrorCode.RESERVED);
            refused(() -> session.dropAccount(Delivered.OWNER, Delivered.OWNER), ErrorCode.RESERVED);
            refused(() -> session.grant(Delivered.OWNER, Set.of()), ErrorCode.RESERVED);
            refused(() -> session.putAccount(Delivered.OWNER, OTHER, Set.of()), ErrorCode.RESERVED);
            refused(() -> session.dropDatabase("template1"), ErrorCode.RESERVED);
            refused(() -> session.createDatabase("another", "nobody_there"), ErrorCode.NOT_FOUND);
            refused(() -> session.putAccount("x", Secret.of("nul \u0000 in it"), Set.of()), ErrorCode.PASSWORD_POLICY);
        }
    }

    @Test
    void connect_nobodyThere_isUnavailable() {
        Delivered delivered = shared();
        AdminAddress nowhere = new AdminAddress.Unix(Path.of("/nonexistent/.s.PGSQL.1"));
        refused(() -> askRole(delivered, nowhere), ErrorCode.PROVIDER_UNAVAILABLE);
        refused(() -> askRole(delivered, new AdminAddress.Tcp("127.0.0.1", 1)), ErrorCode.UNSUPPORTED);
    }

    private static void askRole(Delivered delivered, AdminAddress address) {
        try (EngineSession session = delivered.engine.connect(delivered.request, address, Duration.ofSeconds(1))) {
            session.role();
        }
    }

    private static void refused(Runnable call, ErrorCode code) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void denied(Connection connection, String sql) {
        assertThatThrownBy(() -> run(connection, sql))
                .as(sql)
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("42501"));
    }

    private static void await(BooleanSupplier condition) {
        Awaitility.await()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .pollInSameThread()
                .until(condition::getAsBoolean);
    }
}
