package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.server.TestServer.Answer;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Instances with standbys over HTTP: made, grown, shrunk, mended and switched over, and what is refused. */
class StandbysHttpIT {
    private static final String TOPOLOGY = ",\"topology\":{\"kind\":\"PRIMARY_STANDBY\",\"standbys\":";

    private TestServer server;
    private String tenant;

    @BeforeEach
    void start(@TempDir Path directory) {
        server = TestServer.start(
                directory,
                SimulatedPlace.builder().without(Capability.SEVERAL_HOSTS).build());
        tenant = server.tenant("shop");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void pair_throughItsChanges_isAsAskedFor() {
        String at = pair();
        assertThat(names(at)).containsExactly("m-1", "m-2");
        assertThat(roles(at)).containsExactly("primary", "standby");

        done(at, "add-standby", "{}");
        assertThat(names(at)).containsExactly("m-1", "m-2", "m-3");
        assertThat(view(at).at("/spec/topology/standbys").intValue()).isEqualTo(2);

        done(at, "rebuild-standby", "{\"member\":\"m-2\"}");
        done(at, "switchover", "{\"member\":\"m-3\"}");
        assertThat(names(at)).startsWith("m-3").containsExactlyInAnyOrder("m-1", "m-2", "m-3");
        assertThat(roles(at)).containsExactly("primary", "standby", "standby");

        done(at, "remove-standby", "{\"member\":\"m-1\"}");
        done(at, "remove-standby", "{\"member\":\"m-2\"}");
        assertThat(names(at)).containsExactly("m-3");
        assertThat(view(at).at("/spec/topology/kind").textValue()).isEqualTo("SINGLE");

        assertThat(server.request("GET", at + "/events", server.admin()).send().text())
                .contains(
                        "instance.standby_added",
                        "instance.standby_rebuilt",
                        "instance.switched_over",
                        "instance.standby_removed");
    }

    @Test
    void switchover_previewed_saysWhatItCosts() {
        Answer preview = server.request("POST", pair() + "/preview", server.admin())
                .json("{\"kind\":\"SWITCHOVER\",\"member\":\"m-2\"}")
                .send();

        assertThat(preview.status()).as(preview.text()).isEqualTo(200);
        Schemas.of(server).check("Preview", preview.body());
        assertThat(preview.at("/warnings/0/code").textValue()).isEqualTo("WRITES_PAUSE");
    }

    @Test
    void failover_twoOfThreeLost_isDoneOnceTheLossIsAccepted() {
        Answer created = create(2);
        assertThat(created.status()).as(created.text()).isEqualTo(202);
        server.done(created);
        String instance = created.at("/instance").textValue();
        String at = at(instance);
        for (String member : List.of("m-1", "m-2")) {
            server.place().lose(new MemberRef(new TenantId(tenant), new InstanceId(instance), member));
        }

        TestServer.until("a person is asked", () -> preview(at).status() == 200);
        Answer preview = preview(at);
        Schemas.of(server).check("Preview", preview.body());
        assertThat(preview.at("/warnings/0/code").textValue()).isEqualTo("MAY_LOSE");
        assertThat(preview.at("/warnings/0/values/0").textValue()).isEqualTo("m-3");
        String accepted = preview.at("/change/accepted").toString();

        Answer unsaid = post(at, "failover", "{\"member\":\"m-3\"}");
        assertThat(unsaid.status()).as(unsaid.text()).isEqualTo(400);
        assertThat(unsaid.text()).contains("accepted");
        done(at, "failover", "{\"member\":\"m-3\",\"accepted\":" + accepted + "}");

        assertThat(names(at)).startsWith("m-3");
        assertThat(server.request("GET", at + "/events", server.admin()).send().text())
                .contains("instance.failed_over", "failover.elected", "lost_bytes_known");
    }

    private Answer preview(String at) {
        return server.request("POST", at + "/preview", server.admin())
                .json("{\"kind\":\"FAILOVER\",\"member\":\"m-3\"}")
                .send();
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = '|', textBlock = """
                    remove-standby  | {"member":"m-1"}        | 400 | SPEC_INVALID
                    remove-standby  | {"member":"m-9"}        | 400 | SPEC_INVALID
                    remove-standby  | {"member":1}            | 400 | REQUEST_INVALID
                    remove-standby  | {"member":"m-2","x":1}  | 400 | REQUEST_INVALID
                    remove-standby  | {}                      | 400 | REQUEST_INVALID
                    rebuild-standby | {"member":"m-1"}        | 400 | SPEC_INVALID
                    rebuild-standby | {"member":""}           | 400 | SPEC_INVALID
                    switchover      | {"member":"m-1"}        | 400 | SPEC_INVALID
                    switchover      | {"member":"../m-2"}     | 400 | SPEC_INVALID
                    failover        | {"member":"m-1","accepted":{"knownBytes":0}}   | 400 | SPEC_INVALID
                    failover        | {"member":"m-2","accepted":{"knownBytes":-1}}  | 400 | SPEC_INVALID
                    failover        | {"member":"m-2","accepted":{}}                 | 400 | REQUEST_INVALID
                    failover        | {"member":"m-2","accepted":{"knownBytes":"x"}} | 400 | REQUEST_INVALID
                    failover        | {"accepted":{"knownBytes":0}}                  | 400 | REQUEST_INVALID
                    failover        | {"member":"m-2"}                               | 409 | ILLEGAL_STATE
                    failover        | {"member":"m-2","accepted":{"knownBytes":0}}   | 409 | ILLEGAL_STATE
                    add-standby     | {"member":"m-2"}        | 400 | REQUEST_INVALID
                    add-standby     | [1]                     | 400 | REQUEST_INVALID
                    """)
    void change_badInput_isRefusedAndNothingIsDone(String verb, String body, int status, String code) {
        String at = pair();
        long changes = server.place().changes();

        Answer answer = post(at, verb, body);

        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.code()).isEqualTo(code);
        assertThat(server.place().changes()).isEqualTo(changes);
    }

