package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Grant;
import dev.tenon.api.Secret;
import dev.tenon.spi.engine.EngineSession;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.jdbc.PreferQueryMode;

/** What a tenant may try, on every version: nothing reaches the host, the platform's role or another role's rights. */
class EscapeIT {
    private static final String DENIED = "42501";

    /** What 17 and later answer to ALTER SYSTEM where it is switched off for everybody. */
    private static final String SWITCHED_OFF = "0A000";

    /** Each must be denied for lack of privilege: any other failure would only say that the attempt was clumsy. */
    private static final List<String> ATTEMPTS = List.of(
            // The host's programs and files.
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "COPY mine FROM PROGRAM 'id'",
            "COPY mine FROM '/etc/passwd'",
            "COPY (SELECT 1) TO '/tmp/tenant'",
            "SELECT lo_import('/etc/passwd')",
            "SELECT lo_import('/etc/passwd', 4711)",
            "SELECT lo_export(lo_create(0), '/tmp/tenant')",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_read_file('postgresql.conf')",
            "SELECT pg_read_binary_file('global/pg_filenode.map')",
            "SELECT pg_ls_dir('/')",
            "SELECT pg_stat_file('/etc/passwd')",
            "SELECT pg_ls_waldir()",
            "SELECT pg_ls_logdir()",
            "SELECT pg_ls_tmpdir()",
            "SELECT pg_current_logfile()",
            "CREATE TABLESPACE t LOCATION '/tmp'",
            // Code that runs in the server.
            "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/x.so', 'f'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
            "CREATE LANGUAGE l HANDLER plpgsql_call_handler",
            "LOAD '/tmp/x.so'",
            "LOAD 'auto_explain'",
            "CREATE EXTENSION dblink",
            "CREATE EXTENSION file_fdw",
            "CREATE EXTENSION postgres_fdw",
            "CREATE EXTENSION pageinspect",
            "CREATE EXTENSION pg_buffercache",
            "CREATE EXTENSION amcheck",
            "CREATE EXTENSION pg_prewarm",
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION mine_function()",
            "CREATE CAST (text AS int) WITHOUT FUNCTION",
            "CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler",
            "CREATE FOREIGN DATA WRAPPER w",
            "CREATE FUNCTION pg_catalog.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TABLE pg_catalog.t (a int)",
            // Rights.
            "GRANT pg_execute_server_program TO orders_admin",
            "GRANT pg_read_server_files TO orders_admin",
            "GRANT pg_write_server_files TO orders_admin",
            "GRANT pg_read_all_data TO orders_admin",
            "GRANT pg_monitor TO orders_admin",
            "GRANT pg_signal_backend TO orders_admin",
            "GRANT tenon_platform TO orders_admin",
            "GRANT tenon_ddl TO orders_admin",
            "GRANT orders_admin TO tenon_platform WITH ADMIN OPTION; REVOKE tenon_owner FROM orders_admin",
            "ALTER ROLE orders_admin SUPERUSER",
            "ALTER ROLE orders_admin REPLICATION",
            "ALTER ROLE orders_admin BYPASSRLS",
            "CREATE ROLE evil SUPERUSER",
            "CREATE ROLE evil REPLICATION",
            "CREATE ROLE evil BYPASSRLS",
            "SET ROLE tenon_platform",
            "SET SESSION AUTHORIZATION tenon_platform",
            "ALTER ROLE tenon_platform PASSWORD 'x'",
            "ALTER ROLE tenon_platform SET search_path = public",
            "ALTER ROLE tenon_platform RENAME TO mine",
            "ALTER ROLE tenon_ddl LOGIN",
            "ALTER ROLE ALL SET search_path = public",
            "DROP ROLE tenon_platform",
            "DROP ROLE tenon_owner",
            "REASSIGN OWNED BY tenon_platform TO orders_admin",
            "ALTER FUNCTION mine_function() OWNER TO tenon_platform",
            "ALTER TABLE mine OWNER TO tenon_platform",
            "ALTER DEFAULT PRIVILEGES FOR ROLE tenon_platform GRANT ALL ON TABLES TO PUBLIC",
            // The catalogue.
            "SELECT rolpassword FROM pg_authid",
            "SELECT passwd FROM pg_shadow",
            "SELECT * FROM pg_hba_file_rules",
            "SELECT * FROM pg_file_settings",
            "SELECT subconninfo FROM pg_subscription",
            "SELECT * FROM pg_statistic",
            "UPDATE pg_authid SET rolsuper = true",
            "INSERT INTO pg_auth_members (roleid, member) VALUES (10, 10)",
            "DELETE FROM pg_database",
            "UPDATE pg_proc SET prosecdef = true",
            // The server and its settings.
            "ALTER SYSTEM SET archive_command = 'id'",
            "ALTER SYSTEM RESET ALL",
            "ALTER DATABASE orders SET session_preload_libraries = 'x'",
            "ALTER ROLE orders_admin SET log_statement = 'none'",
            "SET session_replication_role = replica",
            "SET log_statement = 'none'",
            "SET dynamic_library_path = '/tmp'",
            "SET allow_system_table_mods = on",
            "SET lo_compat_privileges = on",
            "SET temp_file_limit = -1",
            "SELECT pg_reload_conf()",
            "SELECT pg_rotate_logfile()",
            "SELECT pg_switch_wal()",
            "SELECT pg_create_restore_point('x')",
            "SELECT pg_promote()",
            "SELECT pg_log_backend_memory_contexts(pg_backend_pid())",
            "CHECKPOINT",
            // Replication, and connections from the server to elsewhere.
            "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 user=tenon_platform' PUBLICATION p",
            "CREATE PUBLICATION p FOR ALL TABLES",
            "SELECT pg_create_physical_replication_slot('s')",
            "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
            "SELECT pg_replication_origin_create('o')",
            // The platform's databases.
            "CREATE DATABASE d TEMPLATE postgres",
            "ALTER DATABASE postgres OWNER TO orders_admin",
            "ALTER DATABASE template1 OWNER TO orders_admin",
            "ALTER DATABASE postgres SET search_path = public",
            "DROP DATABASE postgres",
            "DROP DATABASE template0",
            "GRANT CONNECT ON DATABASE postgres TO orders_admin");

