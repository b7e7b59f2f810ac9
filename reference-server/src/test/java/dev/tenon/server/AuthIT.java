package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Secret;
import dev.tenon.server.TestServer.Answer;
import dev.tenon.server.auth.Users;
import dev.tenon.server.http.Json;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Logins, tokens, cookies and roles. Rows 65 to 67 of the table of bad inputs; row 66 does not apply: no request is signed. */
class AuthIT {
    @TempDir
    Path directory;

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
    private TestServer server;

    @BeforeEach
    void start() {
        InstantSource source = now::get;
        server = TestServer.start(directory, Clock.tick(source.withZone(ZoneOffset.UTC), Duration.ofMillis(1)));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    static List<String> badTokens() {
        String none = Base64.getUrlEncoder().withoutPadding().encodeToString("{\"alg\":\"none\"}".getBytes()) + "."
                + Base64.getUrlEncoder().withoutPadding().encodeToString("{\"sub\":\"admin\"}".getBytes()) + ".";
        return List.of(
                "Bearer ",
                "Bearer x",
                "Bearer " + "A".repeat(43),
                "Bearer " + none,
                "Bearer ../../x",
                "Bearer " + "A".repeat(10_000),
                "Basic YWRtaW46YWRtaW4=",
                "bearer",
                "Negotiate x");
    }

    @Test
    void row65_badToken_isRefusedAlike() {
        List<Answer> answers = badTokens().stream()
                .map(t -> server.request("GET", "/v1/me", "")
                        .header("Authorization", t)
                        .send())
                .toList();

        assertThat(answers).allSatisfy(a -> {
            assertThat(a.status()).isEqualTo(401);
            assertThat(a.code()).isEqualTo("UNAUTHENTICATED");
        });
        assertThat(answers.stream().map(a -> a.body().get("detail")).distinct()).hasSize(1);
    }

    @Test
    void row65_tokenOfOneMegabyte_isRefused() throws Exception {
        try (RawHttp raw = new RawHttp(server.port())) {
            String answer;
            try {
                raw.send("GET /v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + "A".repeat(1 << 20) + "\r\n\r\n");
                answer = raw.answer();
            } catch (java.io.IOException closedWhileSending) {
                answer = raw.answer();
            }
            assertThat(RawHttp.status(answer)).isIn(401, 431, 0);
        }
    }

    @Test
    void row65_expiredToken_isRefused() {
        String token = server.admin();
        assertThat(server.request("GET", "/v1/me", token).send().status()).isEqualTo(200);

        now.updateAndGet(t -> t.plus(Duration.ofMinutes(61)));

        assertThat(server.request("GET", "/v1/me", token).send().code()).isEqualTo("UNAUTHENTICATED");
    }

    @Test
    void logout_endsTheToken() {
        String token = server.admin();

        assertThat(server.request("POST", "/v1/logout", token).send().status()).isEqualTo(204);

        assertThat(server.request("GET", "/v1/me", token).send().status()).isEqualTo(401);
    }

    @Test
    void restart_keepsLogins_butNotThoseThatWereEnded() throws Exception {
        String tenant = server.tenant("shop");
        String kept = server.admin();
        String loggedOut = server.logIn("admin", TestServer.PASSWORD);
        String changed = server.member("anna", tenant);
        String resetMeanwhile = server.member("bert", tenant);
        server.request("POST", "/v1/logout", loggedOut).send();
        server.request("PUT", "/v1/users/anna/password", kept)
                .json("{\"password\":\"another password\"}")
                .send();
        Path logins = directory.resolve("logins.json");
        assertThat(Files.readString(logins)).doesNotContain(kept, resetMeanwhile);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(logins)))
                .isEqualTo("rw-------");

        server.close();
        new Users(directory.resolve("accounts.json"), Json.mapper(), new SecureRandom())
                .password("bert", Secret.of("reset by the command line"));
        server = server.restart();

        assertThat(status(kept)).isEqualTo(200);
        assertThat(status(loggedOut)).isEqualTo(401);
        assertThat(status(changed)).isEqualTo(401);
        assertThat(status(resetMeanwhile)).isEqualTo(401);
        now.updateAndGet(t -> t.plus(Duration.ofMinutes(61)));
        assertThat(status(kept)).isEqualTo(401);
    }

    private int status(String token) {
        return server.request("GET", "/v1/me", token).send().status();
    }

