package dev.tenon.engine.postgresql;

import dev.tenon.api.Account;
import dev.tenon.api.DataSize;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Names;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import dev.tenon.spi.engine.ReplicationStatus;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Administration of one server as the platform's role, in a database where tenants can make nothing. */
final class PostgresqlSession implements EngineSession {
    private static final SecureRandom RANDOM = new SecureRandom();
    /** How the libpq of a receiver shows the option with which it connects. */
    private static final Pattern RECEIVES = Pattern.compile(Pattern.quote(Members.SOURCE) + "=([a-z0-9-]+)");

    private static final String OWN_SLOTS = "slot_type = 'physical' AND slot_name LIKE 'tenon\\_%'";

    /** In pg_stat_activity: what tenants opened. */
    private static final String CLIENTS =
            "backend_type = 'client backend' AND usename <> '" + AccessFiles.PLATFORM_ROLE + "'";

    private static final String REVISION_IN_FORCE =
            "coalesce(nullif(pg_catalog.current_setting('" + Members.REVISION + "', true), ''), '0')::int8";

    /** SQL states. */
    private static final String IS_THERE = "42710";

    private static final String IS_GONE = "42704";
    private static final String IN_USE = "55006";
    /** How often letting go of a slot is tried. */
    private static final int DROPS = 50;

    private final PostgresqlVersion version;
    private final PlatformConnections connections;
    private final String home;
    private @Nullable Connection connection;
    /** The database that the session is in. */
    private String current;

    private final Optional<Secret> replicationPassword;
    private boolean waitsForNobody;
    /** Never changes while a server is primary. */
    private @Nullable Map<Integer, Long> forks;

    PostgresqlSession(
            PostgresqlVersion version,
            PlatformConnections connections,
            boolean ephemeral,
            Optional<Secret> replicationPassword) {
        this.replicationPassword = replicationPassword;
        this.version = version;
        this.connections = connections;
        this.home = ephemeral ? "template1" : "postgres";
        this.current = home;
    }

    private Connection connection() {
        return connection(home);
    }

    /** The first call decides which database the session is in. */
    private Connection connection(String database) {
        Connection open = connection;
        if (open == null) {
            open = connections.open(database);
            connection = open;
            current = database;
        }
        return open;
    }

    @Override
    public Role role() {
        return ask("read the role", "SELECT pg_catalog.pg_is_in_recovery()", row -> row.getBoolean(1))
                        .get(0)
                ? Role.STANDBY
                : Role.PRIMARY;
    }

    @Override
    public String serverVersion() {
        // Every server says it when a session begins.
        try {
            return connection().getMetaData().getDatabaseProductVersion();
        } catch (SQLException e) {
            throw SqlFailures.wrap("read the version", e);
        }
    }

    @Override
    public void handOver(HandOver handOver) {
        String owner = Names.databaseObject("owner", handOver.owner());
        String database = Names.databaseObject("database", handOver.database());
        String open = "ALTER ROLE " + Identifiers.quote(owner) + " LOGIN NOSUPERUSER CREATEDB "
                + (version.createRoleIsSafe() ? "CREATEROLE" : "NOCREATEROLE")
                + " NOREPLICATION NOBYPASSRLS PASSWORD '" + verifier(handOver.password()) + "'";
        // The template made both under these names, so there is nothing to look for, which would take as long as all
        // the rest.
        if (!owner.equals(ClusterTemplate.OWNER) || !database.equals(ClusterTemplate.DATABASE)) {
            name(owner, database);
        } else {
            // The first session in a database loads its catalogue from scratch, which takes as long as starting the
            // server:
            // done here, the tenant's first session need not. Nobody can be in it before the owner has a password.
            connection(database);
        }
        // The password comes last: nobody can log in before all the rest is true.
        run("open the owner's account", open);
    }

