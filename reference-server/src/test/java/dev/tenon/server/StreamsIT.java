package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Server-sent events: progress of an operation, events from where a reader left off. */
@Timeout(60)
class StreamsIT extends OneTenant {
    private record Sent(String id, String type, String data) {}

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void operation_isFollowedUntilItIsDone() throws Exception {
        Answer created = server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .json(TestServer.spec("orders"))
                .send();

        List<Sent> sent = read(created.header("Location") + "/stream", "", Integer.MAX_VALUE);

        assertThat(sent).isNotEmpty().allMatch(s -> s.type().equals("operation"));
        assertThat(TestServer.JSON
                        .readTree(sent.get(sent.size() - 1).data())
                        .get("state")
                        .textValue())
                .isEqualTo("SUCCEEDED");
        assertThat(sent.stream().map(s -> Long.parseLong(s.id()))).isSorted();
    }

    @Test
    void finishedOperation_isSentOnceAndEnds() throws Exception {
        Answer created = server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .json(TestServer.spec("orders"))
                .send();
        server.done(created);

        List<Sent> sent = read(created.header("Location") + "/stream", "", Integer.MAX_VALUE);

        assertThat(sent).hasSize(1);
    }

    @Test
    void events_areResumedAfterTheLastOneSeen() throws Exception {
        server.instance(tenant, "orders");
        List<Sent> all = read("/v1/tenants/" + tenant + "/events/stream", "0", 3);

        List<Sent> rest =
                read("/v1/tenants/" + tenant + "/events/stream", all.get(0).id(), 2);

        assertThat(all).hasSize(3).allMatch(s -> s.type().equals("event"));
        assertThat(rest).containsExactly(all.get(1), all.get(2));
    }

    @Test
    void events_ofTheOtherTenant_areNotSent() throws Exception {
        String other = server.tenant("bank");
        String hidden = server.instance(other, "ledger");
        String own = server.instance(tenant, "orders");

        List<Sent> sent = read("/v1/tenants/" + tenant + "/events/stream", "0", 2);

        assertThat(sent).allMatch(s -> s.data().contains(tenant) && !s.data().contains(hidden));
        assertThat(sent.toString()).contains(own);
    }

    @Test
    void badLastEventId_isRefused() {
        Answer answer = server.request("GET", "/v1/tenants/" + tenant + "/events/stream", server.admin())
                .header("Last-Event-ID", "1 OR 1=1")
                .send();

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("REQUEST_INVALID");
    }

    @Test
    void serverCloses_streamsEnd() throws Exception {
        HttpResponse<java.io.InputStream> response = open("/v1/events/stream", "");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");

        server.close();

        try (java.io.InputStream in = response.body()) {
            assertThat(in.readAllBytes()).isNotNull();
        } catch (IOException ended) {
            assertThat(ended).hasMessageMatching("(?i).*(closed|eof|reset).*");
        }
        server = server.restart();
    }

    private HttpResponse<java.io.InputStream> open(String path, String lastEventId) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .timeout(Duration.ofSeconds(30))
                .header("Authorization", "Bearer " + server.admin());
        if (!lastEventId.isEmpty()) {
            request.header("Last-Event-ID", lastEventId);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private List<Sent> read(String path, String lastEventId, int max) throws Exception {
        HttpResponse<java.io.InputStream> response = open(path, lastEventId);
        assertThat(response.statusCode()).isEqualTo(200);
        List<Sent> sent = new ArrayList<>();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            String id = "";
            String type = "";
            for (String line = lines.readLine(); line != null && sent.size() < max; line = lines.readLine()) {
                if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("event: ")) {
                    type = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    sent.add(new Sent(id, type, line.substring(6)));
                    if (sent.size() >= max) {
                        break;
                    }
                }
            }
        }
        return sent;
    }
}
