package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.sql.DataSource;

/** Brings a store's schema up to date. */
final class Schema {
    /** The migration scripts, all of them, in order. */
    static final List<String> SCRIPTS = List.of("V1__state.sql");

    /** The highest version among them. */
    static final int CURRENT = 1;

    static final String HISTORY_TABLE = "tenon_schema_history";
    static final String LOCATION = "dev/tenon/core/store/migration";

    private static final String APPLIED =
            "SELECT version FROM " + HISTORY_TABLE + " WHERE success ORDER BY installed_rank DESC LIMIT 1";

    private Schema() {}

    /**
     * Applies what is missing. Flyway's classes are only loaded if something is: they cost more than the rest of a start.
     *
     * @param session where to look
     * @param migrating connections for Flyway
     */
    static void update(Session session, Dialect dialect, Supplier<DataSource> migrating) throws SQLException {
        int applied = applied(session, dialect);
        if (applied > CURRENT) {
            throw new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE,
                    "the store has schema version " + applied + ", this Tenon knows versions up to " + CURRENT
                            + "; use the newer Tenon that wrote it");
        }
        if (applied < CURRENT) {
            Migrations.apply(migrating.get(), dialect);
        }
    }

    /** Makes the schema in an empty SQLite file that nobody else can open now: whole or not at all, and as if Flyway had been there. */
    static void createWithHistory(Session session) throws SQLException {
        session.connection().setAutoCommit(false);
        create(session);
        session.script(read("history.sql", Map.of("version", Integer.toString(CURRENT))));
        session.connection().commit();
        session.connection().setAutoCommit(true);
    }

    private static void create(Session session) throws SQLException {
        for (String script : SCRIPTS) {
            session.script(read("migration/" + script, Dialect.SQLITE.placeholders()));
        }
    }

    private static int applied(Session session, Dialect dialect) throws SQLException {
        boolean history = session.first(dialect.historyExists(), row -> row.getInt(1), HISTORY_TABLE)
                        .orElse(0)
                > 0;
        return history
                ? session.first(APPLIED, row -> Integer.parseInt(row.getString(1)))
                        .orElse(0)
                : 0;
    }

    private static String read(String resource, Map<String, String> placeholders) {
        try (InputStream in = Schema.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new ProviderException(ErrorCode.INTERNAL, "the jar lacks the script " + resource);
            }
            String sql = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (Map.Entry<String, String> placeholder : placeholders.entrySet()) {
                sql = sql.replace("${" + placeholder.getKey() + "}", placeholder.getValue());
            }
            return sql;
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.INTERNAL, "cannot read the script " + resource, e);
        }
    }
}
