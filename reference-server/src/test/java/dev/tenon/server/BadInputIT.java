package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of bad inputs over HTTP: each gets its code, nothing is stored, nothing is started. Numbers are the table's rows. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputIT {
    private static final String NUL = "\\u0000";

    private TestServer server;
    private String tenant;
    private String instance;

    @BeforeAll
    void start(@TempDir Path directory) {
        server = TestServer.start(directory);
        tenant = server.tenant("shop");
        instance = server.instance(tenant, "orders");
    }

    @AfterAll
    void stop() {
        server.close();
    }

    static Stream<Arguments> names() {
        return Stream.of(
                bad(1, "empty", "", "NAME_INVALID"),
                bad(1, "blank", "   ", "NAME_INVALID"),
                bad(1, "64 characters", "a".repeat(64), "NAME_INVALID"),
                bad(2, "dot", "a.b", "NAME_INVALID"),
                bad(2, "leading hyphen", "-a", "NAME_INVALID"),
                bad(2, "trailing hyphen", "a-", "NAME_INVALID"),
                bad(2, "upper case", "A_b", "NAME_INVALID"),
                bad(3, "slash", "a/b", "NAME_INVALID"),
                bad(3, "parent", "..", "NAME_INVALID"),
                bad(3, "backslash", "a\\\\b", "NAME_INVALID"),
                bad(4, "NUL", "a" + NUL, "NAME_INVALID"),
                bad(4, "CR LF", "a\\r\\nb", "NAME_INVALID"),
                bad(4, "tab", "a\\tb", "NAME_INVALID"),
                bad(4, "escape", "a\\u001b[31m", "NAME_INVALID"),
                bad(5, "Chinese", "数据库", "NAME_INVALID"),
                bad(5, "emoji", "db😀", "NAME_INVALID"),
                bad(5, "right-to-left override", "a\\u202eb", "NAME_INVALID"),
                bad(5, "zero-width joiner", "a\\u200db", "NAME_INVALID"),
                bad(7, "default", "default", "RESERVED"),
                bad(7, "kube-system", "kube-system", "RESERVED"),
                bad(7, "postgres", "postgres", "RESERVED"),
                bad(7, "template0", "template0", "RESERVED"),
                bad(7, "sys", "sys", "RESERVED"),
                bad(7, "SYSDBA", "sysdba", "RESERVED"));
    }

    @ParameterizedTest(name = "row {0}: instance name, {1}")
    @MethodSource("names")
    void create_badName_isRefused(int row, String what, String name, String code) {
        refused(400, code, "POST", "/instances", TestServer.spec(name));
    }

    static Stream<Arguments> specs() {
        return Stream.of(
                bad(5, "display name with override", with("displayName", "\"a\\u202eb\""), "NAME_INVALID"),
                bad(11, "cpus 0", size("0", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus -1", size("-1", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus 1e9", size("1e9", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus NaN", size("NaN", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus Infinity", size("Infinity", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus 1e-7", size("1e-7", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus as text", size("\"4\"", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(11, "cpus null", size("null", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory without unit", size("1", "\"512\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory as number", size("1", "512", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory 1.5Gi", size("1", "\"1.5Gi\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory 2^63", size("1", "\"9223372036854775808\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory 2^63 bytes", size("1", "\"9223372036854775808B\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "memory 1e400", size("1", "1e400", "\"1GiB\""), "SIZE_INVALID"),
                bad(12, "cpus 1e400", size("1e400", "\"1GiB\"", "\"1GiB\""), "SIZE_INVALID"),
                bad(
                        15,
                        "unknown engine",
                        "{\"name\":\"x\",\"engine\":\"oracle\",\"version\":\"19\",\"plan\":\"micro\"}",
                        "ENGINE_UNKNOWN"),
                bad(
                        15,
                        "engine with blanks",
                        "{\"name\":\"x\",\"engine\":\"a b\",\"version\":\"19\",\"plan\":\"micro\"}",
                        "ENGINE_UNKNOWN"),
                bad(
                        15,
                        "unknown version",
                        "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"99\",\"plan\":\"micro\"}",
                        "VERSION_UNKNOWN"),
                bad(
                        15,
                        "version with command",
                        "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"16.x; rm\",\"plan\":\"micro\"}",
                        "VERSION_UNKNOWN"),
                bad(
                        15,
                        "unknown plan",
                        "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"galactic\"}",
                        "PLAN_UNKNOWN"),
                bad(16, "unknown field", with("colour", "\"red\""), "REQUEST_INVALID"),
                bad(
                        16,
                        "duplicate key",
                        "{\"name\":\"x\",\"name\":\"y\",\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\"}",
                        "REQUEST_INVALID"),
                bad(16, "trailing garbage", with("zone", "\"z\"") + "x", "REQUEST_INVALID"),
                bad(16, "two objects", TestServer.spec("x") + TestServer.spec("y"), "REQUEST_INVALID"),
                bad(16, "array for object", "[]", "REQUEST_INVALID"),
                bad(16, "text for boolean", with("ephemeral", "\"true\""), "REQUEST_INVALID"),
                bad(
                        16,
                        "number for text",
                        "{\"name\":7,\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\"}",
                        "NAME_INVALID"),
                bad(16, "name missing", "{\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\"}", "NAME_INVALID"),
                bad(16, "null for a map's value", with("tags", "{\"a\":null}"), "REQUEST_INVALID"),
                bad(16, "comment", "{/* */\"name\":\"x\"}", "REQUEST_INVALID"),
                bad(16, "single quotes", "{'name':'x'}", "REQUEST_INVALID"),
                bad(16, "cut off", "{\"name\":\"x\"", "REQUEST_INVALID"),
                bad(16, "empty body", "", "REQUEST_INVALID"),
                bad(29, "database a\"b", with("database", "\"a\\\"b\""), "NAME_INVALID"),
                bad(29, "database a'b", with("database", "\"a'b\""), "NAME_INVALID"),
                bad(29, "database a;b", with("database", "\"a;b\""), "NAME_INVALID"),
                bad(29, "database a\\b", with("database", "\"a\\\\b\""), "NAME_INVALID"),
                bad(29, "owner with line break", with("owner", "\"a\\nb\""), "NAME_INVALID"),
                bad(30, "owner of 64 bytes", with("owner", "\"" + "a".repeat(64) + "\""), "NAME_INVALID"),
                bad(31, "owner pg_read_server_files", with("owner", "\"pg_read_server_files\""), "RESERVED"),
                bad(31, "owner replicator", with("owner", "\"replicator\""), "RESERVED"),
                bad(33, "password with NUL", with("password", "\"abcdefghijk" + NUL + "lm\""), "PASSWORD_POLICY"),
                bad(33, "password too long", with("password", "\"" + "x".repeat(16_385) + "\""), "PASSWORD_POLICY"),
                bad(33, "password as number", with("password", "123456789012"), "PASSWORD_POLICY"),
                bad(34, "password is the user", with("password", "\"app_owner\""), "PASSWORD_POLICY"),
                bad(34, "leaked password", with("password", "\"password1234\""), "PASSWORD_POLICY"),
                bad(35, "SCRAM verifier", with("password", "\"SCRAM-SHA-256$4096:c2FsdA==$a:b\""), "PASSWORD_POLICY"),
                bad(35, "md5 hash", with("password", "\"md5" + "0".repeat(32) + "\""), "PASSWORD_POLICY"),
                bad(
                        39,
                        "parameter of wrong type",
                        with("parameters", "{\"cache_size\":\"many\"}"),
                        "PARAMETER_INVALID"),
                bad(39, "unknown parameter", with("parameters", "{\"no_such_thing\":\"1\"}"), "PARAMETER_INVALID"),
                bad(39, "parameter as number", with("parameters", "{\"cache_size\":{}}"), "REQUEST_INVALID"),
                bad(63, "prefix 33", with("whitelist", "[\"1.2.3.4/33\"]"), "CIDR_INVALID"),
                bad(63, "words behind", with("whitelist", "[\"1.2.3.4 trust\"]"), "CIDR_INVALID"),
                bad(63, "host name", with("whitelist", "[\"example.com\"]"), "CIDR_INVALID"),
                bad(63, "10,000 entries", with("whitelist", tenThousandAddresses()), "CIDR_INVALID"),
                bad(63, "the same twice", with("whitelist", "[\"10.0.0.1\",\"10.0.0.1/32\"]"), "CIDR_INVALID"),
                bad(63, "number for entry", with("whitelist", "[1]"), "CIDR_INVALID"));
    }

    @ParameterizedTest(name = "row {0}: specification, {1}")
    @MethodSource("specs")
    void create_badSpec_isRefused(int row, String what, String body, String code) {
        refused(400, code, "POST", "/instances", body);
    }

    @ParameterizedTest(name = "row {0}: preview of specification, {1}")
    @MethodSource("specs")
    void preview_badSpec_isRefused(int row, String what, String body, String code) {
        refused(400, code, "POST", "/instances:preview", body);
    }

    static Stream<Arguments> queries() {
        return Stream.of(
                bad(23, "size -1", "size=-1", "PAGE_INVALID"),
                bad(23, "size 0", "size=0", "PAGE_INVALID"),
                bad(23, "size 1e9", "size=1000000000", "PAGE_INVALID"),
                bad(23, "size beyond 64 bits", "size=99999999999999999999", "PAGE_INVALID"),
                bad(23, "size as word", "size=many", "PAGE_INVALID"),
                bad(23, "forged cursor", "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "PAGE_INVALID"),
                bad(23, "empty cursor", "cursor=", "PAGE_INVALID"),
                bad(23, "cursor of 1 kB", "cursor=" + "A".repeat(1_024), "PAGE_INVALID"),
                bad(24, "sort by anything", "sort=" + encoded("name;drop table"), "REQUEST_INVALID"),
                bad(24, "unknown column", "colour=red", "REQUEST_INVALID"),
                bad(24, "unknown lifecycle", "lifecycle=Happy", "REQUEST_INVALID"),
                bad(24, "engine with quote", "engine=" + encoded("a' OR '1'='1"), "ENGINE_UNKNOWN"),
                bad(24, "size twice", "size=1&size=2", "REQUEST_INVALID"),
                bad(24, "tag without value", "tag=a", "REQUEST_INVALID"));
    }

    @ParameterizedTest(name = "row {0}: query, {1}")
    @MethodSource("queries")
    void list_badQuery_isRefused(int row, String what, String query, String code) {
        refused(400, code, "GET", "/instances?" + query, "");
    }

    static Stream<Arguments> accounts() {
        return Stream.of(
                bad(29, "a\"b", account("a\\\"b", "[\"READ\"]"), "NAME_INVALID"),
                bad(29, "a'b", account("a'b", "[\"READ\"]"), "NAME_INVALID"),
                bad(29, "a;b", account("a;b", "[\"READ\"]"), "NAME_INVALID"),
                bad(29, "a\\b", account("a\\\\b", "[\"READ\"]"), "NAME_INVALID"),
                bad(29, "line break (CVE-2016-5424)", account("a\\nb", "[\"READ\"]"), "NAME_INVALID"),
                bad(30, "64 bytes", account("a".repeat(64), "[\"READ\"]"), "NAME_INVALID"),
                bad(30, "two-byte characters", account("é".repeat(40), "[\"READ\"]"), "NAME_INVALID"),
                bad(31, "pg_read_server_files", account("pg_read_server_files", "[\"READ\"]"), "RESERVED"),
                bad(31, "pg_monitor", account("pg_monitor", "[\"READ\"]"), "RESERVED"),
                bad(31, "postgres", account("postgres", "[\"READ\"]"), "RESERVED"),
                bad(31, "replicator", account("replicator", "[\"READ\"]"), "RESERVED"),
                bad(32, "SUPERUSER", account("reporting", "[\"SUPERUSER\"]"), "PRIVILEGE_INVALID"),
                bad(32, "ALL; ALTER ROLE", account("reporting", "[\"ALL; ALTER ROLE\"]"), "PRIVILEGE_INVALID"),
                bad(32, "number for privilege", account("reporting", "[0]"), "PRIVILEGE_INVALID"),
                bad(33, "password with NUL", password("abcdefghijk" + NUL + "lm"), "PASSWORD_POLICY"),
                bad(33, "password too long", password("x".repeat(16_385)), "PASSWORD_POLICY"),
                bad(34, "password is the account", password("reporting"), "PASSWORD_POLICY"),
                bad(34, "leaked password", password("changeme1234"), "PASSWORD_POLICY"),
                bad(35, "hashed password", password("SCRAM-SHA-256$4096:c2FsdA==$a:b"), "PASSWORD_POLICY"));
    }

    @ParameterizedTest(name = "row {0}: account, {1}")
    @MethodSource("accounts")
    void createAccount_bad_isRefused(int row, String what, String body, String code) {
        refused(400, code, "POST", "/instances/" + instance + "/accounts", body);
    }

    @ParameterizedTest(name = "row {0}: database, {1}")
    @MethodSource("accounts")
    void createDatabase_badName_isRefused(int row, String what, String body, String code) {
        if (row > 31) {
            return;
        }
        refused(
                400,
                code,
                "POST",
                "/instances/" + instance + "/databases",
                body.replaceAll(",\"grants\":\\[[^]]*]", ""));
    }

    static Stream<Arguments> ids() {
        return Stream.of(
                Arguments.of(22, "encoded parent", "/instances/%2e%2e%2fadmin"),
                Arguments.of(22, "path parameter", "/instances/x;y=1"),
                Arguments.of(22, "NUL", "/instances/%00"),
                Arguments.of(28, "SQL", "/instances/" + encoded("1 OR 1=1")),
                Arguments.of(28, "UUID", "/instances/123e4567-e89b-12d3-a456-426614174000"),
                Arguments.of(28, "10 kB", "/instances/" + "a".repeat(10_000)),
                Arguments.of(28, "upper case", "/instances/I-AAAAAAAAAAAAAAAAAAAA"),
                Arguments.of(28, "operation", "/operations/op-1"));
    }

    @ParameterizedTest(name = "row {0}: identifier, {1}")
    @MethodSource("ids")
    void get_badIdentifier_isRefused(int row, String what, String path) {
        Answer answer = server.request("GET", "/v1/tenants/" + tenant + path, server.admin())
                .send();

        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.code()).isIn("ID_INVALID", "REQUEST_INVALID");
    }

    static Stream<Arguments> changes() {
        return Stream.of(
                Arguments.of(
                        13,
                        "storage shrinks",
                        409,
                        "SHRINK_UNSUPPORTED",
                        "/resize",
                        "{\"resources\":{\"cpus\":0.5,\"memory\":\"512MiB\",\"storage\":\"256MiB\"}}"),
                Arguments.of(13, "neither plan nor size", 400, "SIZE_INVALID", "/resize", "{}"),
                Arguments.of(
                        14,
                        "above the quota",
                        409,
                        "QUOTA_EXCEEDED",
                        "/resize",
                        "{\"resources\":{\"cpus\":200,\"memory\":\"1TiB\",\"storage\":\"2TiB\"}}"),
                Arguments.of(16, "unknown field", 400, "REQUEST_INVALID", "/stop", "{\"force\":true}"),
                Arguments.of(
                        39,
                        "wrong type",
                        400,
                        "PARAMETER_INVALID",
                        "/parameters",
                        "{\"set\":{\"no_such_thing\":\"1\"}}"),
                Arguments.of(63, "empty whitelist", 400, "CIDR_INVALID", "/access", "{\"whitelist\":[]}"),
                Arguments.of(63, "prefix 33", 400, "CIDR_INVALID", "/access", "{\"whitelist\":[\"1.2.3.4/33\"]}"),
                Arguments.of(70, "purge what is not in the bin", 409, "ILLEGAL_STATE", "/purge", ""),
                Arguments.of(70, "recover what is not in the bin", 409, "ILLEGAL_STATE", "/recover", ""));
    }

    @ParameterizedTest(name = "row {0}: change, {1}")
    @MethodSource("changes")
    void change_bad_isRefused(int row, String what, int status, String code, String path, String body) {
        refused(status, code, "POST", "/instances/" + instance + path, body);
    }

    private void refused(int status, String code, String method, String path, String body) {
        Map<String, Long> before = world();
        TestServer.Call call = server.request(method, "/v1/tenants/" + tenant + path, server.admin());

        Answer answer = (method.equals("GET") ? call : call.json(body)).send();

        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.code()).as(answer.text()).isEqualTo(code);
        assertThat(world()).isEqualTo(before);
    }

    /** What is stored and what runs. */
    private Map<String, Long> world() {
        Answer tenantView =
                server.request("GET", "/v1/tenants/" + tenant, server.admin()).send();
        Answer operations = server.request("GET", "/v1/tenants/" + tenant + "/operations?size=500", server.admin())
                .send();
        return Map.of(
                "instances",
                tenantView.body().at("/usage/instances").longValue(),
                "operations",
                (long) operations.body().get("items").size(),
                "members",
                (long) server.place().members().size(),
                "changes",
                server.place().changes());
    }

    private static Arguments bad(int row, String what, String input, String code) {
        return Arguments.of(row, what, input, code);
    }

    private static String with(String field, String json) {
        return "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"2\",\"plan\":\"micro\",\"" + field + "\":" + json
                + "}";
    }

    private static String size(String cpus, String memory, String storage) {
        return "{\"name\":\"x\",\"engine\":\"simdb\",\"version\":\"2\",\"resources\":{\"cpus\":" + cpus + ",\"memory\":"
                + memory + ",\"storage\":" + storage + "}}";
    }

    private static String account(String name, String grants) {
        return "{\"name\":\"" + name + "\",\"grants\":" + grants + "}";
    }

    private static String password(String password) {
        return "{\"name\":\"reporting\",\"grants\":[\"READ\"],\"password\":\"" + password + "\"}";
    }

    private static String tenThousandAddresses() {
        StringBuilder all = new StringBuilder("[");
        for (int i = 0; i < 10_000; i++) {
            all.append(i == 0 ? "" : ",")
                    .append("\"10.0.")
                    .append(i / 256)
                    .append('.')
                    .append(i % 256)
                    .append('"');
        }
        return all.append(']').toString();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