    private void name(String owner, String database) {
        Set<String> found = new HashSet<>(ask(
                "look for what is handed over",
                "SELECT 'r' || rolname FROM pg_catalog.pg_roles WHERE rolname IN (?, ?)"
                        + " UNION ALL SELECT 'd' || datname FROM pg_catalog.pg_database WHERE datname IN (?, ?)",
                row -> row.getString(1),
                owner,
                ClusterTemplate.OWNER,
                database,
                ClusterTemplate.DATABASE));
        if (!found.contains("r" + owner)) {
            if (!found.contains("r" + ClusterTemplate.OWNER)) {
                throw new ProviderException(
                        ErrorCode.SOFTWARE_CORRUPT,
                        "PostgreSQL: the prepared data directory holds neither role " + ClusterTemplate.OWNER
                                + " nor the owner's; destroy the instance and create it anew");
            }
            run("name the owner", "ALTER ROLE " + ClusterTemplate.OWNER + " RENAME TO " + Identifiers.quote(owner));
        }
        if (!found.contains("d" + database)) {
            if (found.contains("d" + ClusterTemplate.DATABASE)) {
                run(
                        "name the database",
                        "ALTER DATABASE " + ClusterTemplate.DATABASE + " RENAME TO " + Identifiers.quote(database));
            } else {
                createDatabase(database, owner);
            }
        }
    }

    @Override
    public List<Account> accounts() {
        return ask(
                "list the accounts",
                "SELECT r.rolname, r.rolcreatedb, r.rolcreaterole, "
                        + member("pg_read_all_data") + ", " + member("pg_write_all_data") + ", "
                        + member(ClusterTemplate.DDL_MARKER) + ", " + member(ClusterTemplate.OWNER_MARKER)
                        + " FROM pg_catalog.pg_roles r WHERE r.rolcanlogin AND r.rolname !~ '^(pg_|tenon_)' ORDER BY 1",
                row -> {
                    Set<Grant> grants = EnumSet.noneOf(Grant.class);
                    boolean owner = row.getBoolean(7);
                    add(grants, Grant.CREATE_DATABASE, row.getBoolean(2));
                    add(grants, Grant.CREATE_ACCOUNT, row.getBoolean(3));
                    add(grants, Grant.READ, row.getBoolean(4) || owner);
                    add(grants, Grant.WRITE, row.getBoolean(5) || owner);
                    add(grants, Grant.DDL, row.getBoolean(6) || owner);
                    return new Account(row.getString(1), grants, owner);
                });
    }

    @Override
    public void putAccount(String name, Secret password, Set<Grant> grants) {
        Names.databaseObject("name", name);
        String verifier = verifier(password);
        checkGrants(grants);
        refuseOwner(name);
        if (!roleExists(name)) {
            // The place of a role made twice at the same time is the server: the second CREATE fails and can be
            // repeated.
            run("create the account", "CREATE ROLE " + Identifiers.quote(name) + " NOLOGIN");
        }
        grant(name, grants);
        run(
                "set the account's password",
                "ALTER ROLE " + Identifiers.quote(name) + " LOGIN PASSWORD '" + verifier + "'");
    }

    @Override
    public void password(String name, Secret password) {
        existing(name);
        run(
                "set the account's password",
                "ALTER ROLE " + Identifiers.quote(name) + " PASSWORD '" + verifier(password) + "'");
    }

    @Override
    public void grant(String name, Set<Grant> grants) {
        existing(name);
        refuseOwner(name);
        checkGrants(grants);
        String role = Identifiers.quote(name);
        List<String> statements = new ArrayList<>();
        statements.add("ALTER ROLE " + role + " NOSUPERUSER NOREPLICATION NOBYPASSRLS "
                + (grants.contains(Grant.CREATE_DATABASE) ? "CREATEDB " : "NOCREATEDB ")
                + (grants.contains(Grant.CREATE_ACCOUNT) ? "CREATEROLE" : "NOCREATEROLE"));
        statements.add(
                membership("pg_read_all_data", role, grants.contains(Grant.READ) || grants.contains(Grant.WRITE)));
        statements.add(membership("pg_write_all_data", role, grants.contains(Grant.WRITE)));
        statements.add(membership(ClusterTemplate.DDL_MARKER, role, grants.contains(Grant.DDL)));
        atomically("change the account's privileges", statements);
    }

