package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Secret;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.server.TestServer.Answer;
import dev.tenon.server.hosts.FakeHosts;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts over HTTP: seen, closed to new members and drained by administrators, and by nobody else. */
class HostsHttpIT {
    private final FakeHosts hosts = new FakeHosts();
    private TestServer server;

    @BeforeEach
    void start(@TempDir Path directory) {
        server = TestServer.start(directory, hosts);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Answer mode(String host, String body) {
        return server.request("PUT", "/v1/hosts/" + host + "/mode", server.admin())
                .json(body)
                .send();
    }

    @Test
    void hosts_listed_areAsDocumented() {
        Answer all = server.request("GET", "/v1/hosts", server.admin()).send();
        Answer one = server.request("GET", "/v1/hosts/db2", server.admin()).send();

        assertThat(all.status()).as(all.text()).isEqualTo(200);
        Schemas.of(server).check("Hosts", all.body());
        assertThat(all.at("/items/0/facts/clockOffset").textValue()).isEqualTo("PT-0.012S");
        assertThat(all.at("/items/0/usable/memory").textValue()).isEqualTo("11GiB");
        assertThat(all.at("/items/0/members/0/instance").textValue())
                .isEqualTo(FakeHosts.MEMBER.instance().value());
        Schemas.of(server).check("Host", one.body());
        assertThat(one.at("/silent").textValue()).isEqualTo("connection refused");
        assertThat(one.body().has("facts")).isFalse();
    }

    @Test
    void mode_draining_saysWhatStaysAndWhy() {
        Answer draining = mode("db1", "{\"mode\":\"DRAINING\"}");

        assertThat(draining.status()).as(draining.text()).isEqualTo(200);
        Schemas.of(server).check("Host", draining.body());
        assertThat(draining.at("/mode").textValue()).isEqualTo("DRAINING");
        assertThat(draining.at("/members/0/stays").textValue()).isEqualTo("no other host has room");
        assertThat(mode("db1", "{\"mode\":\"ENABLED\"}").at("/members/0").has("stays"))
                .isFalse();
    }

    @Test
    void mode_lost_namesWhatIsLostAndWantsItAccepted() {
        Answer refused = mode("db2", "{\"mode\":\"LOST\"}");
        assertThat(refused.status()).as(refused.text()).isEqualTo(409);
        assertThat(refused.at("/code").textValue()).isEqualTo("ILLEGAL_STATE");
        assertThat(refused.text()).contains("the data of orders");
        Answer lost = mode("db2", "{\"mode\":\"LOST\",\"accepted\":[\"" + FakeHosts.MEMBER.instance() + "\"]}");
        assertThat(lost.status()).as(lost.text()).isEqualTo(200);
        Schemas.of(server).check("Host", lost.body());
        assertThat(lost.at("/mode").textValue()).isEqualTo("LOST");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            db1 | {}                   | 400 | mode
            db1 | {"mode":"AWAY"}      | 400 | mode
            db1 | {"mode":"ENABLED","x":1} | 400 | x
            db1 | {"mode":"ENABLED","accepted":[]} | 400 | accepted
            db1 | {"mode":"LOST"}      | 409 | db1 answers
            db9 | {"mode":"LOST"}      | 404 | no such host
            db9 | {"mode":"ENABLED"}   | 404 | no such host
            """)
    void mode_wrong_isRefused(String host, String body, int status, String says) {
        Answer answer = mode(host, body);
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.text()).contains(says);
        assertThat(server.request("GET", "/v1/hosts/db1", server.admin())
                        .send()
                        .at("/mode")
                        .textValue())
                .isEqualTo("ENABLED");
    }

    private Answer adopt(String body) {
        return server.request("POST", "/v1/hosts", server.admin())
                .json(body.replace('\'', '"'))
                .send();
    }

    @Test
    void host_adopted_isThereUntilItIsRemovedAndSaysNoSecret() {
        Answer adopted = adopt("{'name':'db3','zone':'c','address':'192.0.2.13','port':2222,'user':'ops',"
                + "'privateKey':'Clear-9a8b','password':'Clear-4c5d','hostKeys':['k'],'labels':{'rack':'7'}}");
        assertThat(adopted.status()).as(adopted.text()).isEqualTo(201);
        Schemas.of(server).check("Host", adopted.body());
        assertThat(adopted.at("/adopted").booleanValue()).isTrue();
        assertThat(adopted.text()).doesNotContain("Clear-");
        assertThat(hosts.described("db3"))
                .isEqualTo(HostSpec.builder()
                        .name("db3")
                        .zone("c")
                        .address("192.0.2.13")
                        .port(2222)
                        .user("ops")
                        .privateKey(Secret.of("Clear-9a8b"))
                        .password(Secret.of("Clear-4c5d"))
                        .addHostKeys("k")
                        .putLabels("rack", "7")
                        .build());
        assertThat(adopt("{'name':'db3','address':'h','password':'p','hostKeys':['k']}")
                        .status())
                .isEqualTo(409);
        Answer removed =
                server.request("DELETE", "/v1/hosts/db3", server.admin()).send();
        assertThat(removed.status()).as(removed.text()).isEqualTo(204);
        assertThat(server.request("GET", "/v1/hosts/db3", server.admin()).send().status())
                .isEqualTo(404);
    }

    @Test
    void remove_hostThatCarriesSomethingOrIsNone_isRefused() {
        Answer full = server.request("DELETE", "/v1/hosts/db1", server.admin()).send();
        assertThat(full.status()).as(full.text()).isEqualTo(409);
        assertThat(full.at("/code").textValue()).isEqualTo("NOT_EMPTY");
        assertThat(full.text()).contains("m-1");
        assertThat(server.request("DELETE", "/v1/hosts/db9", server.admin())
                        .send()
                        .status())
                .isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {}                                                                                 | name
            {'name':'db3'}                                                                     | address
            {'name':'DB','address':'h','password':'Clear-4c5d','hostKeys':['k']}               | name
            {'name':'db3','address':'h','hostKeys':['k']}                                      | privateKey
            {'name':'db3','address':'h','password':'Clear-4c5d'}                               | hostKeys
            {'name':'db3','address':'h','password':'Clear-4c5d','hostKeys':[null]}             | hostKeys
            {'name':'db3','address':'h','password':'Clear-4c5d','hostKeys':['k'],'labels':{'a':null}} | labels
            {'name':'db3','address':'h','password':4,'hostKeys':['k']}                         | password
            {'name':'db3','address':'h','password':'Clear-4c5d','hostKeys':['k'],'port':'22'}  | port
            {'name':'db3','address':'h','password':'Clear-4c5d','hostKeys':['k'],'port':0}     | port
            {'name':'db3','address':'h','password':'Clear-4c5d','hostKeys':['k'],'colour':'x'} | colour
            {'name':'db3','address':'192.0.2.99','password':'Clear-4c5d','hostKeys':['k']}     | hostKeys
            """)
    void adopt_wrong_isRefusedWithItsField(String body, String field) {
        Answer answer = adopt(body);
        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.at("/field").textValue()).as(answer.text()).isEqualTo(field);
        assertThat(answer.text()).doesNotContain("Clear-");
        assertThat(server.request("GET", "/v1/hosts", server.admin())
                        .send()
                        .at("/items")
                        .size())
                .isEqualTo(2);
    }

