package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A primary and its standby on different real OpenSSH servers, with clients and members that meet over the network. */
@NeedsDocker
class SshPairsIT {
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

    /** Two hosts in zone a, one in zone b, where the login is not root. */
    private static SshDelivery delivery(String id, int count) {
        SshDelivery.Builder builder = SshDelivery.builder().id(id).committedAtMost(100);
        for (int i = 0; i < count; i++) {
            builder.host(hosts.get(i).as("h" + (i + 1), i == 1 ? "b" : "a", i == 1 ? SshContainer.OPERATOR : "root"));
        }
        return builder.build();
    }

    private Tenon tenon(SshDelivery delivery) {
        return Tenon.builder()
                .directory(directory)
                .delivery(delivery)
                .resync(Duration.ofMillis(500))
                .build();
    }

    private static Instance pair(Tenon tenon, Durability durability) {
        return pair(tenon, t -> t.standbys(1).durability(durability));
    }

    private static Instance pair(Tenon tenon, Consumer<Topology.Builder> topology) {
        Tenant shop =
                tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
        return shop.instances()
                .create(i -> i.name("orders")
                        .engine(EngineId.POSTGRESQL, "17")
                        .resources(Resources.of(0.1, DataSize.mib(256), DataSize.gib(1)))
                        .topology(topology)
                        .addWhitelist(Cidr.parse("172.16.0.0/12")))
                .await(PATIENCE);
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (connection;
                Statement s = connection.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            assertThat(r.next()).isTrue();
            return r.getString(1);
        }
    }

    /** Through the URL that clients are handed, which verifies names. */
    private static Connection standby(Instance instance) throws SQLException {
        var credential = instance.credential();
        return DriverManager.getConnection(
                instance.view().endpoint().orElseThrow().jdbcUrl().replace("Type=primary", "Type=secondary"),
                credential.user(),
                credential.password().reveal(t -> t));
    }

    private static List<String> places(Instance instance) {
        return instance.view().members().stream()
                .map(m -> m.role() + " on " + m.host().orElse("nowhere"))
                .toList();
    }

    private static boolean streams(Instance instance) {
        return instance.view().health() instanceof Health.Healthy
                && instance.view().members().stream()
                        .filter(m -> m.role().equals("standby"))
                        .allMatch(m ->
                                m.replication().map(Member.Replication::state).equals(Optional.of("streaming")));
    }

    private static SshContainer host(Member member) {
        return hosts.get(Integer.parseInt(member.host().orElseThrow().substring(1)) - 1);
    }

    private static void remove(Instance instance) {
        instance.delete().await(PATIENCE);
        instance.purge().await(PATIENCE);
    }

    @Test
    void pair_onTwoHosts_replicatesIsRebuiltAndSwitchesOver() throws Exception {
        try (Tenon tenon = tenon(delivery("pair", 2))) {
            Instance orders = pair(tenon, Durability.STRICT);
            assertThat(orders.view().members())
                    .extracting(m -> m.host().orElse(""))
                    .doesNotHaveDuplicates();
            Members.within(PATIENCE, "follows", () -> streams(orders));
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
            assertThat(text(standby(orders), "SELECT pg_is_in_recovery() AND count(*) = 1000 FROM t"))
                    .isEqualTo("t");

            orders.rebuildStandby("m-2").await(PATIENCE);
            Members.execute(orders, "INSERT INTO t VALUES (1001)");
            assertThat(text(standby(orders), "SELECT count(*) FROM t")).isEqualTo("1001");

            for (String target : List.of("m-2", "m-1")) {
                orders.switchover(target).await(PATIENCE);
                assertThat(orders.view().members().get(0).name()).isEqualTo(target);
                Members.execute(orders, "INSERT INTO t SELECT max(id) + 1 FROM t");
            }
            assertThat(text(standby(orders), "SELECT count(*) FROM t")).isEqualTo("1003");

            // What one host has, the other lets in; nobody else follows.
            Member standby = orders.view().members().get(1);
            assertThat(host(standby).sh("cat /var/lib/tenon/pair/members/*/conf/pg_hba.conf"))
                    .contains("tenon_replication "
                            + host(orders.view().members().get(0)).address() + "/32");
            List<Member> members = orders.view().members();
            remove(orders);
            for (Member member : members) {
                MemberRef ref = new MemberRef(orders.tenant(), orders.id(), member.name());
                Members.within(PATIENCE, "nothing left", () -> HostTraces.residue(host(member), ref)
                        .isEmpty());
            }
        }
    }

    @Test
    void restart_pairOnTwoHosts_rollsAndTheStandbyTakesOver() throws Exception {
        try (Tenon tenon = tenon(delivery("rolled", 2))) {
            Instance orders = pair(tenon, Durability.BALANCED);
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            Map<String, List<String>> before = servers(orders);

            orders.restart().await(PATIENCE);
            assertThat(orders.view().members().get(0).name()).isEqualTo("m-2");
            Members.execute(orders, "INSERT INTO t VALUES (101)");
            Members.within(PATIENCE, "follows", () -> streams(orders));
            assertThat(servers(orders))
                    .allSatisfy((member, pids) ->
                            assertThat(pids).hasSize(1).doesNotContainAnyElementsOf(before.get(member)));
            Members.within(PATIENCE, "has all", () -> text(standby(orders), "SELECT count(*) FROM t")
                    .equals("101"));
            remove(orders);
        }
    }

