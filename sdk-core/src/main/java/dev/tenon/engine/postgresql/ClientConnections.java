package dev.tenon.engine.postgresql;

import dev.tenon.api.Secret;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.TlsMaterial;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.ssl.SingleCertValidatingFactory;

/** What clients paste to connect. Never holds a password. */
final class ClientConnections {
    private ClientConnections() {}

    static ConnectionInfo describe(EngineRequest request, ClientEndpoint endpoint, String database, String user) {
        boolean encrypted = request.tls().isPresent();
        Optional<String> authority = encrypted ? endpoint.authorityFile() : Optional.empty();
        String mode = encrypted ? "verify-full" : "disable";
        String query = "?sslmode=" + mode
                + authority.map(file -> "&sslrootcert=" + encode(file)).orElse("");
        boolean several = !endpoint.others().isEmpty();
        boolean reads = several && request.topology().kind() == TopologyKind.READ_WRITE_SPLIT;
        String place = targets(endpoint).stream()
                        .map(target -> host(target.host()) + ":" + target.port())
                        .collect(Collectors.joining(","))
                + "/" + encode(database);
        // By default the driver remembers for ten seconds who was no primary: too long after a switch-over.
        String jdbcBase = "jdbc:postgresql://" + place + query;
        String jdbcPatience = "&hostRecheckSeconds=0&connectTimeout=5";
        String jdbc = jdbcBase + (several ? "&targetServerType=primary" + jdbcPatience : "");
        String uriBase = "postgresql://" + encode(user) + "@" + place + query;
        String uri = uriBase + (several ? "&target_session_attrs=read-write&connect_timeout=5" : "");
        return new ConnectionInfo(
                jdbc,
                uri,
                snippets(jdbc, uri, user),
                password -> dataSource(endpoint, database, user, request.tls(), password),
                reads
                        ? Optional.of(new ConnectionInfo.Readers(
                                jdbcBase + "&targetServerType=preferSecondary&loadBalanceHosts=true" + jdbcPatience,
                                uriBase + "&target_session_attrs=prefer-standby&connect_timeout=5",
                                password -> standbys(dataSource(endpoint, database, user, request.tls(), password)),
                                ClientConnections::within))
                        : Optional.empty());
    }

    private static DataSource standbys(PGSimpleDataSource source) {
        source.setTargetServerType("secondary");
        source.setLoadBalanceHosts(true);
        return source;
    }

    /** What was replayed last may be old because nothing was committed since: then the position tells that nothing is missing. */
    private static boolean within(Connection primary, Connection standby, Duration staleness) throws SQLException {
        try {
            String position;
            try (PreparedStatement ask =
                            primary.prepareStatement("SELECT pg_catalog.pg_current_wal_insert_lsn()::text");
                    ResultSet row = ask.executeQuery()) {
                row.next();
                position = row.getString(1);
            }
            try (PreparedStatement ask = standby.prepareStatement("SELECT NOT pg_catalog.pg_is_in_recovery()"
                    + " OR coalesce(pg_catalog.pg_last_wal_replay_lsn() >= ?::pg_catalog.pg_lsn, false)"
                    + " OR coalesce(extract(epoch FROM pg_catalog.clock_timestamp()"
                    + " - pg_catalog.pg_last_xact_replay_timestamp()) <= ?, false)")) {
                ask.setString(1, position);
                ask.setDouble(2, staleness.isZero() ? -1 : staleness.toMillis() / 1_000.0);
                try (ResultSet row = ask.executeQuery()) {
                    row.next();
                    return row.getBoolean(1);
                }
            }
        } finally {
            endQuestions(primary);
            endQuestions(standby);
        }
    }

    private static void endQuestions(Connection connection) throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.rollback();
        }
    }

    /** The password comes from the client's environment ({@code PGPASSWORD}) or its prompt, so that no snippet holds one. */
    private static Map<String, String> snippets(String jdbc, String uri, String user) {
        Map<String, String> snippets = new LinkedHashMap<>();
        snippets.put("psql", "psql '" + uri + "'");
        snippets.put("java", """
                try (Connection c = DriverManager.getConnection(
                        "%s", "%s", System.getenv("PGPASSWORD"))) {
                    // ...
                }""".formatted(jdbc, user));
        snippets.put("python", """
                import os, psycopg
                with psycopg.connect("%s", password=os.environ["PGPASSWORD"]) as conn:
                    print(conn.execute("SELECT version()").fetchone())""".formatted(uri));
        snippets.put("node", """
                import pg from "pg";
                const url = new URL("%s");
                url.password = process.env.PGPASSWORD;
                const client = new pg.Client({ connectionString: url.toString() });
                await client.connect();""".formatted(uri));
        snippets.put("go", """
                // import "github.com/jackc/pgx/v5"; the password is read from PGPASSWORD
                conn, err := pgx.Connect(ctx, "%s")""".formatted(uri));
        return snippets;
    }

    private static PGSimpleDataSource dataSource(
            ClientEndpoint endpoint, String database, String user, Optional<TlsMaterial> tls, Secret password) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        List<ClientEndpoint.Target> targets = targets(endpoint);
        source.setServerNames(targets.stream().map(ClientEndpoint.Target::host).toArray(String[]::new));
        source.setPortNumbers(
                targets.stream().mapToInt(ClientEndpoint.Target::port).toArray());
        if (targets.size() > 1) {
            source.setTargetServerType("primary");
            source.setHostRecheckSeconds(0);
        }
        // A host that is there and says nothing holds nobody up for long who may find another one.
        source.setConnectTimeout(targets.size() > 1 ? 2 : 10);
        source.setDatabaseName(database);
        source.setUser(user);
        source.setPassword(password.reveal(text -> text));
        source.setTcpKeepAlive(true);
        source.setGssEncMode("disable");
        if (tls.isPresent()) {
            source.setSslmode("verify-full");
            source.setSslResponseTimeout(targets.size() > 1 ? 1_000 : 5_000);
            // The authority itself instead of a file: the program may run where the file is not.
            source.setSslfactory(SingleCertValidatingFactory.class.getName());
            source.setSslFactoryArg(tls.get().authorityPem());
        } else {
            source.setSslmode("disable");
        }
        return source;
    }

    private static List<ClientEndpoint.Target> targets(ClientEndpoint endpoint) {
        List<ClientEndpoint.Target> targets = new ArrayList<>(endpoint.others());
        targets.add(0, new ClientEndpoint.Target(endpoint.host(), endpoint.port()));
        return targets;
    }

    private static String host(String host) {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("%2F", "/");
    }
}