    @Test
    void login_wrongPassword_locksAfterFiveFailuresAndUnlocksAfterFifteenMinutes() {
        for (int i = 0; i < 5; i++) {
            assertThat(logIn("admin", "wrong password " + i).code()).isEqualTo("UNAUTHENTICATED");
        }

        Answer locked = logIn("admin", TestServer.PASSWORD);

        assertThat(locked.status()).isEqualTo(429);
        assertThat(locked.code()).isEqualTo("TOO_MANY_REQUESTS");
        assertThat(Integer.parseInt(locked.header("Retry-After"))).isBetween(1, 900);
        now.updateAndGet(t -> t.plus(Duration.ofMinutes(16)));
        assertThat(logIn("admin", TestServer.PASSWORD).status()).isEqualTo(200);
    }

    @Test
    void login_unknownUserAndWrongPassword_readAlike() {
        Answer unknown = logIn("nobody", "wrong password");
        Answer wrong = logIn("admin", "wrong password");

        assertThat(unknown.status()).isEqualTo(wrong.status()).isEqualTo(401);
        assertThat(unknown.body().get("detail")).isEqualTo(wrong.body().get("detail"));
    }

    @Test
    void everyRoute_withoutLogin_isRefusedExceptThoseMeantForAll() throws Exception {
        List<String> open = List.of("login");
        for (Documented route : Documented.all(server)) {
            Answer answer =
                    server.request(route.method(), route.path(p -> "x"), "").send();
            if (open.contains(route.id())) {
                assertThat(answer.status()).as(route.id()).isNotEqualTo(401);
            } else {
                assertThat(answer.status()).as(route.id()).isEqualTo(401);
                assertThat(answer.code()).isEqualTo("UNAUTHENTICATED");
            }
        }
    }

    @Test
    void member_onRoutesForAdministrators_isForbidden() {
        String tenant = server.tenant("shop");
        String token = server.member("mia", tenant);

        for (Documented route : Documented.all(server)) {
            if (route.forAdministrators()) {
                Answer answer = server.request(route.method(), route.path(p -> tenant), token)
                        .json("{}")
                        .send();
                assertThat(answer.status()).as(route.id()).isEqualTo(403);
                assertThat(answer.code()).isEqualTo("FORBIDDEN");
            }
        }
    }

    @Test
    void removedUser_isOutAtOnce() {
        String token = server.member("mia", server.tenant("shop"));
        assertThat(server.request("GET", "/v1/me", token).send().status()).isEqualTo(200);

        Answer removed =
                server.request("DELETE", "/v1/users/mia", server.admin()).send();

        assertThat(removed.status()).isEqualTo(204);
        assertThat(server.request("GET", "/v1/me", token).send().status()).isEqualTo(401);
    }

    @Test
    void user_changesOwnPassword_oldLoginsEnd() {
        String token = server.member("mia", server.tenant("shop"));

        Answer other = server.request("PUT", "/v1/users/admin/password", token)
                .json("{\"password\":\"another long one\"}")
                .send();
        Answer own = server.request("PUT", "/v1/users/mia/password", token)
                .json("{\"password\":\"another long one\"}")
                .send();

        assertThat(other.status()).isEqualTo(403);
        assertThat(own.status()).isEqualTo(204);
        assertThat(server.request("GET", "/v1/me", token).send().status()).isEqualTo(401);
        assertThat(server.logIn("mia", "another long one")).isNotEmpty();
    }

    @Test
    void users_afterRestart_stillLogIn() {
        server.member("mia", server.tenant("shop"));

        server = server.restart();

        assertThat(server.server().firstPassword()).isEmpty();
        assertThat(server.logIn("mia", TestServer.PASSWORD)).isNotEmpty();
    }

    @Test
    void files_holdNoPasswordAndAreReadByTheOwnerOnly() throws Exception {
        server.member("mia", server.tenant("shop"));

        for (String name : Arrays.asList("accounts.json", "server.key")) {
            Path file = directory.resolve(name);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
        assertThat(Files.readString(directory.resolve("accounts.json")))
                .contains("pbkdf2-sha256$600000$")
                .doesNotContain(TestServer.PASSWORD);
    }

    @Test
    void row25_tenantInBody_doesNotMatter() {
        String own = server.tenant("shop");
        String other = server.tenant("bank");
        String token = server.member("mia", own);

        Answer answer = server.request("POST", "/v1/tenants/" + own + "/instances", token)
                .json("{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\",\"tenant\":\"" + other
                        + "\"}")
                .send();

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body().get("field").textValue()).isEqualTo("tenant");
    }

    @Test
    void row26_tenantHeader_isIgnored() {
        String own = server.tenant("shop");
        String other = server.tenant("bank");
        String token = server.member("mia", own);

        Answer answer = server.request("GET", "/v1/tenants", token)
                .header("X-Tenant", other)
                .header("X-Forwarded-User", "admin")
                .send();

        assertThat(answer.text()).contains(own).doesNotContain(other);
    }

