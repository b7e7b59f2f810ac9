package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.server.TestServer.Answer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an integrator does: every resource once as it is meant, and the conditions on versions and states. */
class ResourcesIT extends OneTenant {
    private final Map<String, JsonNode> seen = new HashMap<>();

    @Test
    void instance_throughItsWholeLife_answersAsDocumented() {
        String spec =
                "{\"name\":\"orders\",\"displayName\":\"订单\",\"description\":\"d\",\"engine\":\"simdb\",\"version\":\"2\","
                        + "\"resources\":{\"cpus\":0.5,\"memory\":\"256MiB\",\"storage\":\"1GiB\"},\"tags\":{\"team\":\"a\"},"
                        + "\"password\":\"correct horse battery\",\"whitelist\":[\"10.0.0.0/8\"]}";
        Answer preview = call("POST", "/instances:preview", spec);
        check(preview, 200, "Preview");
        assertThat(preview.text()).doesNotContain("correct horse");
        String digest = preview.at("/digest").textValue();
        Answer created = call("POST", "/instances?preview=" + digest, spec);
        check(created, 202, "Operation");
        check(server.done(created), 200, "Operation");
        String at = "/instances/" + created.at("/instance").textValue();

        check(call("GET", "/instances", ""), 200, "InstancePage");
        Answer view = call("GET", at, "");
        check(view, 200, "Instance");
        assertThat(view.at("/lifecycle/state").textValue()).isEqualTo("Active");
        assertThat(view.text()).doesNotContain("correct horse");
        Answer credential = call("GET", at + "/credential", "");
        check(credential, 200, "Credential");
        assertThat(credential.at("/password").textValue()).isEqualTo("correct horse battery");
        check(call("GET", at + "/explain", ""), 200, "Explanation");
        check(call("GET", at + "/settings", ""), 200, "Settings");
        check(call("GET", at + "/logs?lines=5", ""), 200, "Logs");
        check(call("GET", at + "/events", ""), 200, "Events");
        check(call("GET", at + "/sessions", ""), 200, "Sessions");

        Answer account = call("POST", at + "/accounts", "{\"name\":\"reporting\",\"grants\":[\"READ\"]}");
        check(account, 202, "PasswordOperation");
        assertThat(account.at("/password").textValue()).hasSizeGreaterThanOrEqualTo(12);
        server.done(account);
        done(at + "/accounts/reporting/grants", "PUT", "{\"grants\":[\"READ\",\"WRITE\"]}");
        Answer reset = call("POST", at + "/accounts/reporting/password", "{\"password\":\"another long one\"}");
        check(reset, 202, "PasswordOperation");
        assertThat(reset.text()).doesNotContain("another long one");
        server.done(reset);
        check(call("GET", at + "/accounts", ""), 200, "Accounts");
        done(at + "/databases", "POST", "{\"name\":\"more\",\"owner\":\"reporting\"}");
        check(call("GET", at + "/databases", ""), 200, "Databases");
        done(at + "/databases/more", "DELETE", "");
        done(at + "/accounts/reporting", "DELETE", "");

        done(at, "PATCH", "{\"displayName\":\"Orders\",\"tags\":{\"team\":\"b\"},\"deletionProtection\":true}");
        done(at + "/access", "POST", "{\"whitelist\":[\"192.168.0.0/16\"]}");
        done(at + "/resize", "POST", "{\"resources\":{\"cpus\":1,\"memory\":\"512MiB\",\"storage\":\"2GiB\"}}");
        done(at + "/stop", "POST", "");
        done(at + "/start", "POST", "");
        done(at + "/restart", "POST", "{}");
        done(at + "/freeze", "POST", "");
        done(at + "/unfreeze", "POST", "");

        Answer protectedDelete = call("DELETE", at, "");
        assertThat(protectedDelete.status()).isEqualTo(409);
        assertThat(protectedDelete.code()).isEqualTo("DELETION_PROTECTED");
        done(at, "PATCH", "{\"deletionProtection\":false}");
        done(at + "?retention=P3D", "DELETE", "");
        assertThat(call("GET", at, "").at("/lifecycle/state").textValue()).isEqualTo("Recycled");
        assertThat(call("GET", "/instances?lifecycle=Recycled", "")
                        .at("/items/0/name")
                        .textValue())
                .isEqualTo("orders");
        done(at + "/recover", "POST", "");
        done(at, "DELETE", "");
        done(at + "/purge", "POST", "");
        Answer gone = call("GET", at, "");
        assertThat(gone.status()).isEqualTo(410);
        assertThat(gone.code()).isEqualTo("GONE");
        Answer recover = call("POST", at + "/recover", "");
        assertThat(recover.status()).as("row 70").isEqualTo(410);

        check(call("GET", "/operations", ""), 200, "OperationPage");
        check(call("GET", "/events?after=0", ""), 200, "Events");
        check(call("GET", "", ""), 200, "Tenant");
        check(server.request("GET", "/v1/tenants", server.admin()).send(), 200, "TenantPage");
        check(server.request("GET", "/v1/catalogue", server.admin()).send(), 200, "Catalogue");
        check(
                server.request("GET", "/v1/catalogue/simdb/2/parameters", server.admin())
                        .send(),
                200,
                "Parameters");
        check(server.request("GET", "/v1/me", server.admin()).send(), 200, "Me");
        check(server.request("GET", "/v1/users", server.admin()).send(), 200, "Users");
        check(server.request("GET", "/v1/operations", server.admin()).send(), 200, "OperationPage");
        check(server.request("GET", "/v1/events", server.admin()).send(), 200, "Events");
        check(gone, 410, "Problem");
        assertThat(call("DELETE", "", "").status()).isEqualTo(204);
        assertThat(seen).hasSizeGreaterThan(20);
    }