    @Override
    public void dropAccount(String name, String owner) {
        String role = Identifiers.quote(name);
        String heir = Identifiers.quote(owner);
        Names.notReservedObject("name", name);
        if (!roleExists(name)) {
            return;
        }
        refuseOwner(name);
        run("close the account", "ALTER ROLE " + role + " NOLOGIN");
        ask(
                "end the account's sessions",
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = ?",
                row -> row.getBoolean(1),
                name);
        // A role's objects can only be found from inside each database.
        for (String database : ask(
                "list the databases",
                "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn ORDER BY 1",
                row -> row.getString(1))) {
            inside(database, statement -> {
                statement.run("REASSIGN OWNED BY " + role + " TO " + heir);
                statement.run("DROP OWNED BY " + role);
            });
        }
        run("drop the account", "DROP ROLE IF EXISTS " + role);
    }

    @Override
    public List<Database> databases() {
        return ask(
                "list the databases",
                "SELECT datname, pg_catalog.pg_get_userbyid(datdba), coalesce(pg_catalog.pg_database_size(oid), 0)"
                        + " FROM pg_catalog.pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"
                        + " ORDER BY 1",
                row -> new Database(row.getString(1), row.getString(2), DataSize.bytes(row.getLong(3))));
    }

    @Override
    public void createDatabase(String name, String owner) {
        Names.databaseObject("name", name);
        String database = Identifiers.quote(name);
        boolean exists = !ask(
                        "look for the database",
                        "SELECT 1 FROM pg_catalog.pg_database WHERE datname = ?",
                        row -> row.getInt(1),
                        name)
                .isEmpty();
        if (!exists) {
            existing(owner);
            run("create the database", "CREATE DATABASE " + database + " OWNER " + Identifiers.quote(owner));
        }
        run(
                "open the database for schema changes",
                "GRANT CREATE ON DATABASE " + database + " TO " + ClusterTemplate.DDL_MARKER);
    }

    @Override
    public void dropDatabase(String name) {
        Names.notReservedObject("name", name);
        String database = Identifiers.quote(name);
        List<Boolean> template = ask(
                "look for the database",
                "SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = ?",
                row -> row.getBoolean(1),
                name);
        if (template.isEmpty()) {
            return;
        }
        if (template.get(0)) {
            run("prepare the database to be dropped", "ALTER DATABASE " + database + " IS_TEMPLATE false");
        }
        run("drop the database", "DROP DATABASE IF EXISTS " + database + " WITH (FORCE)");
    }

    @Override
    public List<Session> sessions() {
        return ask(
                "list the sessions",
                "SELECT pid, usename, coalesce(datname, ''), host(client_addr), coalesce(application_name, ''),"
                        + " coalesce(state, ''), backend_start FROM pg_catalog.pg_stat_activity WHERE " + CLIENTS
                        + " ORDER BY backend_start",
                row -> new Session(
                        row.getLong(1),
                        row.getString(2),
                        row.getString(3),
                        Optional.ofNullable(row.getString(4)),
                        row.getString(5),
                        row.getString(6),
                        row.getObject(7, OffsetDateTime.class).toInstant()));
    }

    @Override
    public boolean terminate(long sessionId) {
        return ask(
                        "end the session",
                        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE " + CLIENTS
                                + " AND pid = ?",
                        row -> row.getBoolean(1),
                        sessionId)
                .contains(true);
    }

    @Override
    public void terminateAll() {
        ask(
                "end the sessions",
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE " + CLIENTS,
                row -> row.getBoolean(1));
    }

