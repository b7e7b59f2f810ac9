package dev.tenon.samples;

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
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbc.JdbcException;
import org.h2.security.SHA256;

/**
 * Administration of one H2 server. A database is a schema, always the instance's owner's, because H2 cannot give it to another
 * later. H2 writes the names of accounts and roles in capitals; we write all names so.
 */
final class H2Session implements EngineSession {
    /** The names of roles have a space, which no tenant's name has. */
    static final String OWNER = "the owner";

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Set<String> GONE = Set.of("90067", "90098", "90121");
    private static final Set<String> LATE = Set.of("57014", "HYT00");

    private final Connection connection;

    private H2Session(Connection connection) {
        this.connection = connection;
    }

    static H2Session open(DataSource source) {
        try {
            return new H2Session(source.getConnection());
        } catch (SQLException e) {
            throw failed("connect", e);
        }
    }

    // begin
    /** The one function that puts a name into SQL text. */
    static String quote(String name) {
        return '"' + name.toUpperCase(Locale.ROOT).replace("\"", "\"\"") + '"';
    }

    static String role(Grant grant) {
        return quote("may " + grant);
    }

    /** What the server stores instead of a password; the mark keeps even that out of messages and traces. */
    static String password(String account, Secret password, byte[] salt) {
        byte[] key = password.reveal(
                text -> SHA256.getKeyPasswordHash(account.toUpperCase(Locale.ROOT), text.toCharArray()));
        HexFormat hex = HexFormat.of();
        return " SALT '" + hex.formatHex(salt) + "' HASH '" + hex.formatHex(SHA256.getHashWithSalt(key, salt))
                + "' /* --hide-- */";
    }
    // end

    @Override
    public Role role() {
        ask("look at the server", "SELECT 1", row -> row.getInt(1));
        return Role.PRIMARY;
    }

    @Override
    public String serverVersion() {
        return ask("read the version", "SELECT H2VERSION()", row -> row.getString(1))
                .get(0);
    }

    @Override
    public void handOver(HandOver handOver) {
        password(handOver.owner(), handOver.password(), true);
        String owner = quote(handOver.owner());
        run("GRANT " + quote(OWNER) + " TO " + owner);
        H2Engine.GRANTS.forEach(grant -> run("GRANT " + role(grant) + " TO " + owner));
        createDatabase(handOver.database(), handOver.owner());
    }

    @Override
    public List<Account> accounts() {
        return ask(
                        "list the accounts",
                        "SELECT USER_NAME FROM INFORMATION_SCHEMA.USERS WHERE NOT IS_ADMIN ORDER BY 1",
                        row -> small(row.getString(1)))
                .stream()
                .map(name -> {
                    Set<String> roles = roles(name);
                    Set<Grant> grants = H2Engine.GRANTS.stream()
                            .filter(grant -> roles.contains(role(grant)))
                            .collect(Collectors.toSet());
                    return new Account(name, grants, roles.contains(quote(OWNER)));
                })
                .toList();
    }

    private Set<String> roles(String account) {
        return Set.copyOf(ask(
                "list what an account has",
                "SELECT GRANTEDROLE FROM INFORMATION_SCHEMA.RIGHTS"
                        + " WHERE GRANTEETYPE = 'USER' AND GRANTEDROLE IS NOT NULL AND GRANTEE = ?",
                row -> quote(row.getString(1)),
                capitals(account)));
    }

    @Override
    public void putAccount(String name, Secret password, Set<Grant> grants) {
        supported(grants);
        refuseOwner(name);
        password(name, password, true);
        grant(name, grants);
    }

    @Override
    public void password(String name, Secret password) {
        password(name, password, false);
    }

    private void password(String name, Secret password, boolean create) {
        if (password.reveal(String::isEmpty)) {
            throw new InvalidSpecException(ErrorCode.PASSWORD_POLICY, "password", "is empty");
        }
        if (create) {
            Names.databaseObject("name", name);
        } else {
            existing(name);
        }
        byte[] salt = new byte[8];
        RANDOM.nextBytes(salt);
        run((create && !exists(name) ? "CREATE USER " + quote(name) : "ALTER USER " + quote(name) + " SET")
                + password(name, password, salt));
    }

    @Override
    public void grant(String name, Set<Grant> grants) {
        supported(grants);
        existing(name);
        refuseOwner(name);
        H2Engine.GRANTS.forEach(grant -> run(
                grants.contains(grant)
                        ? "GRANT " + role(grant) + " TO " + quote(name)
                        : "REVOKE " + role(grant) + " FROM " + quote(name)));
    }

    @Override
    public void dropAccount(String name, String owner) {
        if (!exists(name)) {
            return;
        }
        refuseOwner(name);
        run("DROP USER IF EXISTS " + quote(name));
        abort("USER_NAME = ?", capitals(name));
    }

    @Override
    public List<Database> databases() {
        return ask(
                "list the databases",
                "SELECT SCHEMA_NAME, SCHEMA_OWNER, (SELECT COALESCE(SUM(DISK_SPACE_USED("
                        + "QUOTE_IDENT(TABLE_SCHEMA) || '.' || QUOTE_IDENT(TABLE_NAME))), 0)"
                        + " FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME AND TABLE_TYPE = 'BASE TABLE')"
                        + " FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_OWNER <> ? ORDER BY 1",
                row -> new Database(small(row.getString(1)), small(row.getString(2)), DataSize.bytes(row.getLong(3))),
                H2Engine.PLATFORM);
    }