    @Test
    void preview_worldMoved_isStale() {
        String instance = server.instance(tenant, "orders");

        Answer stopPreview = call("POST", "/instances/" + instance + "/preview", "{\"kind\":\"STOP\"}");
        done("/instances/" + instance, "PATCH", "{\"tags\":{\"a\":\"b\"}}");
        Answer stopped = call(
                "POST",
                "/instances/" + instance + "/stop?preview="
                        + stopPreview.at("/digest").textValue(),
                "");
        assertThat(stopped.status()).isEqualTo(409);
        assertThat(stopped.code()).isEqualTo("STALE");
    }

    @Test
    void row69_staleIfMatch_isRefused() {
        String at = "/instances/" + server.instance(tenant, "orders");
        String tag = call("GET", at, "").header("ETag");
        done(at, "PATCH", "{\"tags\":{\"a\":\"b\"}}");

        Answer stale = request("PATCH", at)
                .header("If-Match", tag)
                .json("{\"tags\":{}}")
                .send();
        Answer weak = request("PATCH", at)
                .header("If-Match", "W/" + tag)
                .json("{\"tags\":{}}")
                .send();
        Answer fresh = request("PATCH", at)
                .header("If-Match", call("GET", at, "").header("ETag"))
                .json("{\"tags\":{}}")
                .send();

        assertThat(stale.status()).isEqualTo(412);
        assertThat(stale.code()).isEqualTo("VERSION_CONFLICT");
        assertThat(weak.status()).isEqualTo(412);
        assertThat(fresh.status()).as(fresh.text()).isEqualTo(202);
    }

    @Test
    void row69_tenantWithStaleOrNoIfMatch_isRefused() {
        String body = "{\"name\":\"shop\",\"displayName\":\"Shop\"}";
        String tag = call("GET", "", "").header("ETag");

        Answer none = request("PUT", "").json(body).send();
        Answer fresh = request("PUT", "").header("If-Match", tag).json(body).send();
        Answer stale = request("PUT", "").header("If-Match", tag).json(body).send();

        assertThat(none.status()).isEqualTo(428);
        assertThat(fresh.status()).as(fresh.text()).isEqualTo(200);
        assertThat(fresh.header("ETag")).isNotEqualTo(tag);
        assertThat(stale.status()).isEqualTo(412);
    }

    @Test
    void get_knownVersion_isNotModified() {
        String at = "/instances/" + server.instance(tenant, "orders");
        String tag = call("GET", at, "").header("ETag");

        Answer same = request("GET", at).header("If-None-Match", tag).send();
        done(at, "PATCH", "{\"tags\":{\"a\":\"b\"}}");
        Answer changed = request("GET", at).header("If-None-Match", tag).send();

        assertThat(same.status()).isEqualTo(304);
        assertThat(same.text()).isEmpty();
        assertThat(changed.status()).isEqualTo(200);
    }

    @Test
    void list_isPagedAndFiltered() {
        for (int i = 0; i < 7; i++) {
            server.instance(tenant, "db-" + i);
        }
        List<String> names = new ArrayList<>();
        String query = "?size=3";
        int pages = 0;
        while (!query.isEmpty()) {
            Answer page = call("GET", "/instances" + query, "");
            page.body().get("items").forEach(i -> names.add(i.get("name").textValue()));
            query = page.body().has("next")
                    ? "?size=3&cursor=" + page.at("/next").textValue()
                    : "";
            pages++;
        }

        assertThat(pages).isEqualTo(3);
        assertThat(names).containsExactly("db-6", "db-5", "db-4", "db-3", "db-2", "db-1", "db-0");
        assertThat(call("GET", "/instances?text=B-3", "").body().get("items")).hasSize(1);
        assertThat(call("GET", "/instances?engine=postgresql", "").body().get("items"))
                .isEmpty();
        assertThat(call("GET", "/instances?tag=a%3Db", "").body().get("items")).isEmpty();
        assertThat(call("GET", "/instances?lifecycle=Active&size=500", "")
                        .body()
                        .get("items"))
                .hasSize(7);
    }

