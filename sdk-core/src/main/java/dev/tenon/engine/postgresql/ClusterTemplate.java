package dev.tenon.engine.postgresql;

import dev.tenon.api.Secret;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The steps that make a data directory which knows nothing of its member, so that a place makes it once and copies it. It already
 * holds the tenant's first database and its owner under default names; what remains at delivery is a password.
 */
final class ClusterTemplate {
    /** The tenant's first database before hand-over. */
    static final String DATABASE = "app";

    /** Its owner before hand-over; cannot log in until then. */
    static final String OWNER = "app_owner";

    /** Marks the instance's owner by membership, which survives a change of name. Holds no privilege. */
    static final String OWNER_MARKER = "tenon_owner";

    /** Accounts that may change schemas are its members; it may create in each database and its public schema. */
    static final String DDL_MARKER = "tenon_ddl";

    /** Written by the last statement of the second step, so it is there exactly when all of them succeeded. */
    static final String PREPARED = "tenon.prepared";

    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private ClusterTemplate() {}

    static List<InitialiseStep> steps(PostgresqlVersion version, boolean ephemeral) {
        return List.of(
                new InitialiseStep(
                        "initdb",
                        new Command(initdb(version, ephemeral), Map.of(), Optional.empty(), TIMEOUT),
                        Members.DATA,
                        "global/pg_control",
                        true),
                new InitialiseStep(
                        "prepare",
                        new Command(
                                singleUser(ephemeral),
                                Map.of(),
                                Optional.of(Secret.of(sql(version, ephemeral))),
                                TIMEOUT),
                        Members.DATA,
                        PREPARED,
                        true));
    }

    private static List<Template> initdb(PostgresqlVersion version, boolean ephemeral) {
        List<Template> argv = new ArrayList<>();
        add(argv, "initdb", "-D");
        argv.add(Template.of(new Template.DirectoryPath(Members.DATA)));
        add(argv, "--username=" + AccessFiles.PLATFORM_ROLE, "--encoding=UTF8");
        // Code-point order does not change with the C library or ICU of the host, so an index stays valid when the
        // programs are
        // replaced or the data moves; other orders are there as ICU collations, per column.
        if (version.atLeast(PostgresqlVersion.V17)) {
            add(argv, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8");
        } else {
            add(argv, "--locale=C.UTF-8");
        }
        // initdb would guess from the host's time zone; a template must not.
        add(argv, "--text-search-config=simple", "--auth-local=peer", "--auth-host=scram-sha-256", "--no-instructions");
        // The place syncs what it copies.
        add(argv, "--no-sync");
        if (ephemeral) {
            // 1 MB segments: most of a small template's bytes would be an empty log.
            add(argv, "--wal-segsize=1");
            if (version.atLeast(PostgresqlVersion.V18)) {
                add(argv, "--no-data-checksums");
            }
        } else {
            // A promotion copies and syncs the last segment of its log before it takes writes, and a copy for a standby
            // ends one, which travels whole: both in a quarter of the usual size's time.
            add(argv, "--wal-segsize=4", "--data-checksums");
        }
        return argv;
    }

    private static List<Template> singleUser(boolean ephemeral) {
        List<Template> argv = new ArrayList<>();
        add(argv, "postgres", "--single", "-j", "-F", "-D");
        argv.add(Template.of(new Template.DirectoryPath(Members.DATA)));
        add(argv, "-c", "exit_on_error=on", "-c", "search_path=pg_catalog", "-c", "log_checkpoints=off");
        add(
                argv,
                "-c",
                "max_wal_size=" + (ephemeral ? "2MB" : "64MB"),
                "-c",
                "min_wal_size=" + (ephemeral ? "2MB" : "32MB"));
        // A standby made of it must have as much as these.
        add(argv, "-c", "max_connections=10", "-c", "max_wal_senders=0", "-c", "max_worker_processes=0");
        add(argv, "template1");
        return argv;
    }

    /** Statements end with a semicolon and an empty line, as {@code postgres --single -j} wants them. */
    static String sql(PostgresqlVersion version, boolean ephemeral) {
        List<String> statements = new ArrayList<>();
        // From 15 on these are the defaults; said again so that no version has its own profile.
        statements.add("REVOKE ALL ON SCHEMA public FROM PUBLIC");
        statements.add("GRANT USAGE ON SCHEMA public TO PUBLIC");
        statements.add("ALTER SCHEMA public OWNER TO pg_database_owner");
        statements.add(
                "REVOKE ALL ON FUNCTION lo_import(text), lo_import(text, oid), lo_export(oid, text) FROM PUBLIC");
        statements.add("CREATE ROLE " + OWNER_MARKER + " NOLOGIN");
        statements.add("CREATE ROLE " + DDL_MARKER + " NOLOGIN");
        // In template1, so that databases made later have it too.
        statements.add("GRANT CREATE ON SCHEMA public TO " + DDL_MARKER);
        // The platform connects to postgres (durable) or template1 (ephemeral), where no tenant can make anything.
        statements.add("REVOKE ALL ON DATABASE template1 FROM PUBLIC");
        if (ephemeral) {
            statements.add("UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'");
            statements.add("DROP DATABASE template0");
        }
        // Rewriting the catalogues leaves their free-space and visibility maps behind, which the server makes again
        // when it
        // needs them: 80 files less to copy in every database made from here on.
        statements.add("DROP DATABASE postgres");
        statements.add("VACUUM FULL");
        String copied = version.atLeast(PostgresqlVersion.V15) ? " STRATEGY file_copy" : "";
        if (!ephemeral) {
            statements.add("CREATE DATABASE postgres" + copied);
            statements.add("REVOKE ALL ON DATABASE postgres FROM PUBLIC");
        }
        statements.add("CREATE ROLE " + OWNER + " NOLOGIN NOSUPERUSER CREATEDB "
                + (version.createRoleIsSafe() ? "CREATEROLE" : "NOCREATEROLE") + " NOREPLICATION NOBYPASSRLS");
        statements.add("GRANT " + OWNER_MARKER + " TO " + OWNER
                + (version.atLeast(PostgresqlVersion.V16) ? " WITH INHERIT FALSE, SET FALSE" : ""));
        statements.add("CREATE DATABASE " + DATABASE + " OWNER " + OWNER + copied);
        statements.add("GRANT CREATE ON DATABASE " + DATABASE + " TO " + DDL_MARKER);
        statements.add("CHECKPOINT");
        statements.add("DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L', current_setting('data_directory') || '/"
                + PREPARED + "'); END $$");
        StringBuilder text = new StringBuilder();
        statements.forEach(statement -> text.append(statement).append(";\n\n"));
        return text.toString();
    }

    private static void add(List<Template> argv, String... texts) {
        for (String text : texts) {
            argv.add(Template.text(text));
        }
    }
}
