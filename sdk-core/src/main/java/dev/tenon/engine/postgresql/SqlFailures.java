package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.util.Objects;
import java.util.stream.Stream;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Turns the driver's failures into ours.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL: error codes</a>
 */
final class SqlFailures {
    private SqlFailures() {}

    static ProviderException wrap(String action, SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        return new ProviderException(
                silent(e) ? ErrorCode.TIMEOUT : code(state),
                "PostgreSQL: could not " + action + ": " + words(e, state),
                e);
    }

    /** The driver reports an answer that did not come as a broken connection. */
    private static boolean silent(SQLException e) {
        return Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause)
                .anyMatch(SocketTimeoutException.class::isInstance);
    }

    private static ErrorCode code(String state) {
        if (state.equals("57014") || state.equals("55P03")) {
            return ErrorCode.TIMEOUT;
        }
        if (state.equals("53100")) {
            return ErrorCode.DISK_FULL;
        }
        // 08: connection; 53300: too many connections; 57P: shutting down, starting up.
        if (state.startsWith("08") || state.equals("53300") || state.startsWith("57P")) {
            return ErrorCode.PROVIDER_UNAVAILABLE;
        }
        return ErrorCode.PROVIDER_FAILED;
    }

    /** The primary message only: details and context may quote statements and rows. */
    private static String words(SQLException e, String state) {
        ServerErrorMessage server = e instanceof PSQLException psql ? psql.getServerErrorMessage() : null;
        String message = server != null ? server.getMessage() : e.getMessage();
        return (message == null ? e.getClass().getSimpleName() : message) + (state.isEmpty() ? "" : " (" + state + ")");
    }
}
