package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows 8 to 10: the same request under the same key happens once, also across a restart. */
class IdempotencyIT extends OneTenant {
    @Test
    void row8_createTwice_isOneOperation() {
        Answer first = create("key-1", TestServer.spec("orders"));
        Answer second = create("key-1", TestServer.spec("orders"));

        assertThat(first.status()).as(first.text()).isEqualTo(202);
        assertThat(second.status()).as(second.text()).isEqualTo(202);
        assertThat(second.body().get("id")).isEqualTo(first.body().get("id"));
        assertThat(second.header("Location")).isEqualTo(first.header("Location"));
        assertThat(instances()).isEqualTo(1);
    }

    @Test
    void row8_createAgainAfterRestart_isTheSameOperation() {
        Answer first = create("key-1", TestServer.spec("orders"));
        server.done(first);

        server = server.restart();
        Answer second = create("key-1", TestServer.spec("orders"));

        assertThat(second.status()).as(second.text()).isEqualTo(202);
        assertThat(second.body().get("id")).isEqualTo(first.body().get("id"));
        assertThat(instances()).isEqualTo(1);
    }

    @Test
    void row8_createAtOnceFromManyThreads_isOneOperation() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            server.admin();
            List<Future<Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                answers.add(threads.submit(() -> create("key-1", TestServer.spec("orders"))));
            }
            List<String> ids = new ArrayList<>();
            for (Future<Answer> answer : answers) {
                assertThat(answer.get().status()).as(answer.get().text()).isEqualTo(202);
                ids.add(answer.get().body().get("id").textValue());
            }
            assertThat(ids.stream().distinct()).hasSize(1);
            assertThat(instances()).isEqualTo(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void row9_sameKeyOtherBody_isRefused() {
        create("key-1", TestServer.spec("orders"));

        Answer other = create("key-1", TestServer.spec("invoices"));

        assertThat(other.status()).isEqualTo(422);
        assertThat(other.code()).isEqualTo("IDEMPOTENCY_MISMATCH");
        assertThat(instances()).isEqualTo(1);
    }

    @Test
    void row9_sameKeyOtherRoute_isRefused() {
        String instance = server.instance(tenant, "orders");
        change(instance, "stop", "key-1");

        Answer other = change(instance, "restart", "key-1");

        assertThat(other.status()).isEqualTo(422);
        assertThat(other.code()).isEqualTo("IDEMPOTENCY_MISMATCH");
    }

    @Test
    void row9_sameKeyOtherPassword_isRefused() {
        String spec = TestServer.spec("orders").replace("}", ",\"password\":\"correct horse battery\"}");
        create("key-1", spec);

        Answer other = create("key-1", spec.replace("battery", "staples"));

        assertThat(other.code()).isEqualTo("IDEMPOTENCY_MISMATCH");
    }

    @Test
    void sameKeyInAnotherTenant_isAnotherRequest() {
        Answer first = create("key-1", TestServer.spec("orders"));
        tenant = server.tenant("bank");

        Answer second = create("key-1", TestServer.spec("orders"));

        assertThat(second.status()).as(second.text()).isEqualTo(202);
        assertThat(second.body().get("id")).isNotEqualTo(first.body().get("id"));
    }

    @Test
    void stopTwice_isOneOperation() {
        String instance = server.instance(tenant, "orders");
        Answer first = change(instance, "stop", "key-1");
        server.done(first);

        Answer second = change(instance, "stop", "key-1");

        assertThat(second.status()).as(second.text()).isEqualTo(202);
        assertThat(second.body().get("id")).isEqualTo(first.body().get("id"));
    }

    @Test
    void purgeTwice_isOneOperationAlthoughTheInstanceIsGone() {
        String instance = server.instance(tenant, "orders");
        server.done(server.request("DELETE", "/v1/tenants/" + tenant + "/instances/" + instance, server.admin())
                .send());
        Answer first = change(instance, "purge", "key-1");
        server.done(first);

        Answer second = change(instance, "purge", "key-1");

        assertThat(second.status()).as(second.text()).isEqualTo(202);
        assertThat(second.body().get("id")).isEqualTo(first.body().get("id"));
        assertThat(change(instance, "purge", "key-2").code()).isEqualTo("GONE");
    }

    @Test
    void generatedPassword_isTheSameForTheSameKey() {
        String instance = server.instance(tenant, "orders");

        Answer first = account(instance);
        Answer second = account(instance);

        assertThat(first.status()).as(first.text()).isEqualTo(202);
        assertThat(second.at("/operation/id")).isEqualTo(first.at("/operation/id"));
        assertThat(second.body().get("password")).isEqualTo(first.body().get("password"));
    }

    @ParameterizedTest(name = "row 10: key {index}")
    @ValueSource(strings = {"", "long", "schlüssel", "tab\there"})
    void row10_badKey_isRefused(String key) throws Exception {
        String value = key.equals("long") ? "k".repeat(256) : key;
        String body = TestServer.spec("orders");
        try (RawHttp raw = new RawHttp(server.port())) {
            raw.send(("POST /v1/tenants/" + tenant + "/instances HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                            + server.admin() + "\r\nContent-Type: application/json\r\nIdempotency-Key: " + value
                            + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                    .getBytes(java.nio.charset.StandardCharsets.UTF_8));
            String answer = raw.answer();

            assertThat(RawHttp.status(answer)).as(answer).isEqualTo(400);
        }
        assertThat(instances()).isZero();
    }

    @Test
    void row10_keyOf10kB_isRefused() {
        Answer answer = create("k".repeat(10_240), TestServer.spec("orders"));

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("IDEMPOTENCY_KEY_INVALID");
        assertThat(instances()).isZero();
    }

    private Answer create(String key, String spec) {
        return server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .header("Idempotency-Key", key)
                .json(spec)
                .send();
    }

    private Answer change(String instance, String verb, String key) {
        return server.request("POST", "/v1/tenants/" + tenant + "/instances/" + instance + "/" + verb, server.admin())
                .header("Idempotency-Key", key)
                .json("{}")
                .send();
    }

    private Answer account(String instance) {
        return server.request("POST", "/v1/tenants/" + tenant + "/instances/" + instance + "/accounts", server.admin())
                .header("Idempotency-Key", "key-2")
                .json("{\"name\":\"reporting\",\"grants\":[\"READ\"]}")
                .send();
    }

    private long instances() {
        return server.request("GET", "/v1/tenants/" + tenant, server.admin())
                .send()
                .at("/usage/instances")
                .longValue();
    }
}
