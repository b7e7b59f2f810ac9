package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.HealthCheck;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Member;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real hosts that do not come back, or come back when they are no longer waited for. */
@NeedsDocker
class SshLostHostIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static List<SshContainer> hosts = List.of();

    @TempDir
    Path directory;

    @BeforeAll
    static void open() {
        hosts = Stream.generate(SshContainer::new).limit(3).toList();
        hosts.forEach(SshContainer::start);
    }

    @AfterAll
    static void close() {
        hosts.forEach(SshContainer::stop);
    }

    private static SshDelivery delivery(String id) {
        SshDelivery.Builder builder = SshDelivery.builder().id(id).committedAtMost(100);
        for (int i = 0; i < hosts.size(); i++) {
            builder.host(hosts.get(i).as("h" + (i + 1), "a", "root"));
        }
        return builder.build();
    }

    private Tenon tenon(SshDelivery delivery, Consumer<HealthCheck.Builder> check) {
        return Tenon.builder()
                .directory(directory)
                .delivery(delivery)
                .healthCheck(check)
                .resync(Duration.ofMillis(500))
                .build();
    }

    private static Tenant shop(Tenon tenon) {
        return tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
    }

    private static Instance created(Tenon tenon, String name, Consumer<InstanceSpec.Builder> more) {
        InstanceSpec.Builder spec = InstanceSpec.builder()
                .name(name)
                .engine(EngineId.POSTGRESQL, "17")
                .resources(Resources.of(0.1, DataSize.mib(256), DataSize.gib(1)))
                .addWhitelist(Cidr.parse("172.16.0.0/12"));
        more.accept(spec);
        return shop(tenon).instances().create(spec.build()).await(PATIENCE);
    }

    private static SshContainer container(String host) {
        return hosts.get(Integer.parseInt(host.substring(1)) - 1);
    }

    private static String host(Member member) {
        return member.host().orElseThrow();
    }

    private static List<String> names(Instance instance) {
        return instance.view().members().stream().map(Member::name).toList();
    }

    private static boolean well(Instance instance) {
        return instance.view().health() instanceof Health.Healthy;
    }

    private static long rows(Instance instance) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT count(*) FROM t")) {
            assertThat(r.next()).isTrue();
            return r.getLong(1);
        }
    }

    private static boolean told(Tenon tenon, String type, String member) {
        return shop(tenon).events().latest(500).stream()
                .filter(event -> event.type().equals(type))
                .map(Event::attributes)
                .anyMatch(attributes -> member.equals(attributes.get("member")));
    }

    private static HostStatus status(SshDelivery delivery, String host) {
        return delivery.hosts().stream()
                .filter(status -> status.name().equals(host))
                .findFirst()
                .orElseThrow();
    }

    private static void remove(Instance instance) {
        instance.apply(instance.preview(new Change.Delete(Optional.of(Duration.ZERO))))
                .await(PATIENCE);
    }

    @Test
    void standbysHost_silentForLong_isReplacedAndCleanedWhenItComesBack() throws Exception {
        SshDelivery delivery = delivery("time");
        try (Tenon tenon = tenon(delivery, check -> check.replaceAfter(Duration.ofSeconds(8)))) {
            Instance orders = created(tenon, "orders", s -> s.topology(t -> t.standbys(1)));
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            Member old = orders.view().members().get(1);
            MemberRef ref = new MemberRef(orders.tenant(), orders.id(), old.name());
            container(host(old)).pause();
            try {
                Members.within(PATIENCE, "says until when it waits", () -> orders.explain()
                        .waitsFor()
                        .filter(reason -> reason.code() == Reason.Code.MEMBER_AWAY)
                        .isPresent());
                assertThat(orders.explain().nextTryAt()).isPresent();
                Members.within(PATIENCE, "replaced", () -> names(orders).equals(List.of("m-1", "m-3")) && well(orders));
                Member made = orders.view().members().get(1);
                assertThat(host(made))
                        .isNotEqualTo(host(old))
                        .isNotEqualTo(host(orders.view().members().get(0)));
                assertThat(told(tenon, "standby.lost", "m-2")).isTrue();
                assertThat(told(tenon, "standby.replaced", "m-2")).isTrue();
                Members.execute(orders, "INSERT INTO t VALUES (101)");
                assertThat(status(delivery, host(old)).members())
                        .as("nothing is promised there")
                        .isEmpty();
            } finally {
                container(host(old)).resume();
            }
            Members.within(
                    PATIENCE,
                    "cleaned",
                    () -> status(delivery, host(old)).silent().isEmpty()
                            && HostTraces.residue(container(host(old)), ref).isEmpty());
            orders.switchover("m-3").await(PATIENCE);
            assertThat(rows(orders)).isEqualTo(101);
            remove(orders);
        }
    }

    @Test
    void primarysHost_saidToBeLost_isReplacedAtOnceByWhoLeads() throws Exception {
        SshDelivery delivery = delivery("word");
        try (Tenon tenon = tenon(delivery, HealthCheck.Builder::neverReplace)) {
            Instance orders =
                    created(tenon, "orders", s -> s.topology(t -> t.standbys(1).durability(Durability.STRICT)));
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            Member old = orders.view().members().get(0);
            String host = host(old);
            MemberRef ref = new MemberRef(orders.tenant(), orders.id(), old.name());
            assertThatThrownBy(() -> delivery.lost(host, tenon, Set.of(orders.id())))
                    .isInstanceOfSatisfying(
                            ConflictException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ILLEGAL_STATE))
                    .hasMessageContaining("drain it");
            container(host).pause();
            try {
                Members.within(PATIENCE, "the standby leads", () -> names(orders)
                        .get(0)
                        .equals("m-2"));
                Members.within(PATIENCE, "not the only copy", () -> delivery.onlyCopies(host, tenon)
                        .isEmpty());
                delivery.lost(host, tenon, Set.of());
                Members.within(PATIENCE, "replaced", () -> names(orders).equals(List.of("m-2", "m-3")) && well(orders));
                Members.execute(orders, "INSERT INTO t VALUES (101)");
            } finally {
                container(host).resume();
            }
            Members.within(
                    PATIENCE,
                    "cleaned",
                    () -> status(delivery, host).silent().isEmpty()
                            && HostTraces.residue(container(host), ref).isEmpty());
            assertThat(status(delivery, host).mode()).isEqualTo(HostStatus.Mode.LOST);
            assertThat(rows(orders)).isEqualTo(101);
            delivery.enable(host);
            assertThat(status(delivery, host).mode()).isEqualTo(HostStatus.Mode.ENABLED);
            remove(orders);
        }
    }

    @Test
    void onlyCopy_onALostHost_isNamedAndCanBeDeletedOrComesBack() throws Exception {
        SshDelivery delivery = delivery("single");
        try (Tenon tenon = tenon(delivery, HealthCheck.Builder::neverReplace)) {
            delivery.disable("h2");
            delivery.disable("h3");
            Instance kept = created(tenon, "kept", s -> {});
            Members.execute(kept, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t VALUES (1)");
            Instance gone = created(tenon, "gone", s -> {});
            MemberRef ref = new MemberRef(gone.tenant(), gone.id(), "m-1");
            container("h1").pause();
            try {
                Members.within(PATIENCE, "unseen", () -> kept.view().health() instanceof Health.Unknown);
                assertThatThrownBy(() -> delivery.lost("h1", tenon, Set.of(gone.id())))
                        .isInstanceOf(ConflictException.class)
                        .hasMessageContaining("kept (" + kept.id() + ")")
                        .hasMessageNotContaining("gone (");
                delivery.lost("h1", tenon, Set.of(kept.id(), gone.id()));
                Members.within(PATIENCE, "said plainly", () -> kept.view().health().reasons().stream()
                        .anyMatch(reason -> reason.code() == Reason.Code.ONLY_COPY_LOST));
                assertThat(kept.explain().waitsFor())
                        .hasValueSatisfying(reason -> assertThat(reason.code()).isEqualTo(Reason.Code.ONLY_COPY_LOST));
                remove(gone);
                assertThat(status(delivery, "h1").members())
                        .containsExactly(new MemberRef(kept.tenant(), kept.id(), "m-1"));
            } finally {
                container("h1").resume();
            }
            Members.within(PATIENCE, "back with its host", () -> well(kept));
            assertThat(rows(kept)).isEqualTo(1);
            Members.within(PATIENCE, "cleaned", () -> HostTraces.residue(container("h1"), ref)
                    .isEmpty());
            remove(kept);
        }
    }
}
