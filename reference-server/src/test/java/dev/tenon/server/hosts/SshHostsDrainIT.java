package dev.tenon.server.hosts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Member;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.testkit.ssh.SshContainer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;

/** The server empties real hosts by itself, says what stays and why, and goes on after a restart. */
@EnabledIf("docker")
class SshHostsDrainIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final List<SshContainer> containers =
            Stream.generate(SshContainer::new).limit(3).toList();

    @TempDir
    Path directory;

    static boolean docker() {
        return DockerClientFactory.instance().isDockerAvailable();
    }

    @BeforeEach
    void open() {
        containers.parallelStream().forEach(SshContainer::start);
    }

    @AfterEach
    void close() {
        containers.forEach(SshContainer::stop);
    }

    /** What the server is made of, as far as hosts go. */
    private final class Running implements AutoCloseable {
        final Tenon tenon;
        final SshHosts hosts;

        Running() {
            SshDelivery.Builder builder = SshDelivery.builder().committedAtMost(100);
            for (int i = 0; i < containers.size(); i++) {
                builder.host(containers.get(i).as("h" + (i + 1), "a", "root"));
            }
            SshDelivery delivery = builder.build();
            tenon = Tenon.builder()
                    .directory(directory)
                    .delivery(delivery)
                    .resync(Duration.ofMillis(500))
                    .build();
            hosts = new SshHosts(delivery, tenon);
        }

        @Override
        public void close() {
            hosts.close();
            tenon.close();
        }
    }

    private static void within(String what, Callable<Boolean> holds) {
        Awaitility.await(what).atMost(PATIENCE).until(holds);
    }

    private static List<OperationView> operations(Tenant tenant, OperationKind kind) {
        return tenant.operations().list(Optional.empty(), PageRequest.first(500)).items().stream()
                .filter(operation -> operation.kind() == kind)
                .toList();
    }

    private static long rows(Instance instance, String sql) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            assertThat(r.next()).isTrue();
            return r.getLong(1);
        }
    }

    @Test
    void drain_serverRestartedInTheMiddle_goesOnAndDoesNothingTwice() throws Exception {
        String host;
        InstanceId id;
        try (Running first = new Running()) {
            first.hosts.mode("h3", HostStatus.Mode.DISABLED);
            Tenant shop = first.tenon.tenants().create(t -> t.name("shop"));
            Instance orders = shop.instances()
                    .create(i -> i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .resources(Resources.of(0.1, DataSize.mib(256), DataSize.gib(1)))
                            .topology(t -> t.standbys(1).durability(Durability.STRICT))
                            .addWhitelist(Cidr.parse("172.16.0.0/12")))
                    .await(PATIENCE);
            id = orders.id();
            try (Connection c = orders.dataSource().getConnection();
                    Statement s = c.createStatement()) {
                s.execute("CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            }
            host = orders.view().members().get(0).host().orElseThrow();
            first.hosts.mode(host, HostStatus.Mode.DRAINING);
            within("says why it stays", () -> first.hosts.get(host).staying().containsKey(orders.id()));
            assertThat(first.hosts.get(host).staying().get(orders.id())).contains("no host can take");
            first.hosts.mode("h3", HostStatus.Mode.ENABLED);
            within("under way", () -> operations(shop, OperationKind.STANDBY_ADD).stream()
                    .anyMatch(operation -> operation.state() == OperationState.RUNNING));
        }
        try (Running second = new Running()) {
            Tenant shop = second.tenon.tenant("shop");
            Instance orders = shop.instances().get(id);
            within("empty", () -> operations(shop, OperationKind.STANDBY_REMOVE).stream()
                    .anyMatch(operation -> operation.state() == OperationState.SUCCEEDED));
            within(
                    "said to be empty",
                    () -> second.hosts.get(host).status().members().isEmpty());
            assertThat(orders.view().members())
                    .hasSize(2)
                    .extracting(Member::host)
                    .doesNotContain(Optional.of(host));
            for (OperationKind kind :
                    List.of(OperationKind.STANDBY_ADD, OperationKind.SWITCHOVER, OperationKind.STANDBY_REMOVE)) {
                assertThat(operations(shop, kind))
                        .filteredOn(operation -> operation.state() == OperationState.SUCCEEDED)
                        .as(kind.name())
                        .hasSize(1);
            }
            assertThat(rows(orders, "SELECT count(*) FROM t")).isEqualTo(100);
            within("nothing stays", () -> second.hosts.get(host).staying().isEmpty());
        }
    }
}
