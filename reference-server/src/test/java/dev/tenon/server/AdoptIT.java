package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.testkit.ssh.SshContainer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;

/** A server that was started without hosts gets its first one over REST, and finds it again after kill -9. */
@Timeout(300)
@EnabledIf("docker")
class AdoptIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final SshContainer container = new SshContainer();

    @TempDir
    Path parent;

    static boolean docker() {
        return DockerClientFactory.instance().isDockerAvailable();
    }

    @BeforeEach
    void open() {
        container.start();
    }

    @AfterEach
    void close() {
        container.stop();
    }

    private String body() {
        HostSpec.Builder builder = HostSpec.builder();
        container.as("db1", "a", "root").accept(builder);
        HostSpec spec = builder.build();
        ObjectNode body = new ObjectMapper().createObjectNode();
        body.put("name", spec.name()).put("zone", spec.zone()).put("address", spec.address());
        body.put("privateKey", spec.privateKey().orElseThrow().<String>reveal(key -> key));
        spec.hostKeys().forEach(body.withArray("hostKeys")::add);
        return body.toString();
    }

    private static JsonNode create(ServerProcess server, String token, String tenant) throws Exception {
        return server.send(
                "POST",
                "v1/tenants/" + tenant + "/instances",
                token,
                "{\"name\":\"orders\",\"engine\":\"postgresql\",\"version\":\"17\",\"delivery\":\"hosts\","
                        + "\"resources\":{\"cpus\":0.1,\"memory\":\"256MiB\",\"storage\":\"1GiB\"}}");
    }

    private static void within(String what, Callable<Boolean> holds) {
        Awaitility.await(what).atMost(PATIENCE).until(holds);
    }

    private List<Path> filesWith(String text) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(parent)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    @Test
    void server_startedWithoutHosts_adoptsOneUsesItAndFindsItAfterItWasKilled() throws Exception {
        Path home = ServerProcess.home(parent);
        String instance;
        ServerProcess first = ServerProcess.start(home);
        try {
            String token = first.token();
            assertThat(first.get("v1/hosts", token).at("/items")).isEmpty();
            String tenant = first.send("POST", "v1/tenants", token, "{\"name\":\"shop\"}")
                    .get("id")
                    .textValue();
            assertThat(create(first, token, tenant).get("code").textValue()).isEqualTo("VERSION_UNKNOWN");

            JsonNode adopted = first.send("POST", "v1/hosts", token, body());
            assertThat(adopted.path("adopted").booleanValue())
                    .as(adopted.toString())
                    .isTrue();
            assertThat(adopted.has("silent")).isFalse();
            within("an order is taken", () -> create(first, token, tenant).has("kind"));
            within("it runs", () -> first.get("v1/tenants/" + tenant + "/instances", token)
                    .at("/items/0/lifecycle/state")
                    .asText()
                    .equals("Active"));
            instance =
                    first.get("v1/hosts/db1", token).at("/members/0/instance").textValue();
            assertThat(instance).startsWith("i-");
        } finally {
            first.kill();
        }
        try (ServerProcess next = ServerProcess.start(home)) {
            String token = next.token();
            JsonNode host = next.get("v1/hosts/db1", token);
            assertThat(host.at("/members/0/instance").textValue()).isEqualTo(instance);
            assertThat(host.has("silent")).isFalse();
            assertThat(next.send("DELETE", "v1/hosts/db1", token, "")
                            .get("code")
                            .textValue())
                    .isEqualTo("NOT_EMPTY");
        }
        assertThat(filesWith("OPENSSH PRIVATE KEY")).isEmpty();
    }
}