    private Answer submit(String path, String token, Map<String, String> fields) {
        return server.request("POST", path, token)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(BodyPublishers.ofString(fields.entrySet().stream()
                        .map(f -> f.getKey() + "=" + URLEncoder.encode(f.getValue(), StandardCharsets.UTF_8))
                        .collect(Collectors.joining("&"))))
                .send();
    }

    @Test
    void form_filledIn_adoptsTheHostAndTheButtonRemovesIt() {
        Map<String, String> fields = Map.of(
                "name", "db3",
                "address", "192.0.2.13",
                "port", "2222",
                "hostKeys", "ssh-ed25519 AAAA\r\n\r\nssh-rsa BBBB\r\n",
                "privateKey", "Clear-9a8b\r\nClear-4c5d\r\n");
        Answer adopted = submit("/ui/hosts", server.admin(), fields);
        assertThat(adopted.status()).as(adopted.text()).isEqualTo(303);
        assertThat(hosts.described("db3"))
                .isEqualTo(HostSpec.builder()
                        .name("db3")
                        .address("192.0.2.13")
                        .port(2222)
                        .addHostKeys("ssh-ed25519 AAAA", "ssh-rsa BBBB")
                        .privateKey(Secret.of("Clear-9a8b\nClear-4c5d\n"))
                        .build());
        assertThat(server.request("GET", "/ui/hosts", server.admin()).send().text())
                .contains("/ui/hosts/db3/remove")
                .doesNotContain("/ui/hosts/db1/remove");
        assertThat(server.request("GET", "/ui/hosts/db3/remove", server.admin())
                        .send()
                        .text())
                .contains("Remove db3?");
        assertThat(submit("/ui/hosts/db3/remove", server.admin(), Map.of()).status())
                .isEqualTo(303);
        assertThat(hosts.list()).extracting(host -> host.status().name()).containsExactly("db1", "db2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            192.0.2.13 | 0    | expected 1 to 65535
            192.0.2.13 | many | expected a number
            a b        | 22   | expected a host name or address
            192.0.2.99 | 22   | it shows another key
            """)
    void form_wrong_saysSoAndShowsNoSecretAgain(String address, String port, String says) {
        Answer answer = submit(
                "/ui/hosts",
                server.admin(),
                Map.of("name", "db3", "address", address, "port", port, "hostKeys", "k", "password", "Clear-4c5d"));
        assertThat(answer.status()).as(answer.text()).isEqualTo(422);
        assertThat(answer.text())
                .contains(says)
                .contains("value=\"db3\"")
                .contains("value=\"" + address + "\"")
                .doesNotContain("Clear-");
        assertThat(hosts.list()).hasSize(2);
    }

    @Test
    void member_ofATenant_seesNone() {
        String token = server.member("anna", server.tenant("shop"));
        for (String path : new String[] {"/v1/hosts", "/v1/hosts/db1", "/v1/hosts/db9"}) {
            assertThat(server.request("GET", path, token).send().status())
                    .as(path)
                    .isEqualTo(403);
        }
        assertThat(server.request("PUT", "/v1/hosts/db1/mode", token)
                        .json("{\"mode\":\"DRAINING\"}")
                        .send()
                        .status())
                .isEqualTo(403);
        assertThat(server.request("POST", "/v1/hosts", token)
                        .json("{\"name\":\"db3\"}")
                        .send()
                        .status())
                .isEqualTo(403);
        assertThat(server.request("DELETE", "/v1/hosts/db2", token).send().status())
                .isEqualTo(403);
        assertThat(submit("/ui/hosts", token, Map.of("name", "db3")).status()).isEqualTo(403);
        assertThat(submit("/ui/hosts/db2/remove", token, Map.of()).status()).isEqualTo(403);
    }
}
