package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** The one class that names Flyway, so that a start with a current schema loads none of it. */
final class Migrations {
    private Migrations() {}

    static void apply(DataSource database, Dialect dialect) {
        try {
            Flyway.configure(Migrations.class.getClassLoader())
                    .dataSource(database)
                    .locations("classpath:" + Schema.LOCATION)
                    .table(Schema.HISTORY_TABLE)
                    .placeholders(dialect.placeholders())
                    // The database may hold other things than ours; then our history begins before version 1.
                    .baselineOnMigrate(true)
                    .baselineVersion("0")
                    .cleanDisabled(true)
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE, "cannot bring the store's schema up to version " + Schema.CURRENT, e);
        }
    }
}