    @Override
    public Map<String, String> settings() {
        Map<String, ServerSetting> known = ServerSettings.of(version);
        Map<String, String> settings = new TreeMap<>();
        // What this session set for itself, or what the server asks of this session's socket, says nothing of the
        // others: there the
        // file counts, then the built-in default.
        ask(
                "read the settings",
                "SELECT s.name, CASE WHEN own THEN coalesce(f.setting, s.boot_val)"
                        + " ELSE pg_catalog.current_setting(s.name) END, own"
                        + " FROM (SELECT name, boot_val, source IN ('client', 'session') OR name LIKE 'tcp\\_%' AS own"
                        + " FROM pg_catalog.pg_settings) s"
                        + " LEFT JOIN pg_catalog.pg_file_settings f ON f.name = s.name AND f.applied",
                row -> {
                    String name = row.getString(1);
                    String value = Optional.ofNullable(row.getString(2)).orElse("");
                    ServerSetting setting = known.get(name);
                    return settings.put(name, row.getBoolean(3) && setting != null ? setting.canonical(value) : value);
                });
        return settings;
    }

    @Override
    public Set<String> pendingRestart() {
        return Set.copyOf(ask(
                "read the pending settings",
                "SELECT name FROM pg_catalog.pg_settings WHERE pending_restart",
                row -> row.getString(1)));
    }

    @Override
    public ReplicationStatus replication() {
        ReplicationStatus.Builder status = ReplicationStatus.builder();
        // Before the positions: once there is no receiver, they stay.
        ask(
                "look at the receiver",
                "SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walreceiver'), w.status,"
                        + " w.conninfo, (extract(epoch from clock_timestamp() - w.last_msg_receipt_time) * 1000)::int8,"
                        + " pg_catalog.pg_last_wal_receive_lsn() IS NOT NULL OR EXISTS (SELECT 1"
                        + " FROM pg_catalog.pg_stat_activity WHERE backend_type = 'startup'"
                        + " AND wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')),"
                        + " pg_catalog.pg_get_wal_replay_pause_state() = 'paused'"
                        + " FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON true"
                        + " WHERE pg_catalog.pg_is_in_recovery()",
                row -> receiver(
                        row.getBoolean(6),
                        row.getInt(1),
                        row.getString(2),
                        row.getString(3),
                        row.getObject(4),
                        row.getBoolean(5),
                        status));
        Role role = ask(
                        "look at the log",
                        "SELECT r, CASE WHEN r THEN greatest(pg_catalog.pg_last_wal_receive_lsn(),"
                                + " pg_catalog.pg_last_wal_replay_lsn(), '0/0')"
                                + " ELSE pg_catalog.pg_current_wal_flush_lsn() END - '0/0'::pg_lsn,"
                                + " CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn()"
                                + " ELSE pg_catalog.pg_current_wal_flush_lsn() END - '0/0'::pg_lsn,"
                                + " CASE WHEN r THEN coalesce((SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver),"
                                + " (SELECT ('x' || max(substr(name, 1, 8)))::bit(32)::int"
                                + " FROM pg_catalog.pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'))"
                                + " ELSE ('x' || substr(pg_catalog.pg_walfile_name("
                                + "pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int END,"
                                + " " + REVISION_IN_FORCE
                                + " FROM pg_catalog.pg_is_in_recovery() r",
                        row -> {
                            status.role(row.getBoolean(1) ? Role.STANDBY : Role.PRIMARY)
                                    .position(row.getLong(2))
                                    .replayed(row.getLong(3))
                                    .timeline(row.getInt(4))
                                    .revision(row.getLong(5));
                            return row.getBoolean(1) ? Role.STANDBY : Role.PRIMARY;
                        })
                .get(0);
        if (role == Role.PRIMARY) {
            followers(status);
        }
        return status.build();
    }

