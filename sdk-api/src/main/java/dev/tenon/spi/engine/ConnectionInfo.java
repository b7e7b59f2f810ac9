package dev.tenon.spi.engine;

import java.util.Map;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * How clients connect.
 *
 * @param jdbcUrl without user and password
 * @param uri the engine's own URI form, with user, without password
 * @param snippets by client or language, such as {@code psql}, {@code java}, {@code python}
 * @param dataSource makes an unpooled source from a password
 */
public record ConnectionInfo(
        String jdbcUrl,
        String uri,
        Map<String, String> snippets,
        Function<dev.tenon.api.Secret, DataSource> dataSource) {
    /** Copies the map. */
    public ConnectionInfo {
        snippets = Map.copyOf(snippets);
    }
}
