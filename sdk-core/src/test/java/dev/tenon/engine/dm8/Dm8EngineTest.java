package dev.tenon.engine.dm8;

import static dev.tenon.engine.dm8.Dm8Requests.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.TlsMaterial;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Dm8EngineTest {
    private final Dm8Engine engine = new Dm8Engine();

    @Test
    void engine_onTheClassPath_isFound() {
        assertThat(ServiceLoader.load(EngineDriver.class).stream()
                        .map(found -> found.get().id()))
                .contains(EngineId.DM8);
    }

    @Test
    void workloads_describedTwice_areEqualValues() {
        EngineRequest request = request(Topology.primaryStandby(2)).build();
        assertThat(engine.workloads(request)).isEqualTo(engine.workloads(request));
        assertThat(engine.bootstrap(request)).isEqualTo(engine.bootstrap(request));
    }

    @Test
    void workloads_otherVersion_isRefused() {
        refuses(
                ErrorCode.VERSION_UNKNOWN,
                () -> engine.workloads(request(Topology.single()).version("7").build()));
    }

    @Test
    void workloads_topologyNotDescribed_isRefused() {
        refuses(
                ErrorCode.UNSUPPORTED,
                () -> engine.workloads(
                        request(new Topology(TopologyKind.MPP, 2)).build()));
    }

    @Test
    void workloads_withTls_isRefusedRatherThanLeftPlain() {
        TlsMaterial tls = new TlsMaterial("certificate", Secret.of("key"), "authority");
        refuses(
                ErrorCode.UNSUPPORTED,
                () -> engine.workloads(request(Topology.single()).tls(tls).build()));
    }

    @Test
    void workloads_withParametersNobodyCanCheck_isRefused() {
        refuses(
                ErrorCode.UNSUPPORTED,
                () -> engine.workloads(
                        request(Topology.single()).putParameters("BUFFER", "1").build()));
    }

    // dminit manual, password keys: 9 to 48 characters, upper case, lower case, digit. The rest needs no quoting.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Short_12",
                "nouppercase_1",
                "NOLOWERCASE_1",
                "NoDigits_here",
                "Line\nBreak_123",
                "Quote\"Mark_123",
                "Comment#_123456",
                "Blank Space_123",
                "A23456789a23456789a23456789a23456789a23456789a234"
            })
    void workloads_passwordThatNeedsQuotingOrIsWeak_isRefused(String password) {
        refuses(
                ErrorCode.PASSWORD_POLICY,
                () -> engine.workloads(request(Topology.single())
                        .secrets(Map.of("sysdba", Secret.of(password), "sysauditor", Secret.of("Good_12345")))
                        .build()));
    }

    @Test
    void workloads_passwordMissing_isRefused() {
        refuses(
                ErrorCode.PASSWORD_POLICY,
                () -> engine.workloads(
                        request(Topology.single()).secrets(Map.of()).build()));
    }

    @Test
    void parameters_noProgramKnowsThem_areRefused() {
        refuses(ErrorCode.UNSUPPORTED, () -> engine.parameters("8", argv -> ""));
    }

    // dminit and installation manual: at least 1 GB; the tuning rules need more than that.
    @Test
    void sizing_tooSmall_isRefused() {
        refuses(
                ErrorCode.SIZE_INVALID,
                () -> engine.sizing("8", Resources.of(1, DataSize.gib(3), DataSize.gib(50)), Map.of()));
        refuses(
                ErrorCode.SIZE_INVALID,
                () -> engine.sizing("8", Resources.of(1, DataSize.gib(8), DataSize.gib(4)), Map.of()));
    }

    @Test
    void restartNeeded_anySettingChanged_needsOne() {
        assertThat(engine.restartNeeded(
                        "8", Map.of("BUFFER", "1", "A", "1"), Map.of("BUFFER", "2", "A", "1", "B", "1")))
                .containsExactlyInAnyOrder("BUFFER", "B");
    }

    // JDBC manual, driver jars: Maven group com.dameng.
    @Test
    void connect_withoutTheVendorsDriver_namesTheJar() {
        EngineRequest request = request(Topology.single()).build();
        assertThatThrownBy(
                        () -> engine.connect(request, new AdminAddress.Tcp("127.0.0.1", 5236), Duration.ofSeconds(1)))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SOFTWARE_MISSING))
                .hasMessageContaining("com.dameng:DmJdbcDriver11");
    }

    // JDBC manual, URL forms: no database name in the URL, schema=; IPv6 in brackets.
    @Test
    void connection_ofAnEndpoint_isTheVendorsUrlWithoutPassword() throws SQLException {
        var info = engine.connection(
                request(Topology.single()).build(),
                new ClientEndpoint("fd00::1", 5236, Optional.empty()),
                "shop",
                "shop_owner");
        assertThat(info.jdbcUrl()).isEqualTo("jdbc:dm://[fd00::1]:5236?schema=shop");
        assertThat(info.snippets().get("disql")).isEqualTo("disql shop_owner@[fd00::1]:5236");
        assertThatThrownBy(
                        () -> info.dataSource().apply(Secret.of("Canary_12345")).getConnection())
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SOFTWARE_MISSING))
                .hasMessageNotContaining("Canary");
    }

    private static void refuses(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }
}
