package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.server.ServerProcess.Ended;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The process that {@code ./tenon up} starts: how it begins, ends, and what it finds when it comes back. */
@Timeout(300)
class ServerProcessIT {
    private static final int TERMINATED = 128 + 15;

    @TempDir
    Path parent;

    /** How to reach the demo database from outside. */
    private record Database(String url, String user, String password) {
        static Database demo(ServerProcess server) throws Exception {
            String token = server.token();
            String tenant = server.get("v1/tenants", token).at("/items/0/id").textValue();
            String path = "v1/tenants/" + tenant + "/instances";
            JsonNode instance = server.get(path, token).at("/items/0");
            path += "/" + instance.get("id").textValue();
            JsonNode credential = server.get(path + "/credential", token);
            return new Database(
                    server.get(path, token).at("/endpoint/jdbcUrl").textValue(),
                    credential.get("user").textValue(),
                    credential.get("password").textValue());
        }

        /** Answers when the server process that answers was started. */
        String startedAt() throws SQLException {
            try (Connection connection = DriverManager.getConnection(url, user, password);
                    Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT pg_postmaster_start_time()::text")) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    @Test
    void server_endedOrKilled_leavesDatabasesRunningAndFindsThemAgain() throws Exception {
        Path home = ServerProcess.home(parent);
        try {
            ServerProcess server = ServerProcess.start(home, "--demo");
            assertThat(server.get("health", "").get("status").textValue()).isEqualTo("up");
            Database demo = Database.demo(server);
            String begun = demo.startedAt();

            server.terminate();
            assertThat(server.awaitEnd()).isEqualTo(TERMINATED);
            assertThat(demo.startedAt()).isEqualTo(begun);

            ServerProcess next = ServerProcess.start(home, "--demo");
            assertThat(Database.demo(next)).isEqualTo(demo);
            next.kill();
            assertThat(demo.startedAt()).isEqualTo(begun);

            ServerProcess last = ServerProcess.start(home, "--demo");
            assertThat(Database.demo(last)).isEqualTo(demo);
            assertThat(demo.startedAt()).isEqualTo(begun);
            last.terminate();
            last.awaitEnd();

            Ended stopped = ServerProcess.stopDatabases(home);
            assertThat(stopped.code()).as(stopped.output()).isZero();
            assertThatThrownBy(demo::startedAt).isInstanceOf(SQLException.class);

            try (ServerProcess again = ServerProcess.start(home, "--demo")) {
                TestServer.until("the database is started by the server that begins", () -> {
                    try {
                        return !demo.startedAt().equals(begun);
                    } catch (SQLException e) {
                        return false;
                    }
                });
                assertThat(Database.demo(again)).isEqualTo(demo);
            }
        } finally {
            ServerProcess.stopDatabases(home);
        }
    }

    @Test
    void terminate_withOpenRequestsAndStreams_answersThemFirst() throws Exception {
        try (ServerProcess server = ServerProcess.start(ServerProcess.home(parent));
                RawHttp raw = new RawHttp(server.port())) {
            String token = server.token();
            InputStream stream = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create(server.url() + "v1/events/stream"))
                                    .header("Authorization", "Bearer " + token)
                                    .build(),
                            BodyHandlers.ofInputStream())
                    .body();
            String body = "{\"name\":\"late\"}";
            raw.send("POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token
                    + "\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " + body.length()
                    + "\r\n\r\n");
            // The server reads the body: the request is under way.
            assertThat(RawHttp.status(raw.answer())).isEqualTo(100);

            server.terminate();
            stream.readAllBytes();
            assertThat(server.alive()).isTrue();
            raw.send(body);

            assertThat(RawHttp.status(raw.answer())).isEqualTo(201);
            assertThat(server.awaitEnd()).isEqualTo(TERMINATED);
        }
    }

    @Test
    void secondServer_onTheSameDirectory_isRefusedAndTheFirstGoesOn() throws Exception {
        Path home = ServerProcess.home(parent);
        try (ServerProcess first = ServerProcess.start(home)) {
            Ended second = ServerProcess.run("--directory", home.toString(), "--port", "0");

            assertThat(second.code()).isEqualTo(2);
            assertThat(second.output())
                    .contains("tenon: STORE_LOCKED: ", home.toString())
                    .doesNotContain("\tat ");
            assertThat(first.get("health", "").get("status").textValue()).isEqualTo("up");

            Path other = Files.createDirectory(parent.resolve("other"));
            Ended third = ServerProcess.run("--directory", other.toString(), "--port", Integer.toString(first.port()));
            assertThat(third.code()).isEqualTo(2);
            assertThat(third.output()).contains("tenon: PORT_TAKEN: ", "--port").doesNotContain("\tat ");
        }
    }

    @Test
    void resetAdminPassword_isKnownToTheNextServer() throws Exception {
        Path home = ServerProcess.home(parent);
        ServerProcess first = ServerProcess.start(home);
        assertThat(first.logIn(ServerProcess.PASSWORD).has("token")).isTrue();
        first.terminate();
        first.awaitEnd();

        Ended reset = ServerProcess.run("--directory", home.toString(), "--reset-admin-password");

        assertThat(reset.code()).as(reset.output()).isZero();
        Matcher shown = Pattern.compile("admin has the password (\\S+);").matcher(reset.output());
        assertThat(shown.find()).as(reset.output()).isTrue();
        try (ServerProcess next = ServerProcess.start(home)) {
            assertThat(next.logIn(ServerProcess.PASSWORD).get("code").textValue())
                    .isEqualTo("UNAUTHENTICATED");
            assertThat(next.logIn(shown.group(1)).has("token")).isTrue();
        }
    }

    @Test
    void warmUp_endsAndLeavesNothing() throws Exception {
        Ended ended = ServerProcess.run("--warm-up");

        assertThat(ended.code()).as(ended.output()).isZero();
        try (Stream<Path> left = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            assertThat(left.map(p -> p.getFileName().toString())).noneMatch(name -> name.startsWith("tenon-warm-up-"));
        }
    }
}