    @Override
    public void createDatabase(String name, String owner) {
        Names.databaseObject("name", name);
        if (name.equals("information_schema")) {
            throw new InvalidSpecException(ErrorCode.RESERVED, "name", "this name is reserved");
        }
        if (!roles(owner).contains(quote(OWNER))) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED, "owner", "of a database of H2 can only be the instance's owner");
        }
        run("CREATE SCHEMA IF NOT EXISTS " + quote(name) + " AUTHORIZATION " + quote(owner));
        run("GRANT SELECT ON SCHEMA " + quote(name) + " TO " + role(Grant.READ));
        run("GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA " + quote(name) + " TO " + role(Grant.WRITE));
    }

    /** H2 does not know which session is in which schema: those in this one go on and find nothing. */
    @Override
    public void dropDatabase(String name) {
        Names.databaseObject("name", name);
        run("DROP SCHEMA IF EXISTS " + quote(name) + " CASCADE");
    }

    @Override
    public List<Session> sessions() {
        return ask(
                "list the sessions",
                "SELECT SESSION_ID, USER_NAME, CLIENT_ADDR, SESSION_STATE, SESSION_START"
                        + " FROM INFORMATION_SCHEMA.SESSIONS WHERE USER_NAME <> ? ORDER BY 1",
                row -> new Session(
                        row.getLong(1),
                        small(row.getString(2)),
                        "",
                        Optional.ofNullable(row.getString(3)),
                        "",
                        row.getString(4),
                        row.getObject(5, OffsetDateTime.class).toInstant()),
                H2Engine.PLATFORM);
    }

    @Override
    public boolean terminate(long sessionId) {
        return abort("SESSION_ID = ?", sessionId).contains(true);
    }

    @Override
    public void terminateAll() {
        abort("TRUE");
    }

    private List<Boolean> abort(String which, Object... values) {
        return ask(
                "end sessions",
                "SELECT ABORT_SESSION(SESSION_ID) FROM INFORMATION_SCHEMA.SESSIONS WHERE USER_NAME <> '"
                        + H2Engine.PLATFORM + "' AND " + which,
                row -> row.getBoolean(1),
                values);
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new TreeMap<>();
        ask(
                "read the settings",
                "SELECT SETTING_NAME, COALESCE(SETTING_VALUE, '') FROM INFORMATION_SCHEMA.SETTINGS",
                row -> settings.put(row.getString(1), row.getString(2)));
        return settings;
    }

    /** The server reads the file of its arguments for us, and tells what it was started with itself. */
    @Override
    public Set<String> pendingRestart() {
        List<String> written = ask(
                        "read what was written",
                        "SELECT FILE_READ(DATABASE_PATH() || '.args', 'UTF-8')",
                        row -> row.getString(1))
                .get(0)
                .lines()
                .toList();
        Set<String> pending = new TreeSet<>();
        settings().forEach((name, value) -> {
            String start = "-D" + H2Engine.property(name) + "=";
            if (written.stream().anyMatch(line -> line.startsWith(start) && !line.equals(start + value))) {
                pending.add(name);
            }
        });
        return pending;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failed("close the session", e);
        }
    }

    private static String capitals(String name) {
        return name.toUpperCase(Locale.ROOT);
    }

    private static String small(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static void supported(Set<Grant> grants) {
        if (!H2Engine.GRANTS.containsAll(grants)) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED, "grants", grants + "; H2 can give " + new TreeSet<>(H2Engine.GRANTS));
        }
    }

    private boolean exists(String name) {
        return accounts().stream().anyMatch(account -> account.name().equals(name));
    }

    private void existing(String name) {
        if (!exists(name)) {
            throw new InvalidSpecException(ErrorCode.NOT_FOUND, "name", "there is no such account");
        }
    }

    private void refuseOwner(String name) {
        if (roles(name).contains(quote(OWNER))) {
            throw new InvalidSpecException(ErrorCode.RESERVED, "name", "is the instance's owner, who stays as it is");
        }
    }

    private void run(String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw failed("change accounts or databases", e);
        }
    }

    @FunctionalInterface
    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private <T> List<T> ask(String action, String sql, Row<T> row, Object... values) {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
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
            throw failed(action, e);
        }
    }

    /** The message without the statement. */
    private static ProviderException failed(String action, SQLException e) {
        boolean silent = Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause)
                .anyMatch(SocketTimeoutException.class::isInstance);
        String state = String.valueOf(e.getSQLState());
        ErrorCode code = silent || LATE.contains(state)
                ? ErrorCode.TIMEOUT
                : GONE.contains(state) ? ErrorCode.PROVIDER_UNAVAILABLE : ErrorCode.PROVIDER_FAILED;
        String words = e instanceof JdbcException h2 ? h2.getOriginalMessage() : e.getMessage();
        return new ProviderException(code, "H2: could not " + action + ": " + words + " (" + state + ")", e);
    }
}