    static Stream<String> versions() {
        return TestSoftware.versions();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void tenant_tryingToLeave_isRefusedEverywhere(String version) throws Exception {
        try (Delivered delivered = Delivered.encrypted(version)) {
            try (Connection owner = delivered.owner()) {
                execute(owner, "CREATE TABLE mine (a text)");
                execute(
                        owner,
                        "CREATE FUNCTION mine_function() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'");
                assertThat(escapes(owner, ATTEMPTS)).isEmpty();
                if (version.compareTo("15") >= 0) {
                    assertThat(escapes(owner, List.of("GRANT SET ON PARAMETER archive_command TO orders_admin")))
                            .isEmpty();
                }
            }
            accountWithEveryGrant_isRefusedToo(delivered, version);
            platformRole_overTheNetwork_isRefused(delivered);
            tenant_inThePlatformsDatabases_isRefused(delivered);
        }
    }

    private static void accountWithEveryGrant_isRefusedToo(Delivered delivered, String version) throws Exception {
        Set<Grant> grants = EnumSet.allOf(Grant.class);
        if (version.compareTo("16") < 0) {
            grants.remove(Grant.CREATE_ACCOUNT);
        }
        try (EngineSession session = delivered.session()) {
            session.putAccount("helper", Delivered.PASSWORD, grants);
        }
        // What READ includes by PostgreSQL's own definition of pg_read_all_data: every relation, the catalogue's too.
        // The platform's
        // role has no password that could be read there.
        List<String> reading = List.of(
                "SELECT rolpassword FROM pg_authid",
                "SELECT passwd FROM pg_shadow",
                "SELECT * FROM pg_hba_file_rules",
                "SELECT * FROM pg_file_settings",
                "SELECT subconninfo FROM pg_subscription",
                "SELECT * FROM pg_statistic");
        List<String> attempts = new ArrayList<>(ATTEMPTS);
        attempts.removeAll(reading);
        attempts.removeIf(sql -> sql.contains("mine"));
        try (Connection helper = delivered.connect(Delivered.DATABASE, "helper", Delivered.PASSWORD)) {
            assertThat(escapes(helper, attempts)).isEmpty();
            assertThat(escapes(helper, List.of("ALTER ROLE orders_admin PASSWORD 'x'", "DROP ROLE orders_admin")))
                    .isEmpty();
        }
    }

    private static void platformRole_overTheNetwork_isRefused(Delivered delivered) {
        assertThatThrownBy(() -> delivered.connect("postgres", "tenon_platform", Delivered.PASSWORD))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"));
        PGSimpleDataSource clear = new PGSimpleDataSource();
        clear.setServerNames(new String[] {"127.0.0.1"});
        clear.setPortNumbers(new int[] {delivered.server.port()});
        clear.setDatabaseName(Delivered.DATABASE);
        clear.setUser(Delivered.OWNER);
        clear.setPassword(Delivered.PASSWORD.reveal(text -> text));
        clear.setSslmode("disable");
        assertThatThrownBy(clear::getConnection)
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"));
        replication_isRefused(delivered, "true", "28000");
        replication_isRefused(delivered, "database", DENIED);
    }

    private static void replication_isRefused(Delivered delivered, String mode, String state) {
        PGSimpleDataSource source = (PGSimpleDataSource)
                delivered.info(Delivered.DATABASE, Delivered.OWNER).dataSource().apply(Delivered.PASSWORD);
        source.setAssumeMinServerVersion("14");
        source.setReplication(mode);
        source.setPreferQueryMode(PreferQueryMode.SIMPLE);
        assertThatThrownBy(source::getConnection)
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(state));
    }

    private static void tenant_inThePlatformsDatabases_isRefused(Delivered delivered) {
        for (String database : List.of("postgres", "template1")) {
            assertThatThrownBy(() -> delivered.connect(database, Delivered.OWNER, Delivered.PASSWORD))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(DENIED));
        }
        assertThatThrownBy(() -> delivered.connect(Delivered.DATABASE, Delivered.OWNER, Secret.of("wrong password")))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
    }

    /** Returns the attempts that the server did not refuse for lack of privilege, with what it said instead. */
    private static List<String> escapes(Connection connection, List<String> attempts) throws SQLException {
        List<String> escapes = new ArrayList<>();
        for (String sql : attempts) {
            try {
                execute(connection, sql);
                escapes.add(sql + " -> done");
            } catch (SQLException e) {
                boolean switchedOff = sql.startsWith("ALTER SYSTEM") && SWITCHED_OFF.equals(e.getSQLState());
                if (!DENIED.equals(e.getSQLState()) && !switchedOff) {
                    escapes.add(sql + " -> " + e.getSQLState() + " " + e.getMessage());
                }
            }
        }
        return escapes;
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
