package dev.tenon.engine.dm8;

import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What clients need to connect. DM8 has no database name in its URL and no URI form beside JDBC's. */
final class Dm8Connection {
    private Dm8Connection() {}

    static ConnectionInfo info(ClientEndpoint endpoint, String schema, String user) {
        String host = endpoint.host().indexOf(':') >= 0 ? "[" + endpoint.host() + "]" : endpoint.host();
        String url = "jdbc:dm://" + host + ":" + endpoint.port() + "?schema="
                + URLEncoder.encode(schema, StandardCharsets.UTF_8);
        // Without a password disql asks for it, so it stays out of the shell's history.
        String disql = "disql " + user + "@" + host + ":" + endpoint.port();
        String java = "DriverManager.getConnection(\"" + url + "\", \"" + user + "\", password)";
        return new ConnectionInfo(
                url, url, Map.of("disql", disql, "java", java), secret -> new Dm8DataSource(url, user, secret));
    }
}