    private static Map<String, List<String>> servers(Instance instance) {
        return instance.view().members().stream()
                .collect(Collectors.toMap(
                        Member::name,
                        member -> HostTraces.processes(
                                host(member), new MemberRef(instance.tenant(), instance.id(), member.name()))));
    }

    @Test
    void drain_hostOfThePrimary_movesItAndLosesNothing() throws Exception {
        SshDelivery delivery = delivery("drain", 3);
        try (Tenon tenon = tenon(delivery)) {
            delivery.disable("h3");
            Instance orders = pair(tenon, Durability.STRICT);
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            String host = orders.view().members().get(0).host().orElseThrow();

            assertThat(delivery.moveAway(host, tenon, PATIENCE))
                    .as("nobody said so")
                    .containsOnlyKeys(orders.id());
            delivery.drain(host);
            assertThat(delivery.moveAway(host, tenon, Duration.ofSeconds(5)))
                    .as("there is no other host yet")
                    .containsOnlyKeys(orders.id());
            Members.execute(orders, "INSERT INTO t VALUES (101)");
            delivery.enable("h3");
            assertThat(delivery.moveAway(host, tenon, PATIENCE)).isEmpty();

            assertThat(orders.view().members())
                    .hasSize(2)
                    .noneMatch(m -> m.host().orElseThrow().equals(host));
            assertThat(delivery.hosts())
                    .filteredOn(status -> status.name().equals(host))
                    .singleElement()
                    .satisfies(status -> {
                        assertThat(status.mode()).isEqualTo(HostStatus.Mode.DRAINING);
                        assertThat(status.members()).isEmpty();
                        assertThat(status.promised().cpuMillis()).isZero();
                    });
            assertThat(delivery.moveAway(host, tenon, PATIENCE)).as("again").isEmpty();
            Members.execute(orders, "INSERT INTO t VALUES (102)");
            assertThat(text(standby(orders), "SELECT count(*) FROM t")).isEqualTo("102");
            remove(orders);
        }
    }

    @Test
    void pair_acrossZones_isNeverInOne() {
        SshDelivery delivery = delivery("zones", 3);
        try (Tenon tenon = tenon(delivery)) {
            delivery.disable("h2");
            assertThatThrownBy(() -> pair(tenon, t -> t.standbys(1).acrossZones()))
                    .isInstanceOf(TenonException.class)
                    .hasMessageContaining("its zone carries another member of the same instance");
            delivery.enable("h2");
        }
    }

    @Test
    void pair_oneHostOnly_isRefusedWithTheReason() {
        SshDelivery delivery = delivery("crowded", 2);
        try (Tenon tenon = tenon(delivery)) {
            delivery.disable("h2");
            assertThatThrownBy(() -> pair(tenon, Durability.BALANCED))
                    .isInstanceOf(TenonException.class)
                    .hasMessageContaining("h1 (a): carries m-1 of the same instance")
                    .hasMessageContaining("h2 (b): is disabled");
        }
    }

    @Test
    void primarysHost_paused_standbyLeadsAndTheHostJoinsAgain() throws Exception {
        try (Tenon tenon = tenon(delivery("silent", 2))) {
            Instance orders = pair(tenon, Durability.BALANCED);
            Members.execute(
                    orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            Member old = orders.view().members().get(0);
            host(old).pause();
            try {
                Members.within(
                        PATIENCE,
                        "the standby leads",
                        () -> !orders.view().members().get(0).name().equals(old.name()));
                // Waits until the new primary may go on alone.
                Members.execute(orders, "INSERT INTO t VALUES (101)");
            } finally {
                host(old).resume();
            }
            Members.within(PATIENCE, "follows", () -> streams(orders));
            assertThat(orders.view().members().get(1).name()).isEqualTo(old.name());
            Members.within(PATIENCE, "has all", () -> text(standby(orders), "SELECT count(*) FROM t")
                    .equals("101"));
            remove(orders);
        }
    }

    @Test
    void standbysHost_paused_isDoneWithoutAndFollowsAgain() throws Exception {
        try (Tenon tenon = tenon(delivery("paused", 2))) {
            Instance orders = pair(tenon, Durability.BALANCED);
            Members.execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
            SshContainer host = host(orders.view().members().get(1));
            host.pause();
            try {
                Members.within(PATIENCE, "seen", () -> !(orders.view().health() instanceof Health.Healthy));
                Members.execute(orders, "INSERT INTO t VALUES (1)");
            } finally {
                host.resume();
            }
            Members.within(PATIENCE, "follows again", () -> streams(orders));
            assertThat(places(orders)).hasSize(2);
            Members.within(PATIENCE, "has it", () -> text(standby(orders), "SELECT count(*) FROM t")
                    .equals("1"));
            remove(orders);
        }
    }
}
