package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonBuilder;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.User;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;

/** A real server on a real socket, in front of a real control plane whose place and engine are simulated. */
public final class TestServer implements AutoCloseable {
    public static final String PASSWORD = "correct horse battery";
    public static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Path directory;
    private final SimulatedPlace place;
    private final Clock clock;
    private final Server server;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private String adminToken = "";

    private TestServer(
            Path directory, SimulatedPlace place, UnaryOperator<TenonBuilder> more, Hosts hosts, Clock clock) {
        this.directory = directory;
        this.place = place;
        this.clock = clock;
        ServerSettings settings = ServerSettings.builder()
                .directory(directory)
                .port(0)
                .adminPassword(Secret.of(PASSWORD))
                .build();
        Tenon tenon = more.apply(Tenon.builder()
                        .directory(directory)
                        .delivery(SimulatedDelivery.on(place))
                        .engine(SimulatedEngine.on(place)))
                .build();
        this.server = Server.start(settings, tenon, hosts, clock, System::nanoTime, new SecureRandom());
    }

    public static TestServer start(Path directory) {
        return start(directory, SimulatedPlace.create());
    }

    public static TestServer start(Path directory, Clock clock) {
        return new TestServer(directory, SimulatedPlace.create(), b -> b, Hosts.NONE, clock);
    }

    public static TestServer start(Path directory, SimulatedPlace place) {
        return new TestServer(directory, place, b -> b, Hosts.NONE, Clock.systemUTC());
    }

    /** Starts one on a place of its own, whose control plane lets a tenant have only so many unfinished operations. */
    public static TestServer start(Path directory, SimulatedPlace place, int maxQueuedPerTenant) {
        return new TestServer(
                directory, place, b -> b.maxQueuedPerTenant(maxQueuedPerTenant), Hosts.NONE, Clock.systemUTC());
    }

    /** Starts one that has hosts besides its simulated place. */
    public static TestServer start(Path directory, Hosts hosts) {
        return new TestServer(directory, SimulatedPlace.create(), b -> b, hosts, Clock.systemUTC());
    }

    /** Ends this server and starts the next one on the same directory and place. */
    public TestServer restart() {
        close();
        return new TestServer(directory, place, b -> b, Hosts.NONE, clock);
    }

    public SimulatedPlace place() {
        return place;
    }

    public int port() {
        return server.port();
    }

    public Server server() {
        return server;
    }

    /** Logs admin in once and keeps the token. */
    public String admin() {
        if (adminToken.isEmpty()) {
            adminToken = logIn("admin", PASSWORD);
        }
        return adminToken;
    }

    public String logIn(String user, String password) {
        Answer answer = request("POST", "/v1/login", "")
                .json("{\"user\":\"" + user + "\",\"password\":\"" + password + "\"}")
                .send();
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.body().get("token").textValue();
    }

    /** Makes a tenant and returns its id. */
    public String tenant(String name) {
        return made("{\"name\":\"" + name + "\"}");
    }

    /** Makes a tenant that may have so many instances and returns its id. */
    public String tenant(String name, int instances) {
        return made(
                "{\"name\":\"" + name + "\",\"quota\":{\"cpus\":100000,\"memory\":\"1024TiB\",\"storage\":\"1024TiB\","
                        + "\"instances\":" + instances + "}}");
    }

    private String made(String spec) {
        Answer answer = request("POST", "/v1/tenants", admin()).json(spec).send();
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.body().get("id").textValue();
    }

    /** Makes a member of a tenant and logs it in. */
    public String member(String name, String tenant) {
        server.users().add(new User(name, Role.MEMBER, Optional.of(new TenantId(tenant))), Secret.of(PASSWORD));
        return logIn(name, PASSWORD);
    }

    /** Makes an instance, waits until it is delivered and returns its id. */
    public String instance(String tenant, String name) {
        Answer created = request("POST", "/v1/tenants/" + tenant + "/instances", admin())
                .json(spec(name))
                .send();
        assertThat(created.status()).as(created.text()).isEqualTo(202);
        done(created);
        return created.body().get("instance").textValue();
    }

    public static String spec(String name) {
        return "{\"name\":\"" + name + "\",\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\"}";
    }

    /** Follows the operation of an answer until it succeeded. */
    public Answer done(Answer accepted) {
        String at = accepted.header("Location");
        Answer[] last = new Answer[1];
        until("operation at " + at + " is done", () -> {
            last[0] = request("GET", at, admin()).send();
            return last[0].body().get("state").textValue().equals("SUCCEEDED");
        });
        return last[0];
    }

    /** Waits for something. */
    public static void until(String what, BooleanSupplier condition) {
        Awaitility.await(what)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .pollInSameThread()
                .until(condition::getAsBoolean);
    }

    public Call request(String method, String path, String token) {
        return new Call(method, path, token);
    }

    @Override
    public void close() {
        server.close();
    }

    /** One request being put together. */
    public final class Call {
        private final HttpRequest.Builder builder;
        private final String method;
        private HttpRequest.BodyPublisher body = BodyPublishers.noBody();

        private Call(String method, String path, String token) {
            this.method = method;
            this.builder = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
                    .timeout(Duration.ofSeconds(30));
            if (!token.isEmpty()) {
                builder.header("Authorization", "Bearer " + token);
            }
        }

        public Call header(String name, String value) {
            builder.header(name, value);
            return this;
        }

        public Call json(String text) {
            return header("Content-Type", "application/json").body(BodyPublishers.ofString(text));
        }

        public Call body(HttpRequest.BodyPublisher publisher) {
            body = publisher;
            return this;
        }

        public Answer send() {
            try {
                return new Answer(http.send(builder.method(method, body).build(), BodyHandlers.ofString()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }

    /** What came back. */
    public record Answer(HttpResponse<String> response) {
        public int status() {
            return response.statusCode();
        }

        public String text() {
            return response.body();
        }

        public String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        public JsonNode body() {
            try {
                return JSON.readTree(text());
            } catch (JsonProcessingException e) {
                throw new AssertionError("not JSON: " + text(), e);
            }
        }

        public JsonNode at(String pointer) {
            return body().at(pointer);
        }

        /** Checks that this is a problem as documented, and returns its code. */
        public String code() {
            assertThat(header("Content-Type")).as(text()).isEqualTo("application/problem+json");
            JsonNode problem = body();
            assertThat(problem.get("status").intValue()).isEqualTo(status());
            assertThat(text()).doesNotContain("\tat ", "Exception", "dev.tenon.", PASSWORD);
            return problem.get("code").textValue();
        }
    }
}