    private static boolean receiver(
            boolean paused,
            int receivers,
            @Nullable String state,
            @Nullable String source,
            @Nullable Object unheard,
            boolean readToItsEnd,
            ReplicationStatus.Builder status) {
        status.held(paused);
        Matcher from = RECEIVES.matcher(source == null ? "" : source);
        if ("streaming".equals(state) && from.find()) {
            status.receivesFrom(from.group(1)).unheard(millis(unheard));
        } else if (receivers > 0 || !readToItsEnd) {
            status.receivesFrom("?");
        }
        return true;
    }

    private void followers(ReplicationStatus.Builder status) {
        status.standbys(ask(
                "look at the standbys",
                "SELECT application_name, state, sync_state,"
                        + " coalesce(flush_lsn - '0/0'::pg_lsn, 0)::int8, coalesce(replay_lsn - '0/0'::pg_lsn, 0)::int8,"
                        + " (extract(epoch from replay_lag) * 1000)::int8"
                        + " FROM pg_catalog.pg_stat_replication WHERE usename = '" + AccessFiles.REPLICATION_ROLE
                        + "' ORDER BY 1",
                row -> new ReplicationStatus.Standby(
                        row.getString(1),
                        row.getString(2),
                        row.getString(3),
                        row.getLong(4),
                        row.getLong(5),
                        millis(row.getObject(6)))));
        status.outrun(ask(
                "look at the slots",
                "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE " + OWN_SLOTS + " AND wal_status = 'lost'",
                row -> row.getString(1).substring("tenon_".length()).replace('_', '-')));
        Map<Integer, Long> known = forks;
        if (known == null) {
            known = forks();
            forks = known;
        }
        status.forks(known);
    }

    /** What ended where: the history file of the primary's timeline has a line for each one before. */
    private Map<Integer, Long> forks() {
        Map<Integer, Long> ends = new TreeMap<>();
        ask(
                "read the history",
                "SELECT h[1]::int, h[2]::pg_lsn - '0/0'::pg_lsn FROM pg_catalog.regexp_matches(coalesce("
                        + "pg_catalog.pg_read_file('pg_wal/' || substr(pg_catalog.pg_walfile_name("
                        + "pg_catalog.pg_current_wal_lsn()), 1, 8) || '.history', 0, 1048576, true), ''),"
                        + " '^([0-9]+)\\t([0-9A-F]+/[0-9A-F]+)', 'gn') h",
                row -> ends.put(row.getInt(1), row.getLong(2)));
        return ends;
    }

    private static Optional<Duration> millis(@Nullable Object value) {
        return Optional.ofNullable((Long) value).map(Duration::ofMillis);
    }

    @Override
    public long revision() {
        return ask("read the revision", "SELECT " + REVISION_IN_FORCE, row -> row.getLong(1))
                .get(0);
    }

    @Override
    public long beat() {
        waitForNobody();
        return ask(
                        "write a sign of life",
                        "SELECT pg_catalog.pg_logical_emit_message(true, 'tenon', '') - '0/0'::pg_lsn",
                        row -> row.getLong(1))
                .get(0);
    }

    private void waitForNobody() {
        if (!waitsForNobody) {
            run("wait for no standby", "SET synchronous_commit = local");
            waitsForNobody = true;
        }
    }

    @Override
    public void disconnectStandbys(Set<String> members) {
        for (String member : members) {
            ask(
                    "end the connection of a standby",
                    "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_replication"
                            + " WHERE application_name = ? AND usename = '" + AccessFiles.REPLICATION_ROLE + "'",
                    row -> row.getBoolean(1),
                    member);
        }
    }

    @Override
    public void admitStandbys(Set<String> members) {
        if (!members.isEmpty() && role() == Role.PRIMARY) {
            admitRole();
        }
        Set<String> wanted = members.stream().map(Members::slot).collect(Collectors.toCollection(TreeSet::new));
        Set<String> kept = new HashSet<>();
        Map<String, Boolean> slots = new TreeMap<>();
        ask(
                "look at the slots",
                "SELECT slot_name, wal_status = 'lost' FROM pg_catalog.pg_replication_slots WHERE " + OWN_SLOTS,
                row -> slots.put(row.getString(1), row.getBoolean(2)));
        slots.forEach((slot, lost) -> {
            if (wanted.contains(slot) && !lost) {
                kept.add(slot);
            } else {
                dropSlot(slot);
            }
        });
        for (String slot : wanted) {
            if (!kept.contains(slot)) {
                createSlot(slot);
            }
        }
    }

