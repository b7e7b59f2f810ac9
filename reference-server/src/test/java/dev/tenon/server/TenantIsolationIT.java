package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Row 27: two tenants never see each other. The routes come from the server's own document, so a new one is covered at once. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TenantIsolationIT {
    private TestServer server;
    private String own;
    private String other;
    private String ownInstance;
    private String otherInstance;
    private String otherOperation;
    private String token;

    @BeforeAll
    void start(@TempDir Path directory) {
        server = TestServer.start(directory);
        own = server.tenant("shop");
        other = server.tenant("bank");
        ownInstance = server.instance(own, "orders");
        otherInstance = server.instance(other, "ledger");
        otherOperation = server.request("GET", "/v1/tenants/" + other + "/operations", server.admin())
                .send()
                .body()
                .at("/items/0/id")
                .textValue();
        token = server.member("mia", own);
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void everyRoute_withTheOtherTenantsIds_isNotFoundAndChangesNothing() {
        long changes = server.place().changes();
        List<String> tried = new ArrayList<>();
        for (Documented route : Documented.all(server)) {
            if (!route.has("tenant") || route.forAdministrators()) {
                continue;
            }
            for (String tenant : List.of(own, other)) {
                String path = route.path(name -> switch (name) {
                    case "tenant" -> tenant;
                    case "instance" -> otherInstance;
                    case "operation" -> otherOperation;
                    case "session" -> "1";
                    default -> "app_owner";
                });
                if (tenant.equals(own) && !route.has("instance") && !route.has("operation")) {
                    continue;
                }
                Answer answer = server.request(route.method(), path, token)
                        .json(body(route))
                        .send();

                assertThat(answer.status())
                        .as(route.method() + " " + path + " " + answer.text())
                        .isEqualTo(404);
                assertThat(answer.code()).isEqualTo("NOT_FOUND");
                assertThat(answer.text()).doesNotContain("bank", "ledger");
                tried.add(route.id());
            }
        }
        assertThat(tried).hasSizeGreaterThan(60).contains("followTenantEvents", "followOperation", "instanceLogs");
        assertThat(server.place().changes()).isEqualTo(changes);
    }

    @Test
    void unknownAndForeignIds_readAlike() {
        String unknown = "i-" + "a".repeat(20);

        Answer foreign = server.request("GET", "/v1/tenants/" + own + "/instances/" + otherInstance, token)
                .send();
        Answer missing = server.request("GET", "/v1/tenants/" + own + "/instances/" + unknown, token)
                .send();

        assertThat(foreign.status()).isEqualTo(missing.status()).isEqualTo(404);
        assertThat(foreign.body().get("detail")).isEqualTo(missing.body().get("detail"));
    }

    @Test
    void lists_showOnlyOnesOwn() {
        for (String path : List.of(
                "/v1/tenants",
                "/v1/tenants/" + own + "/instances",
                "/v1/tenants/" + own + "/operations",
                "/v1/tenants/" + own + "/events?after=0&limit=1000")) {
            Answer answer = server.request("GET", path, token).send();

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body().get("items")).isNotEmpty();
            assertThat(answer.text()).doesNotContain(other, otherInstance, otherOperation);
        }
    }

    @Test
    void filterByTheOtherTenantsInstance_findsNothing() {
        Answer answer = server.request("GET", "/v1/tenants/" + own + "/operations?instance=" + otherInstance, token)
                .send();

        assertThat(answer.text()).doesNotContain(otherOperation);
    }

    @Test
    void row23_cursorOfTheOtherTenant_isRefused() {
        server.instance(other, "ledger-2");
        String cursor = server.request("GET", "/v1/tenants/" + other + "/instances?size=1", server.admin())
                .send()
                .body()
                .get("next")
                .textValue();

        Answer answer = server.request("GET", "/v1/tenants/" + own + "/instances?size=1&cursor=" + cursor, token)
                .send();

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("PAGE_INVALID");
    }

    @Test
    void ownInstance_isReached() {
        Answer answer = server.request("GET", "/v1/tenants/" + own + "/instances/" + ownInstance, token)
                .send();

        assertThat(answer.status()).isEqualTo(200);
    }

    /** A body that would pass, so that nothing but the tenant can be the reason to refuse. */
    private static String body(Documented route) {
        return switch (route.id()) {
            case "createInstance", "previewInstance" -> TestServer.spec("x");
            case "previewChange" -> "{\"kind\":\"STOP\"}";
            case "resizeInstance" -> "{\"plan\":\"small\"}";
            case "accessInstance" -> "{\"whitelist\":[\"10.0.0.1\"]}";
            case "createAccount" -> "{\"name\":\"reporting\"}";
            case "grantAccount" -> "{\"grants\":[\"READ\"]}";
            case "createDatabase" -> "{\"name\":\"more\"}";
            case "removeStandby", "rebuildStandby", "switchover", "failover" -> "{\"member\":\"m-2\"}";
            default -> "{}";
        };
    }
}
