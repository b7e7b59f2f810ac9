package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import dev.tenon.server.hosts.FakeHosts;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts over HTTP: seen, closed to new members and drained by administrators, and by nobody else. */
class HostsHttpIT {
    private TestServer server;

    @BeforeEach
    void start(@TempDir Path directory) {
        server = TestServer.start(directory, new FakeHosts());
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
    }
}