    @Override
    public OptionalLong keptFrom(String standby) {
        return ask(
                        "look from where the log is kept",
                        "SELECT restart_lsn - '0/0'::pg_catalog.pg_lsn FROM pg_catalog.pg_replication_slots"
                                + " WHERE slot_name = ? AND restart_lsn IS NOT NULL AND wal_status <> 'lost'",
                        row -> row.getLong(1),
                        Members.slot(standby))
                .stream()
                .mapToLong(Long::longValue)
                .findFirst();
    }

    /** What uses it may come back at once, or be another session of the platform that lets go of it, too. */
    private void dropSlot(String slot) {
        for (int tries = 1; ; tries++) {
            ask(
                    "end the connection of a standby",
                    "SELECT pg_catalog.pg_terminate_backend(r.pid, 5000) FROM pg_catalog.pg_stat_replication r"
                            + " JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid WHERE s.slot_name = ?",
                    row -> row.getBoolean(1),
                    slot);
            try {
                ask(
                        "let go of the log for a standby",
                        "SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                                + " FROM pg_catalog.pg_replication_slots WHERE slot_name = ?",
                        row -> true,
                        slot);
                return;
            } catch (ProviderException e) {
                if (is(IS_GONE, e)) {
                    return;
                } else if (!is(IN_USE, e) || tries == DROPS) {
                    throw e;
                }
                run("wait for a slot", "SELECT pg_catalog.pg_sleep(0.02)");
            }
        }
    }

    private void createSlot(String slot) {
        try {
            ask(
                    "keep the log for a standby",
                    "SELECT slot_name FROM pg_catalog.pg_create_physical_replication_slot(?, true)",
                    row -> row.getString(1),
                    slot);
        } catch (ProviderException e) {
            if (!is(IS_THERE, e)) {
                throw e;
            }
        }
    }

    private static boolean is(String state, ProviderException e) {
        return e.getCause() instanceof SQLException cause && state.equals(cause.getSQLState());
    }

    private void admitRole() {
        String role = AccessFiles.REPLICATION_ROLE;
        // Its password never changes, so that a role that may log in is complete.
        boolean complete = !ask(
                        "look for the role of the standbys",
                        "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ? AND rolcanlogin AND rolreplication",
                        row -> row.getInt(1),
                        role)
                .isEmpty();
        if (complete) {
            return;
        }
        Secret password = replicationPassword.orElseThrow(
                () -> new IllegalStateException("the request lacks the secret " + Members.REPLICATION));
        // No standby can confirm this before the role is there.
        waitForNobody();
        if (!roleExists(role)) {
            run("create the role of the standbys", "CREATE ROLE " + role + " NOLOGIN");
        }
        run(
                "open the role of the standbys",
                "ALTER ROLE " + role + " LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '"
                        + verifier(password) + "'");
    }

    @Override
    public void checkpoint() {
        run("write a checkpoint", "CHECKPOINT");
    }

    @Override
    public void promote(long revision) {
        if (role() == Role.PRIMARY) {
            return;
        }
        boolean asked = ask(
                        "promote the standby",
                        "SELECT CASE WHEN pg_catalog.current_setting('" + Members.REVISION
                                + "', true) = ? THEN pg_catalog.pg_promote(false) ELSE false END",
                        row -> row.getBoolean(1),
                        Long.toString(revision))
                .get(0);
        if (!asked) {
            throw new ProviderException(
                    ErrorCode.FENCED,
                    "PostgreSQL: the standby was not promoted, for order " + revision + " is not the one in force");
        }
    }

