package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What systemd does with members, seen on the host itself. */
@NeedsDocker
class SystemdUnitsIT {
    private static final Epoch EPOCH = new Epoch(1);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Resources SIZE = Resources.of(0.1, DataSize.mib(256), DataSize.mib(256));

    private static SshContainer host;

    @TempDir
    Path directory;

    @BeforeAll
    static void open() {
        host = SshContainer.withSystemd();
        host.start();
    }

    @AfterAll
    static void close() {
        if (host != null) {
            host.stop();
        }
    }

    private SshDelivery delivery(List<Consumer<HostSpec.Builder>> hosts) {
        SshDelivery.Builder builder = SshDelivery.builder().id("units").committedAtMost(100);
        hosts.forEach(builder::host);
        SshDelivery delivery = builder.build();
        delivery.start(new DeliveryContext(directory, Clock.systemUTC(), ref -> {}));
        return delivery;
    }

    private SshDelivery delivery() {
        return delivery(List.of(host.as("h1", "a", SshContainer.OPERATOR)));
    }

    private static String unit(MemberWorkload w) {
        return "tenon.units." + w.ref().externalName() + "."
                + w.processes().get(0).name() + ".service";
    }

    private static String show(MemberWorkload w, String property) {
        return host.sh("systemctl show --value -p \"$1\" \"$2\"", property, unit(w))
                .strip();
    }

    private static boolean loaded(MemberWorkload w) {
        return !show(w, "LoadState").equals("not-found");
    }

    /** What the kernel enforces on the member's main process: hundredths of a processor and bytes. */
    private static List<Long> limits(MemberWorkload w) {
        String pid = HostTraces.processes(host, w.ref()).get(0);
        return host.sh(
                        "slice=$(sed -n 's/^[^:]*:[^:]*:\\(.*tenon-units[^/]*\\).*/\\1/p' /proc/$1/cgroup | head -n 1);"
                                + " cat /sys/fs/cgroup/cpu$slice/cpu.cfs_quota_us 2>/dev/null || sed 's/ .*//' /sys/fs/cgroup$slice/cpu.max;"
                                + " cat /sys/fs/cgroup/memory$slice/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup$slice/memory.max",
                        pid)
                .lines()
                .map(Long::valueOf)
                .toList();
    }

    private static ObservedMember run(SshDelivery delivery, MemberWorkload w) {
        delivery.prepare(w, EPOCH);
        ObservedMember seen = delivery.start(w, EPOCH, PATIENCE);
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        return seen;
    }

    private static void destroyed(SshDelivery delivery, MemberWorkload w) {
        delivery.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
        assertThat(loaded(w)).isFalse();
        String slice = "tenon-units." + w.ref().externalName().replace('-', '_') + ".slice*";
        assertThat(host.sh("find /run/systemd /sys/fs/cgroup -name \"$1\" 2>/dev/null || true", slice))
                .isBlank();
    }

    @Test
    void member_started_hasItsLimitsAndSeesOnlyWhatItNeeds() {
        MemberWorkload w = Members.of("a");
        try (SshDelivery delivery = delivery()) {
            assertThat(delivery.capabilities())
                    .contains(Capability.CPU_LIMIT, Capability.MEMORY_LIMIT, Capability.RESIZE_IN_PLACE);
            ObservedMember before = run(delivery, w);
            assertThat(limits(w)).containsExactly(10_000L, SIZE.memory().bytes());
            String pid = HostTraces.processes(host, w.ref()).get(0);
            assertThat(host.sh("grep -E '^(NoNewPrivs|CapEff):' /proc/$1/status | tr -d ' \\t'", pid)
                            .lines())
                    .containsExactlyInAnyOrder("NoNewPrivs:1", "CapEff:0000000000000000");
            assertThat(host.sh("ls -A /proc/$1/root/home /proc/$1/root/tmp", pid))
                    .doesNotContain(SshContainer.OPERATOR);
            assertThat(host.sh("awk '$5 == \"/\" { print $6 }' /proc/$1/mountinfo", pid))
                    .startsWith("ro,");

            delivery.resize(w.ref(), Resources.of(0.2, DataSize.mib(512), SIZE.storage()), EPOCH);
            assertThat(limits(w)).containsExactly(20_000L, DataSize.mib(512).bytes());
            delivery.start(w, EPOCH, PATIENCE);
            assertThat(limits(w))
                    .as("as it was told last")
                    .containsExactly(10_000L, SIZE.memory().bytes());
            assertThat(delivery.observe(w.ref()).incarnation()).isEqualTo(before.incarnation());
            destroyed(delivery, w);
        }
    }