    @Test
    void list_afterAChange_showsIt() {
        String at = "/instances/" + server.instance(tenant, "orders");
        call("GET", "/instances", "");
        done(at, "PATCH", "{\"displayName\":\"Orders\"}");

        assertThat(call("GET", "/instances", "").at("/items/0/displayName").textValue())
                .isEqualTo("Orders");
    }

    @Test
    void row6_sameName_isTaken() {
        server.instance(tenant, "orders");

        Answer again = call("POST", "/instances", TestServer.spec("orders"));
        Answer tenantAgain = server.request("POST", "/v1/tenants", server.admin())
                .json("{\"name\":\"shop\"}")
                .send();

        assertThat(again.status()).isEqualTo(409);
        assertThat(again.code()).isEqualTo("NAME_TAKEN");
        assertThat(tenantAgain.code()).isEqualTo("NAME_TAKEN");
    }

    @Test
    void row14_beyondTheQuota_isRefusedWithNumbers() {
        Answer answer = call(
                "POST",
                "/instances",
                "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"2\",\"resources\":{\"cpus\":17,\"memory\":\"1GiB\",\"storage\":\"1GiB\"}}");

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.code()).isEqualTo("QUOTA_EXCEEDED");
        assertThat(answer.at("/detail").textValue()).contains("16").contains("17");
    }

    @Test
    void row68_purgedByTwoAtOnce_oneSucceeds() throws Exception {
        String at = "/instances/" + server.instance(tenant, "orders");
        done(at, "DELETE", "");
        java.util.concurrent.ExecutorService threads = java.util.concurrent.Executors.newFixedThreadPool(2);
        try {
            java.util.concurrent.Callable<Answer> purge = () -> call("POST", at + "/purge", "");
            List<Answer> answers = new ArrayList<>();
            for (java.util.concurrent.Future<Answer> one : threads.invokeAll(List.of(purge, purge))) {
                answers.add(one.get());
            }
            assertThat(answers.stream().filter(a -> a.status() == 202)).hasSize(1);
            assertThat(answers.stream().map(Answer::status).filter(s -> s != 202))
                    .allMatch(s -> s == 409 || s == 410);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void row70_tenantWithInstances_isNotRemoved() {
        server.instance(tenant, "orders");

        Answer answer = call("DELETE", "", "");

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.code()).isEqualTo("NOT_EMPTY");
    }

    @Test
    void metrics_countRequestsAndInstancesWithoutNamingTenants() {
        server.instance(tenant, "orders");
        // Events are told after the operation is done.
        TestServer.until("the creation is counted", () -> server.request("GET", "/metrics", "")
                .send()
                .text()
                .contains("tenon_operation_duration_seconds_count{kind=\"CREATE\",state=\"SUCCEEDED\"} 1"));

        Answer metrics = server.request("GET", "/metrics", "").send();

        assertThat(metrics.status()).isEqualTo(200);
        assertThat(metrics.header("Content-Type")).startsWith("text/plain; version=0.0.4");
        assertThat(metrics.text())
                .contains("tenon_instances{lifecycle=\"Active\"} 1")
                .contains("tenon_instances_health{health=\"Healthy\"} 1")
                .contains("tenon_operation_duration_seconds_bucket{kind=\"CREATE\",state=\"SUCCEEDED\",le=\"900.0\"} 1")
                .contains("tenon_tenants 1")
                .contains("route=\"/v1/tenants/{tenant}/instances\",status=\"202\",le=\"+Inf\"} 1")
                .contains("jvm_memory_used_bytes{area=\"heap\"}")
                .doesNotContain(tenant)
                .doesNotContain("orders");
        assertThat(metrics.text().lines().filter(l -> !l.startsWith("#")))
                .allMatch(l -> l.matches("[a-z_]+(\\{[^}]*(\\{[a-z]+}[^}]*)*})? [-0-9.E+]+"));
    }

    @Test
    void health_saysUp() {
        Answer health = server.request("GET", "/health", "").send();

        assertThat(health.status()).isEqualTo(200);
        assertThat(health.text()).isEqualTo("{\"status\":\"up\"}");
    }

    private TestServer.Call request(String method, String path) {
        return server.request(method, "/v1/tenants/" + tenant + path, server.admin());
    }

    private Answer call(String method, String path, String body) {
        TestServer.Call call = request(method, path);
        return (body.isEmpty() ? call : call.json(body)).send();
    }

    private void done(String path, String method, String body) {
        Answer accepted = call(method, path, body);
        check(accepted, 202, "Operation");
        server.done(accepted);
    }

    /** Holds an answer against its schema in the server's own document. */
    private void check(Answer answer, int status, String schema) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        seen.put(schema, answer.body());
        Schemas.of(server).check(schema, answer.body());
    }
}