    @Override
    public void close() {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            throw SqlFailures.wrap("close the session", e);
        }
    }

    private static String verifier(Secret password) {
        if (password.reveal(text -> text.isEmpty() || text.indexOf('\0') >= 0)) {
            throw new InvalidSpecException(
                    ErrorCode.PASSWORD_POLICY,
                    "password",
                    "is empty or holds a NUL character, which no client can send");
        }
        byte[] salt = new byte[ScramVerifier.SALT_LENGTH];
        RANDOM.nextBytes(salt);
        // Base64, digits, '$', ':' and '-': nothing that a string literal could end on.
        return ScramVerifier.of(password, salt, ScramVerifier.ITERATIONS);
    }

    private void checkGrants(Set<Grant> grants) {
        if (grants.contains(Grant.CREATE_ACCOUNT) && !version.createRoleIsSafe()) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "grants",
                    "CREATE_ACCOUNT needs PostgreSQL 16: before, it would let the account take any other's privileges");
        }
    }

    private static void add(Set<Grant> grants, Grant grant, boolean has) {
        if (has) {
            grants.add(grant);
        }
    }

    private static String member(String group) {
        return "EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid"
                + " WHERE m.member = r.oid AND g.rolname = '" + group + "')";
    }

    private static String membership(String group, String role, boolean wanted) {
        return (wanted ? "GRANT " : "REVOKE ") + group + (wanted ? " TO " : " FROM ") + role;
    }

    private boolean roleExists(String name) {
        return !ask(
                        "look for the account",
                        "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ?",
                        row -> row.getInt(1),
                        name)
                .isEmpty();
    }

    /** Tenants may make roles of any name in SQL, so names of existing accounts need not keep our rule, only be no one else's. */
    private void existing(String name) {
        Identifiers.quote(name);
        Names.notReservedObject("name", name);
        if (!roleExists(name)) {
            throw new InvalidSpecException(ErrorCode.NOT_FOUND, "name", "there is no such account");
        }
    }

    private void refuseOwner(String name) {
        boolean owner = !ask(
                        "look for the owner",
                        "SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname = ? AND "
                                + member(ClusterTemplate.OWNER_MARKER),
                        row -> row.getInt(1),
                        name)
                .isEmpty();
        if (owner) {
            throw new InvalidSpecException(
                    ErrorCode.RESERVED, "name", "is the instance's owner, whose privileges are fixed and who stays");
        }
    }

    /** Runs one statement. */
    private interface Runner {
        void run(String sql);
    }

    private void inside(String database, Consumer<Runner> work) {
        if (database.equals(current)) {
            work.accept(sql -> run("work inside database " + database, sql));
            return;
        }
        try (Connection other = connections.open(database)) {
            work.accept(sql -> {
                try (Statement statement = other.createStatement()) {
                    statement.execute(sql);
                } catch (SQLException e) {
                    throw SqlFailures.wrap("work inside database " + database, e);
                }
            });
        } catch (SQLException e) {
            throw SqlFailures.wrap("leave database " + database, e);
        }
    }

    private void run(String action, String sql) {
        try (Statement statement = connection().createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw SqlFailures.wrap(action, e);
        }
    }

    private void atomically(String action, List<String> statements) {
        try (Statement statement = connection().createStatement()) {
            connection().setAutoCommit(false);
            try {
                for (String sql : statements) {
                    statement.execute(sql);
                }
                connection().commit();
            } catch (SQLException e) {
                connection().rollback();
                throw e;
            } finally {
                connection().setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw SqlFailures.wrap(action, e);
        }
    }

    /** Reads one row. */
    @FunctionalInterface
    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private <T> List<T> ask(String action, String sql, Row<T> row, Object... values) {
        try (PreparedStatement statement = connection().prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            List<T> rows = new ArrayList<>();
            try (ResultSet result = statement.executeQuery()) {
                while (result.next()) {
                    rows.add(row.read(result));
                }
            }
            return rows;
        } catch (SQLException e) {
            throw SqlFailures.wrap(action, e);
        }
    }
}
