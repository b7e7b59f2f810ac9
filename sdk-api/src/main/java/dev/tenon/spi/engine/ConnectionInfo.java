package dev.tenon.spi.engine;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * How clients connect.
 *
 * @param jdbcUrl without user and password
 * @param uri the engine's own URI form, with user, without password
 * @param snippets by client or language, such as {@code psql}, {@code java}, {@code python}
 * @param dataSource makes an unpooled source from a password
 * @param readers how clients reach the standbys, where those serve reads
 */
public record ConnectionInfo(
        String jdbcUrl,
        String uri,
        Map<String, String> snippets,
        Function<dev.tenon.api.Secret, DataSource> dataSource,
        Optional<Readers> readers) {
    /**
     * How clients read from standbys.
     *
     * @param jdbcUrl prefers standbys and takes the primary where there is none; without user and password
     * @param uri the same in the engine's own URI form, with user, without password
     * @param dataSource makes an unpooled source of connections to standbys alone
     * @param freshness tells which standby may serve
     */
    public record Readers(
            String jdbcUrl, String uri, Function<dev.tenon.api.Secret, DataSource> dataSource, Freshness freshness) {}

    /** Knows how far behind a standby is. */
    @FunctionalInterface
    public interface Freshness {
        /**
         * Returns whether a standby has everything that was committed a while ago; no transaction is open on either connection, before
         * and after.
         *
         * @param staleness how long ago; zero asks for everything committed before the call
         * @throws SQLException if one of the two does not answer
         */
        boolean within(Connection primary, Connection standby, Duration staleness) throws SQLException;
    }

    /** Creates one of an instance whose standbys serve nothing. */
    public ConnectionInfo(
            String jdbcUrl,
            String uri,
            Map<String, String> snippets,
            Function<dev.tenon.api.Secret, DataSource> dataSource) {
        this(jdbcUrl, uri, snippets, dataSource, Optional.empty());
    }

    /** Copies the map. */
    public ConnectionInfo {
        snippets = Map.copyOf(snippets);
    }
}
