package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.HostFacts;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole instances on two real OpenSSH servers, through the public API, and what becomes of them when a host or its link fails. */
@NeedsDocker
class SshHostsIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static SshContainer first;
    private static SshContainer second;

    @TempDir
    Path directory;

    @BeforeAll
    static void open() {
        first = new SshContainer();
        second = new SshContainer();
        first.start();
        second.start();
    }

    @AfterAll
    static void close() {
        if (first != null) {
            first.stop();
            second.stop();
        }
    }

    private static SshDelivery delivery(String id, List<Consumer<HostSpec.Builder>> hosts) {
        SshDelivery.Builder builder = SshDelivery.builder().id(id).committedAtMost(100);
        hosts.forEach(builder::host);
        return builder.build();
    }

    private static List<Consumer<HostSpec.Builder>> both() {
        return List.of(first.as("h1", "a", "root"), second.as("h2", "b", SshContainer.OPERATOR));
    }

    private Tenon tenon(SshDelivery delivery) {
        return Tenon.builder()
                .directory(directory)
                .delivery(delivery)
                .resync(Duration.ofMillis(500))
                .build();
    }

    private static Instance create(Tenon tenon, String name, String zone) {
        Tenant shop =
                tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
        return shop.instances()
                .create(i -> i.name(name)
                        .engine(EngineId.POSTGRESQL, "17")
                        .resources(Resources.of(0.1, DataSize.mib(256), DataSize.gib(1)))
                        .zone(zone)
                        .addWhitelist(Cidr.parse("172.16.0.0/12")))
                .await(PATIENCE);
    }

    private static MemberRef member(Instance instance) {
        return new MemberRef(instance.tenant(), instance.id(), "m-1");
    }

    private static boolean healthy(Instance instance) {
        return instance.view().health() instanceof Health.Healthy;
    }

    @Test
    void facts_realHost_areWhatItIs() {
        SshDelivery delivery = delivery("facts", both());
        try (Tenon tenon = tenon(delivery)) {
            for (String host : List.of("h1", "h2")) {
                HostFacts facts = delivery.facts(host);
                assertThat(facts.system()).startsWith("Debian GNU/Linux 12");
                assertThat(facts.architecture())
                        .isEqualTo(System.getProperty("os.arch").replace("amd64", "x86_64"));
                assertThat(facts.cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
                assertThat(facts.disk().free().bytes()).isPositive();
                assertThat(facts.systemd()).isFalse();
                assertThat(facts.missing()).isEmpty();
                // The same clock: what is left is the time of the exchange.
                assertThat(facts.clockOffset().abs()).isLessThan(Duration.ofSeconds(30));
            }
        }
    }

    @Test
    void instance_createdUsedKilledDeleted_livesOnItsHost() throws Exception {
        // h1 logs in as root, h2 as a user with sudo: both must do.
        for (String zone : List.of("a", "b")) {
            SshContainer host = zone.equals("a") ? first : second;
            try (Tenon tenon = tenon(delivery("life", both()))) {
                Instance orders = create(tenon, "orders-" + zone, zone);
                assertThat(Members.ask(orders, "SELECT 1")).isEqualTo(1);
                assertThat(HostTraces.processes(host, member(orders))).hasSize(1);
                Members.ask(orders, "WITH w AS (SELECT 41 AS n) SELECT n FROM w");

                HostTraces.killMain(host, member(orders));
                Members.within(
                        PATIENCE,
                        "healed",
                        () -> healthy(orders)
                                && HostTraces.processes(host, member(orders)).size() == 1);
                assertThat(Members.ask(orders, "SELECT 2")).isEqualTo(2);

                orders.delete().await(PATIENCE);
                orders.purge().await(PATIENCE);
                Members.within(PATIENCE, "nothing left", () -> HostTraces.residue(host, member(orders))
                        .isEmpty());
            }
        }
    }

    @Test
    void controlPlane_startedAnew_adoptsWhatRuns() throws Exception {
        Instance before;
        List<String> process;
        try (Tenon tenon = tenon(delivery("again", both()))) {
            before = create(tenon, "orders", "a");
            process = HostTraces.processes(first, member(before));
        }
        try (Tenon tenon = tenon(delivery("again", both()))) {
            Instance after = tenon.tenants()
                    .find("shop")
                    .orElseThrow()
                    .instances()
                    .find("orders")
                    .orElseThrow();
            Members.within(PATIENCE, "healthy", () -> healthy(after));
            assertThat(Members.ask(after, "SELECT 1")).isEqualTo(1);
            assertThat(HostTraces.processes(first, member(after))).isEqualTo(process);
            after.delete().await(PATIENCE);
            after.purge().await(PATIENCE);
        }
    }

    @Test
    void host_paused_isUnknownDelaysNobodyAndComesBack() throws Exception {
        try (Tenon tenon = tenon(delivery("pause", both()))) {
            Instance here = create(tenon, "here", "a");
            Instance there = create(tenon, "there", "b");
            first.pause();
            try {
                Members.within(PATIENCE, "seen", () -> here.view().health() instanceof Health.Unknown);
                HostTraces.killMain(second, member(there));
                Members.within(
                        PATIENCE,
                        "the other host heals meanwhile",
                        () -> healthy(there)
                                && HostTraces.processes(second, member(there)).size() == 1);
                assertThat(Members.ask(there, "SELECT 1")).isEqualTo(1);
                assertThat(here.view().health()).isInstanceOf(Health.Unknown.class);
            } finally {
                first.resume();
            }
            Members.within(PATIENCE, "back", () -> healthy(here));
            assertThat(Members.ask(here, "SELECT 1")).isEqualTo(1);
            for (Instance each : List.of(here, there)) {
                each.delete().await(PATIENCE);
                each.purge().await(PATIENCE);
            }
        }
    }

    @Test
    void hostKey_changed_isRefusedAndNothingIsPlacedElsewhereInItsStead() {
        HostSpec.Builder real = HostSpec.builder();
        first.as("h1", "a", "root").accept(real);
        // The other host's keys: real ones, of the same kinds, of another machine.
        Consumer<HostSpec.Builder> swapped = h -> h.from(real.build()).hostKeys(second.hostKeys());
        SshDelivery delivery = delivery("swapped", List.of(swapped));
        try (Tenon tenon = tenon(delivery)) {
            assertThatThrownBy(() -> delivery.facts("h1"))
                    .isInstanceOfSatisfying(
                            ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_KEY_MISMATCH));
            assertThat(delivery.capacity().hosts()).isEmpty();
        }
    }
}