    @Test
    void main_killed_isLeftToTheControlPlane() throws Exception {
        MemberWorkload w = Members.of("b");
        try (SshDelivery delivery = delivery()) {
            run(delivery, w);
            assertThat(show(w, "Restart")).isEqualTo("no");
            HostTraces.killMain(host, w.ref());
            Members.within(PATIENCE, "the unit is gone with all that it started", () -> !loaded(w));
            assertThat(host.sh("find /sys/fs/cgroup -name \"$1\" 2>/dev/null || true", unit(w)))
                    .isBlank();
            assertThat(delivery.observe(w.ref()).state()).isEqualTo(MemberState.STOPPED);
            assertThat(delivery.start(w, EPOCH, PATIENCE).state()).isEqualTo(MemberState.RUNNING);
            destroyed(delivery, w);
        }
    }

    @Test
    void fenced_whateverSystemdDoes_staysDown() {
        MemberWorkload w = Members.of("c");
        try (SshDelivery delivery = delivery()) {
            run(delivery, w);
            delivery.fence(w.ref(), new Epoch(2));
            assertThat(loaded(w)).isFalse();
            host.sh("systemctl daemon-reload; systemctl start default.target");
            assertThat(HostTraces.processes(host, w.ref())).isEmpty();
            assertThat(host.sh("grep -rls \"$1\" /etc/systemd /run/systemd /usr/lib/systemd || true", unit(w)))
                    .isBlank();
            delivery.destroy(w.ref(), new Epoch(2), DestroyMode.EVERYTHING);
        }
    }

    @Test
    void unit_stoppedByAnAdministrator_endsInOrder() {
        MemberWorkload w = Members.of("d");
        try (SshDelivery delivery = delivery()) {
            run(delivery, w);
            host.sh("systemctl stop \"$1\"", unit(w));
            ObservedMember seen = delivery.observe(w.ref());
            assertThat(seen.state()).isEqualTo(MemberState.STOPPED);
            assertThat(delivery.logs(w.ref(), 100)).anyMatch(line -> line.contains("database system is shut down"));
            assertThat(delivery.start(w, EPOCH, PATIENCE).state()).isEqualTo(MemberState.RUNNING);
            destroyed(delivery, w);
        }
    }

    @Test
    void limits_oneHostWithoutSystemd_areNotPromised() {
        try (SshContainer plain = new SshContainer()) {
            plain.start();
            try (SshDelivery delivery = delivery(List.of(host.as("h1", "a", "root"), plain.as("h2", "b", "root")))) {
                assertThat(delivery.facts("h1").units()).isTrue();
                assertThat(delivery.facts("h2").units()).isFalse();
                assertThat(delivery.capabilities()).doesNotContain(Capability.CPU_LIMIT, Capability.RESIZE_IN_PLACE);
                MemberWorkload w = MemberWorkload.builder()
                        .from(Members.of("e"))
                        .placement(new Placement(Optional.of("b"), Set.of()))
                        .build();
                run(delivery, w);
                assertThatThrownBy(() -> delivery.resize(w.ref(), SIZE, EPOCH))
                        .isInstanceOfSatisfying(ProviderException.class, e -> assertThat(e.code())
                                .isEqualTo(ErrorCode.UNSUPPORTED));
                delivery.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            }
        }
    }

    @Test
    void host_shutDown_endsItsMembersInOrder() throws Exception {
        MemberWorkload w = Members.of("f");
        try (SshContainer other = SshContainer.withSystemd()) {
            other.start();
            try (SshDelivery delivery = delivery(List.of(other.as("h1", "a", "root")))) {
                run(delivery, w);
                other.sh("systemctl --no-block halt");
                Members.within(PATIENCE, "it is off", () -> !other.isRunning());
            }
            byte[] control = other.copyFileFromContainer(
                    "/var/lib/tenon/units/members/" + w.ref().externalName() + "/data/global/pg_control",
                    InputStream::readAllBytes);
            // The state: 1 is what a clean shutdown writes last.
            assertThat(ByteBuffer.wrap(control).order(ByteOrder.nativeOrder()).getInt(16))
                    .isEqualTo(1);
        }
    }

    @Test
    void session_beyondTheLimit_endsAloneAndTheMemberGoesOn() throws Exception {
        try (Tenon tenon = Tenon.builder()
                .directory(directory)
                .delivery(SshDelivery.builder()
                        .id("units")
                        .host(host.as("h1", "a", "root"))
                        .build())
                .build()) {
            Instance orders = tenon.tenants()
                    .create(t -> t.name("shop"))
                    .instances()
                    .create(i -> i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .resources(SIZE)
                            .addWhitelist(Cidr.parse("172.16.0.0/12")))
                    .await(PATIENCE);
            MemberRef ref = new MemberRef(orders.tenant(), orders.id(), "m-1");
            List<String> main = HostTraces.processes(host, ref);
            assertThatThrownBy(() -> Members.ask(
                            orders, "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 900)"))
                    .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState())
                            .as("ended, not refused")
                            .startsWith("08"));
            Members.within(PATIENCE, "it serves again", () -> {
                try {
                    return Members.ask(orders, "SELECT 1") == 1;
                } catch (SQLException e) {
                    return false;
                }
            });
            assertThat(HostTraces.processes(host, ref)).as("the main process").isEqualTo(main);
        }
    }
}