    @Test
    void row67_requesterApproves_isRefused() {
        String tenant = approvalTenant();
        Answer created = create(tenant);
        assertThat(created.body().get("state").textValue()).isEqualTo("PENDING_APPROVAL");

        Answer approved = server.request("POST", created.header("Location") + "/approve", server.admin())
                .send();

        assertThat(approved.status()).isEqualTo(403);
        assertThat(approved.code()).isEqualTo("SELF_APPROVAL");
    }

    @Test
    void row67_approvedTwice_secondIsRefused() {
        String tenant = approvalTenant();
        String member = server.member("mia", tenant);
        Answer created = create(tenant);

        Answer first = server.request("POST", created.header("Location") + "/approve", member)
                .send();
        Answer second = server.request("POST", created.header("Location") + "/approve", member)
                .send();

        assertThat(first.status()).as(first.text()).isEqualTo(200);
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.code()).isIn("ILLEGAL_STATE", "STALE");
        server.done(created);
    }

    @Test
    void row67_rejected_isNotDelivered() {
        String tenant = approvalTenant();
        String member = server.member("mia", tenant);
        Answer created = create(tenant);

        Answer rejected = server.request("POST", created.header("Location") + "/reject", member)
                .json("{\"reason\":\"too large\"}")
                .send();

        assertThat(rejected.status()).as(rejected.text()).isEqualTo(200);
        assertThat(rejected.body().get("state").textValue()).isEqualTo("REJECTED");
        assertThat(server.place().members()).isEmpty();
    }

    @Test
    void cookie_changeWithoutCsrfToken_isRefused() {
        Answer page = cookieLogIn();
        String cookie = page.header("Set-Cookie").split(";", 2)[0];

        Answer without = server.request("POST", "/v1/tenants", "")
                .header("Cookie", cookie)
                .json("{\"name\":\"shop\"}")
                .send();
        String csrf = server.request("GET", "/v1/me", "")
                .header("Cookie", cookie)
                .send()
                .body()
                .get("csrfToken")
                .textValue();
        Answer with = server.request("POST", "/v1/tenants", "")
                .header("Cookie", cookie)
                .header("X-CSRF-Token", csrf)
                .json("{\"name\":\"shop\"}")
                .send();
        Answer elsewhere = server.request("POST", "/v1/tenants", "")
                .header("Cookie", cookie)
                .header("X-CSRF-Token", csrf)
                .header("Origin", "https://evil.example")
                .json("{\"name\":\"shop2\"}")
                .send();

        assertThat(page.header("Set-Cookie")).contains("HttpOnly").contains("SameSite=Strict");
        assertThat(without.code()).isEqualTo("FORBIDDEN");
        assertThat(with.status()).isEqualTo(201);
        assertThat(elsewhere.code()).isEqualTo("FORBIDDEN");
    }

    @Test
    void cookie_idleFifteenMinutes_ends() {
        String cookie = cookieLogIn().header("Set-Cookie").split(";", 2)[0];
        now.updateAndGet(t -> t.plus(Duration.ofMinutes(14)));
        assertThat(server.request("GET", "/v1/me", "")
                        .header("Cookie", cookie)
                        .send()
                        .status())
                .isEqualTo(200);

        now.updateAndGet(t -> t.plus(Duration.ofMinutes(16)));

        assertThat(server.request("GET", "/v1/me", "")
                        .header("Cookie", cookie)
                        .send()
                        .status())
                .isEqualTo(401);
    }

    private Answer cookieLogIn() {
        return Stream.of(server.request("POST", "/ui/login", "")
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .body(BodyPublishers.ofString("name=admin&password=" + TestServer.PASSWORD.replace(' ', '+')))
                        .send())
                .peek(a -> assertThat(a.status()).as(a.text()).isLessThan(400))
                .findFirst()
                .orElseThrow();
    }

    private String approvalTenant() {
        Answer answer = server.request("POST", "/v1/tenants", server.admin())
                .json("{\"name\":\"careful\",\"approvalRequired\":true}")
                .send();
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.body().get("id").textValue();
    }

    private Answer create(String tenant) {
        Answer answer = server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .json(TestServer.spec("orders"))
                .send();
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer;
    }

    private Answer logIn(String user, String password) {
        return server.request("POST", "/v1/login", "")
                .json("{\"user\":\"" + user + "\",\"password\":\"" + password + "\"}")
                .send();
    }
}
