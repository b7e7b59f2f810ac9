package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The parts of the delivery over SSH that need no host. */
class HostPartsTest {
    private static final String FACTS = """
            uid 0
            boot 5f0c6a2e-0000-4000-8000-000000000001
            clock 1700000002500
            arch aarch64
            kernel Linux 6.1.0-28-arm64
            os Debian GNU/Linux 12 (bookworm)
            cores 4
            memory 8000000
            systemd yes
            units yes
            lacks flock
            disk ext4 1000 400 /var lib
            package /usr/lib/postgresql/15 postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)
            something-new that a later script says
            """;

    private static HostSpec.Builder spec() {
        return HostSpec.builder()
                .name("h1")
                .address("192.0.2.7")
                .password(Secret.of("Clear-9a8b"))
                .addHostKeys("ssh-ed25519 AAAA");
    }

    @Test
    void facts_whatAHostPrints_isRead() {
        HostFacts facts = HostFacts.parse(FACTS, 1_700_000_000_000L, 1_700_000_001_000L);
        assertThat(facts.architecture()).isEqualTo("aarch64");
        assertThat(facts.system()).isEqualTo("Debian GNU/Linux 12 (bookworm)");
        assertThat(facts.cores()).isEqualTo(4);
        assertThat(facts.memory()).isEqualTo(DataSize.bytes(8_000_000L * 1024));
        assertThat(facts.systemd()).isTrue();
        assertThat(facts.units()).isTrue();
        assertThat(facts.clockOffset()).isEqualTo(Duration.ofMillis(2_000));
        assertThat(facts.disk())
                .isEqualTo(new HostFacts.Disk("ext4", DataSize.bytes(1_024_000), DataSize.bytes(409_600), "/var lib"));
        assertThat(facts.installed())
                .containsExactly(new HostFacts.Installed(
                        "/usr/lib/postgresql/15", "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"));
    }

    @Test
    void lacks_unfitHost_namesEverything() {
        String printed = FACTS.replace("aarch64", "mips").replace("memory 8000000", "memory 1000");
        assertThat(HostFacts.parse(printed, 0, 0).lacks())
                .hasSize(3)
                .anyMatch(l -> l.contains("mips"))
                .anyMatch(l -> l.contains("memory"))
                .contains("the program flock");
    }

    @Test
    void head_anyWord_travelsAsOneLine() {
        assertThat(new String(Agent.head("verb", "a b", "c\nd", "\\n", "$(x); 'y' \"z\"", 7), StandardCharsets.UTF_8))
                .isEqualTo("verb\n5\na b\nc\\nd\n\\\\n\n$(x); 'y' \"z\"\n7\n");
        assertThatThrownBy(() -> Agent.head("verb", "a\0b")).isInstanceOf(ProviderException.class);
    }

    @Test
    void sight_ofSeveralMembers_isReadOneByOne() {
        List<Sight> seen = Sight.parse(List.of(
                "member i-a-m-1 boot-1",
                "epoch 3",
                "record {not json",
                "member i-b-m-1 boot-1",
                "member i-c-m-1 boot-1",
                "process postgres ready 12 3456 1700000000",
                "ended watcher"));
        assertThat(seen).hasSize(3);
        assertThat(seen.get(0).damage()).isPresent();
        assertThat(seen.get(1).record()).isEmpty();
        assertThat(seen.get(2).alive().get("postgres")).isEqualTo(new Sight.Alive(true, 12, 3456, 1_700_000_000));
        assertThat(seen.get(2).ended()).containsExactly("watcher");
    }

    @Test
    void spec_usual_hasTheDefaults() {
        HostSpec host = spec().build();
        assertThat(host.port()).isEqualTo(22);
        assertThat(host.user()).isEqualTo("root");
        assertThat(host.clientAddress()).isEqualTo("192.0.2.7");
        assertThat(host.memberAddress()).isEqualTo("192.0.2.7");
        assertThat(host.enabled()).isTrue();
        assertThat(host.toString()).doesNotContain("Clear-9a8b");
    }

    @Test
    void spec_wrongField_isNamed() {
        assertThatThrownBy(() -> spec().name("Not a name").build()).hasMessageContaining("host.name");
        assertThatThrownBy(() -> spec().zone("").build()).hasMessageContaining("host.zone");
        assertThatThrownBy(() -> spec().address("a b").build()).hasMessageContaining("host.address");
        assertThatThrownBy(() -> spec().memberAddress("h1' x").build()).hasMessageContaining("host.memberAddress");
        assertThatThrownBy(() -> spec().clientAddress("").build()).hasMessageContaining("host.clientAddress");
        assertThatThrownBy(() -> spec().port(0).build()).hasMessageContaining("host.port");
        assertThatThrownBy(() -> spec().user("root; rm").build()).hasMessageContaining("host.user");
        assertThatThrownBy(() -> spec().listen("everywhere").build()).hasMessageContaining("host.listen");
        assertThatThrownBy(() -> spec().hostKeys(List.of()).build()).hasMessageContaining("host.hostKeys");
        assertThatThrownBy(() -> HostSpec.builder()
                        .name("h1")
                        .address("h1")
                        .addHostKeys("ssh-ed25519 AAAA")
                        .build())
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("host.privateKey");
    }

    @Test
    void builder_twoHostsOfOneName_areRefused() {
        SshDelivery.Builder builder = SshDelivery.builder().host(h -> h.from(spec().build()));
        assertThatThrownBy(() -> builder.host(h -> h.from(spec().build()))).hasMessageContaining("h1");
        assertThat(SshDelivery.builder().build().id())
                .as("hosts may be adopted later")
                .isEqualTo("hosts");
        assertThatThrownBy(() -> SshDelivery.builder().runAs("root")).hasMessageContaining("runAs");
        assertThatThrownBy(() -> SshDelivery.builder().committedAtMost(0)).hasMessageContaining("committedAtMost");
    }
}
