package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import javax.sql.DataSource;

/** Brings a store's schema up to date. */
final class Schema {
    /** The highest version among the migration scripts. */
    static final int CURRENT = 1;

    static final String HISTORY_TABLE = "tenon_schema_history";
    static final String LOCATION = "dev/tenon/core/store/migration";

    private static final String[] SCRIPTS = {"V1__state.sql"};
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

    /** Makes the schema in a store that was empty and will be gone with this process: no history is kept. */
    static void create(Session session, Dialect dialect) throws SQLException {
        for (String script : SCRIPTS) {
            session.script(read(script, dialect));
        }
    }

    private static int applied(Session session, Dialect dialect) throws SQLException {
        if (session.first(dialect.historyExists(), row -> row.getInt(1), HISTORY_TABLE)
                        .orElse(0)
                == 0) {
            return 0;
        }
        Optional<String> version = session.first(APPLIED, row -> row.getString(1));
        return version.map(Integer::parseInt).orElse(0);
    }

    private static String read(String script, Dialect dialect) {
        try (InputStream in = Schema.class.getResourceAsStream("migration/" + script)) {
            if (in == null) {
                throw new ProviderException(ErrorCode.INTERNAL, "the jar lacks the migration script " + script);
            }
            String sql = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (Map.Entry<String, String> placeholder : dialect.placeholders().entrySet()) {
                sql = sql.replace("${" + placeholder.getKey() + "}", placeholder.getValue());
            }
            return sql;
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.INTERNAL, "cannot read the migration script " + script, e);
        }
    }
}
