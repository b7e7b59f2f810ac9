package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tenon.server.TestServer.Answer;
import dev.tenon.server.http.Bodies;
import dev.tenon.server.http.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests that are wrong below the level of any resource. Numbers are rows of the table of bad inputs. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TransportIT {
    private TestServer server;
    private String tenant;

    @BeforeAll
    void start(@TempDir Path directory) {
        server = TestServer.start(directory);
        tenant = server.tenant("shop");
    }

    @AfterAll
    void stop() {
        server.close();
    }

    static Stream<Arguments> hostileJson() {
        return Stream.of(
                Arguments.of(17, "depth 10,000", "{\"tags\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}"),
                Arguments.of(17, "depth of objects", "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000)),
                Arguments.of(17, "half a million elements", "{\"whitelist\":[" + "1,".repeat(499_000) + "1]}"),
                Arguments.of(17, "number of a million digits", "{\"name\":" + "9".repeat(1_000_000) + "}"),
                Arguments.of(17, "fraction of a million digits", "{\"name\":0." + "9".repeat(1_000_000) + "}"),
                Arguments.of(17, "exponent of a million", "{\"resources\":{\"cpus\":1e999999}}"),
                Arguments.of(17, "text of a million characters", "{\"name\":\"" + "x".repeat(1_000_000) + "\"}"),
                Arguments.of(17, "key of 100,000 characters", "{\"" + "x".repeat(100_000) + "\":1}"));
    }

    @ParameterizedTest(name = "row {0}: JSON, {1}")
    @MethodSource("hostileJson")
    void post_hostileJson_isRefused(int row, String what, String body) {
        Answer answer = create().json(body).send();

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isIn("REQUEST_INVALID", "NAME_INVALID", "SIZE_INVALID", "CIDR_INVALID");
    }

    @ParameterizedTest(name = "row {0}: cost of JSON, {1}")
    @MethodSource("hostileJson")
    void parse_hostileJson_isCheap(int row, String what, String body) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Bodies bodies = new Bodies(Json.mapper(), System::nanoTime);
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        LongSupplier parse = () -> {
            long cpu = threads.getCurrentThreadCpuTime();
            assertThat(org.assertj.core.api.Assertions.catchThrowable(() ->
                            bodies.value(bodies.object("application/json", content), dev.tenon.api.InstanceSpec.class)))
                    .isInstanceOf(RuntimeException.class);
            return threads.getCurrentThreadCpuTime() - cpu;
        };
        for (int i = 0; i < 20; i++) {
            assertThat(parse.getAsLong()).isPositive();
        }
        long thread = Thread.currentThread().getId();
        long allocated = threads.getThreadAllocatedBytes(thread);

        long nanos = parse.getAsLong();

        assertThat(nanos).isLessThan(50_000_000);
        assertThat(threads.getThreadAllocatedBytes(thread) - allocated).isLessThan(16L << 20);
    }

    @Test
    void row18_bodyTooLarge_isRefusedBeforeItIsRead() throws IOException {
        try (RawHttp raw = new RawHttp(server.port())) {
            raw.send(head("POST", "application/json") + "Content-Length: 1073741824\r\n\r\n{");

            assertThat(RawHttp.status(raw.answer())).isEqualTo(413);
            assertThat(raw.closed()).isTrue();
        }
    }

    @Test
    void row18_endlessChunks_areCutOff() throws IOException {
        try (RawHttp raw = new RawHttp(server.port())) {
            raw.send(head("POST", "application/json") + "Transfer-Encoding: chunked\r\n\r\n");
            byte[] chunk = ("10000\r\n" + "x".repeat(65_536) + "\r\n").getBytes(StandardCharsets.US_ASCII);
            int sent = 0;
            try {
                while (sent < 1_024) {
                    raw.send(chunk);
                    sent++;
                }
            } catch (IOException closed) {
                assertThat(closed).hasMessageMatching("(?i).*(broken pipe|reset|closed|abort).*");
            }

            String answer = raw.answer();

            // The other side may close so early that its answer is lost on the way; what counts is that it stops
            // reading.
            assertThat(RawHttp.status(answer)).isIn(413, 0);
            assertThat(sent).isLessThan(1_024);
        }
    }

    @Test
    void row18_bodyDripsOneByteASecond_isEndedInTime() throws Exception {
        long begun = System.nanoTime();
        try (RawHttp raw = new RawHttp(server.port())) {
            raw.send(head("POST", "application/json") + "Content-Length: 1000\r\n\r\n");
            Thread drip = new Thread(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        raw.send("{");
                        // The attacker's clock, not the test's: the test waits for the answer.
                        java.util.concurrent.locks.LockSupport.parkNanos(1_000_000_000L);
                    }
                } catch (IOException e) {
                    Thread.currentThread().interrupt();
                }
            });
            drip.start();

            String answer = raw.answer();
            drip.interrupt();
            drip.join();

            assertThat(RawHttp.status(answer)).isIn(408, 0);
            assertThat(System.nanoTime() - begun).isLessThan(30_000_000_000L);
        }
    }

    @Test
    void row18_headersDrip_connectionIsClosed() throws Exception {
        try (RawHttp raw = new RawHttp(server.port())) {
            raw.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ");
            Thread drip = new Thread(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        raw.send("a");
                        java.util.concurrent.locks.LockSupport.parkNanos(1_000_000_000L);
                    }
                } catch (IOException e) {
                    Thread.currentThread().interrupt();
                }
            });
            drip.start();

            boolean closed = raw.closed();
            drip.interrupt();
            drip.join();

            assertThat(closed).isTrue();
        }
    }

    @Test
    void row19_gzip_isNotAccepted() throws IOException {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bomb)) {
            gzip.write(new byte[10 << 20]);
        }

        Answer answer = create().header("Content-Type", "application/json")
                .header("Content-Encoding", "gzip")
                .body(BodyPublishers.ofByteArray(bomb.toByteArray()))
                .send();

        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.code()).isEqualTo("REQUEST_INVALID");
    }

    static Stream<Arguments> types() {
        byte[] json = TestServer.spec("x").getBytes(StandardCharsets.UTF_8);
        byte[] overlong = {'{', '"', 'a', (byte) 0xC0, (byte) 0xAF, '"', ':', '1', '}'};
        byte[] broken = {'{', '"', (byte) 0xFF, '"', ':', '1', '}'};
        byte[] marked = ("\uFEFF" + TestServer.spec("x")).getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                Arguments.of(20, "text", "text/plain", json, 415),
                Arguments.of(20, "form", "application/x-www-form-urlencoded", json, 415),
                Arguments.of(20, "merge patch", "application/merge-patch+json", json, 415),
                Arguments.of(20, "UTF-7", "application/json; charset=utf-7", json, 415),
                Arguments.of(20, "UTF-16 said", "application/json; charset=utf-16", json, 415),
                Arguments.of(20, "nothing", "", json, 415),
                Arguments.of(
                        20,
                        "UTF-16 not said",
                        "application/json",
                        TestServer.spec("x").getBytes(StandardCharsets.UTF_16BE),
                        400),
                Arguments.of(20, "byte order mark", "application/json", marked, 400),
                Arguments.of(20, "invalid UTF-8", "application/json", broken, 400),
                Arguments.of(20, "overlong UTF-8", "application/json", overlong, 400));
    }

    @ParameterizedTest(name = "row {0}: type, {1}")
    @MethodSource("types")
    void post_wrongType_isRefused(int row, String what, String type, byte[] body, int status) {
        TestServer.Call call = create().body(BodyPublishers.ofByteArray(body));
        if (!type.isEmpty()) {
            call.header("Content-Type", type);
        }

        Answer answer = call.send();

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.code()).isEqualTo("REQUEST_INVALID");
    }

    static Stream<Arguments> rawRequests() {
        String get = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
        StringBuilder many = new StringBuilder(get);
        for (int i = 0; i < 10_000; i++) {
            many.append("X-").append(i).append(": y\r\n");
        }
        return Stream.of(
                Arguments.of(21, "header of 1 MB", get + "X-A: " + "a".repeat(1 << 20) + "\r\n\r\n", 431),
                Arguments.of(21, "10,000 headers", many + "\r\n", 431),
                Arguments.of(21, "bare LF in header", get + "X-A: a\nX-B: b\u0001\r\n\r\n", 400),
                Arguments.of(21, "header without colon", get + "no colon here\r\n\r\n", 400),
                Arguments.of(
                        21,
                        "two lengths",
                        "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                        400),
                Arguments.of(
                        21,
                        "length and chunks",
                        "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
                        400),
                Arguments.of(21, "no host", "GET /health HTTP/1.1\r\n\r\n", 400),
                Arguments.of(21, "two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
                Arguments.of(22, "NUL", path("/v1/tenants/%00"), 400),
                Arguments.of(22, "encoded slash", path("/v1/tenants/a%2fb"), 400),
                Arguments.of(22, "encoded parent", path("/v1/%2e%2e/metrics"), 400),
                Arguments.of(22, "parent", path("/v1/../metrics"), 401),
                Arguments.of(22, "parameter", path("/v1/me;x=/metrics"), 401),
                Arguments.of(22, "double slash", path("//v1//me"), 400),
                Arguments.of(22, "encoded percent", path("/v1/tenants/%25%32%66"), 401),
                Arguments.of(22, "bad escape", path("/v1/tenants/%zz"), 400),
                Arguments.of(22, "overlong encoding", path("/v1/tenants/%c0%ae%c0%ae"), 400),
                Arguments.of(22, "absolute address", "GET http://elsewhere/v1/me HTTP/1.1\r\nHost: a\r\n\r\n", 401));
    }

    @ParameterizedTest(name = "row {0}: raw, {1}")
    @MethodSource("rawRequests")
    void raw_request_isRefused(int row, String what, String request, int status) throws IOException {
        try (RawHttp raw = new RawHttp(server.port())) {
            String answer;
            try {
                answer = raw.send(request).answer();
            } catch (IOException closedWhileSending) {
                answer = raw.answer();
            }

            // Each is refused; which of the refusals is the container's choice where the request is ambiguous.
            assertThat(RawHttp.status(answer)).as(answer).isIn(status, 400, 401, 404);
            assertThat(answer).doesNotContain("Exception", "jetty", "\tat ");
        }
    }

    @Test
    void unknownPath_answersWithAProblem() {
        Answer answer = server.request("GET", "/v1/nonsense", server.admin()).send();

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("NOT_FOUND");
    }

    @Test
    void unknownMethod_answersWithAProblem() {
        Answer answer = server.request("DELETE", "/v1/me", server.admin()).send();

        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.code()).isEqualTo("REQUEST_INVALID");
    }

    @Test
    void everyAnswer_hasTheSecurityHeaders() {
        for (String path : new String[] {"/health", "/v1/me", "/v1/nonsense", "/openapi.json"}) {
            Answer answer = server.request("GET", path, "").send();

            assertThat(answer.header("Content-Security-Policy"))
                    .as(path)
                    .contains("default-src 'none'")
                    .doesNotContain("unsafe");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("X-Frame-Options")).isEqualTo("DENY");
            assertThat(answer.header("Server")).isEmpty();
        }
    }

    private TestServer.Call create() {
        return server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin());
    }

    private String head(String method, String type) {
        return method + " /v1/tenants/" + tenant + "/instances HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + server.admin() + "\r\nContent-Type: " + type + "\r\n";
    }

    private static String path(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
}
