package dev.tenon.api;

import java.util.Map;
import java.util.Optional;

/**
 * How clients connect. Holds no password.
 *
 * @param host address or name
 * @param port number; stays the same for the instance's life
 * @param database the first database
 * @param user the owner
 * @param encrypted whether TLS is on and required
 * @param jdbcUrl for Java, without user and password
 * @param uri the engine's own URI form, with user, without password
 * @param readJdbcUrl as {@code jdbcUrl}, for reads that standbys may serve however far behind they are; where standbys serve reads
 * @param readUri as {@code uri}, for the same
 * @param authorityPem certificate of the private authority that signed the server's, for clients that verify
 * @param snippets ready to paste, by client: {@code psql}, {@code java}, {@code python}, …
 */
public record Endpoint(
        String host,
        int port,
        String database,
        String user,
        boolean encrypted,
        String jdbcUrl,
        String uri,
        Optional<String> readJdbcUrl,
        Optional<String> readUri,
        Optional<String> authorityPem,
        Map<String, String> snippets) {}
