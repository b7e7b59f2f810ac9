package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.AdminAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import org.newsclub.net.unix.AFUNIXSocketFactory;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Opens connections as the platform's role, bounded in time and shielded from what a tenant may have left in a database.
 *
 * @param version decides which shields the server has
 * @param address where the server listens for the platform
 * @param timeout for the connection and for each statement
 */
record PlatformConnections(PostgresqlVersion version, AdminAddress address, Duration timeout) {
    Connection open(String database) {
        if (!(address instanceof AdminAddress.Unix unix)) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED,
                    "administration over TCP needs the platform's client certificate, which is not there yet; "
                            + "reach the member through its Unix socket");
        }
        Properties properties = new Properties();
        PGProperty.USER.set(properties, AccessFiles.PLATFORM_ROLE);
        PGProperty.PG_DBNAME.set(properties, database);
        PGProperty.SOCKET_FACTORY.set(properties, AFUNIXSocketFactory.FactoryArg.class.getName());
        PGProperty.SOCKET_FACTORY_ARG.set(properties, unix.socket().toString());
        PGProperty.SSL_MODE.set(properties, "disable");
        PGProperty.GSS_ENC_MODE.set(properties, "disable");
        PGProperty.APPLICATION_NAME.set(properties, "tenon");
        // Names the oldest supported server, so that the session's settings travel with the first message.
        PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "14");
        int seconds = (int) Math.max(1, Math.min(Integer.MAX_VALUE, (timeout.toMillis() + 999) / 1_000));
        PGProperty.CONNECT_TIMEOUT.set(properties, seconds);
        // The server's own limit comes first; the socket's only when the server is stuck.
        PGProperty.SOCKET_TIMEOUT.set(properties, seconds + 1);
        PGProperty.LOG_SERVER_ERROR_DETAIL.set(properties, false);
        PGProperty.OPTIONS.set(properties, options());
        try {
            Connection connection = new Driver().connect("jdbc:postgresql://localhost/", properties);
            if (connection == null) {
                throw new IllegalStateException("the driver does not know its own URL");
            }
            return connection;
        } catch (SQLException e) {
            throw SqlFailures.wrap("connect to database " + database, e);
        }
    }

    /**
     * The platform is superuser, so nothing a tenant made may run in its sessions: names resolve to the catalogue only, triggers and
     * event triggers are off, and what a tenant set for its database (role, read-only, …) does not apply. Statements that carry a
     * password's verifier stay out of the server's log.
     */
    private String options() {
        StringBuilder options = new StringBuilder();
        option(options, "search_path", "pg_catalog,pg_temp");
        option(options, "role", "none");
        option(options, "session_replication_role", "replica");
        if (version.atLeast(PostgresqlVersion.V17)) {
            option(options, "event_triggers", "off");
        }
        option(options, "default_transaction_read_only", "off");
        option(
                options,
                "statement_timeout",
                Long.toString(Math.max(1, Math.min(timeout.toMillis(), Integer.MAX_VALUE))));
        option(options, "lock_timeout", "0");
        option(options, "idle_in_transaction_session_timeout", "0");
        option(options, "log_statement", "none");
        option(options, "log_min_error_statement", "panic");
        option(options, "log_min_duration_statement", "-1");
        option(options, "log_min_duration_sample", "-1");
        option(options, "log_transaction_sample_rate", "0");
        option(options, "log_duration", "off");
        return options.toString();
    }

    private static void option(StringBuilder options, String name, String value) {
        options.append(options.isEmpty() ? "" : " ")
                .append("-c ")
                .append(name)
                .append('=')
                .append(value);
    }
}