    @Test
    void change_ofASingleMember_isRefused() {
        String at = at(server.instance(tenant, "alone"));

        for (String verb : List.of("remove-standby", "rebuild-standby", "switchover", "failover")) {
            Answer answer = post(at, verb, "{\"member\":\"m-1\"}");

            assertThat(answer.status()).as(answer.text()).isEqualTo(400);
            assertThat(answer.text()).contains("no standby");
        }
    }

    @Test
    void change_whileItIsStopped_isRefused() {
        String at = pair();
        done(at, "stop", "{}");

        Answer answer = post(at, "switchover", "{\"member\":\"m-2\"}");

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.code()).isEqualTo("ILLEGAL_STATE");
    }

    @Test
    void create_kindAlone_hasTheDefaults() {
        Answer created = server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .json(TestServer.spec("orders").replaceFirst("}$", ",\"topology\":{\"kind\":\"SINGLE\"}}"))
                .send();

        assertThat(created.status()).as(created.text()).isEqualTo(202);
    }

    @Test
    void create_standbysAlone_areAPrimaryWithStandbys() {
        Answer preview = server.request("POST", "/v1/tenants/" + tenant + "/instances:preview", server.admin())
                .json(TestServer.spec("orders").replaceFirst("}$", ",\"topology\":{\"standbys\":1}}"))
                .send();

        assertThat(preview.status()).as(preview.text()).isEqualTo(200);
        assertThat(preview.at("/change/spec/topology/kind").textValue()).isEqualTo("PRIMARY_STANDBY");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"0", "9", "-1"})
    void create_standbysOutOfBounds_isRefused(int standbys) {
        Answer answer = create(standbys);

        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("SPEC_INVALID");
        assertThat(answer.text()).contains("standbys");
    }

    @Test
    void change_ofTheOtherTenantsPair_isNotFound() {
        String at = pair();
        long changes = server.place().changes();
        String stranger = server.member("mia", server.tenant("bank"));

        for (String verb : List.of("add-standby", "remove-standby", "rebuild-standby", "switchover", "failover")) {
            Answer answer = server.request("POST", at + "/" + verb, stranger)
                    .json(verb.equals("add-standby") ? "{}" : "{\"member\":\"m-2\"}")
                    .send();

            assertThat(answer.status()).as(verb).isEqualTo(404);
            assertThat(answer.code()).isEqualTo("NOT_FOUND");
        }
        assertThat(server.place().changes()).isEqualTo(changes);
    }

    private String pair() {
        Answer created = create(1);
        assertThat(created.status()).as(created.text()).isEqualTo(202);
        server.done(created);
        return at(created.at("/instance").textValue());
    }

    private Answer create(int standbys) {
        return server.request("POST", "/v1/tenants/" + tenant + "/instances", server.admin())
                .json(TestServer.spec("orders").replaceFirst("}$", TOPOLOGY + standbys + "}}"))
                .send();
    }

    private String at(String instance) {
        return "/v1/tenants/" + tenant + "/instances/" + instance;
    }

    private Answer post(String at, String verb, String body) {
        return server.request("POST", at + "/" + verb, server.admin())
                .json(body)
                .send();
    }

    private void done(String at, String verb, String body) {
        Answer accepted = post(at, verb, body);
        assertThat(accepted.status()).as(accepted.text()).isEqualTo(202);
        server.done(accepted);
    }

    private JsonNode view(String at) {
        Answer answer = server.request("GET", at, server.admin()).send();
        Schemas.of(server).check("Instance", answer.body());
        return answer.body();
    }

    private List<String> names(String at) {
        return members(at, "name");
    }

    private List<String> roles(String at) {
        return members(at, "role");
    }

    private List<String> members(String at, String field) {
        List<String> out = new ArrayList<>();
        view(at).get("members").forEach(member -> out.add(member.get(field).textValue()));
        return out;
    }
}
