package dev.tenon.testkit.local;

import static dev.tenon.testkit.local.LocalShop.PATIENCE;
import static dev.tenon.testkit.local.LocalShop.await;
import static dev.tenon.testkit.local.LocalShop.execute;
import static dev.tenon.testkit.local.LocalShop.say;
import static dev.tenon.testkit.local.LocalShop.streams;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.baremetal.LocalDelivery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A primary and its standbys on this machine, on real servers. */
final class StandbysIT {
    @TempDir
    static Path directory;

    private LocalDelivery delivery;
    private LocalShop shop;

    @BeforeEach
    void open() throws Exception {
        delivery = LocalDelivery.create();
        shop = new LocalShop(directory, delivery);
    }

    @AfterEach
    void close() {
        shop.close();
    }

    @Test
    void create_oneStandby_streamsAndServesReads() throws Exception {
        Instance orders = shop.create(spec -> spec.topology(t -> t.standbys(1)));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
        InstanceView view = orders.view();

        assertThat(view.health()).isEqualTo(new Health.Healthy());
        assertThat(view.members()).extracting(Member::role).containsExactly("primary", "standby");
        assertThat(view.members().get(1).replication()).hasValueSatisfying(follows -> {
            assertThat(follows.state()).isEqualTo("streaming");
            assertThat(follows.sync()).isEqualTo("quorum");
            assertThat(follows.lagBytes()).isPresent();
        });
        assertThat(onStandby(orders, "SELECT pg_is_in_recovery() AND count(*) = 1000 FROM t"))
                .isEqualTo("t");
        assertThat(copied(orders)).as("it began as its primary did").isZero();
        try (Connection c = connect(orders, "primary");
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT pg_is_in_recovery()")) {
            r.next();
            assertThat(r.getBoolean(1)).as("the URL alone finds the primary").isFalse();
        }
    }

    @Test
    void switchover_underWrites_losesNothing() throws Exception {
        Instance orders = shop.create(spec -> spec.topology(t -> t.standbys(2)));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(20);
            for (String target : List.of("m-2", "m-3", "m-1")) {
                orders.switchover(target).await(PATIENCE);
                writer.awaitMore(20);
                assertThat(orders.view().members()).first().satisfies(primary -> {
                    assertThat(primary.name()).isEqualTo(target);
                    assertThat(primary.role()).isEqualTo("primary");
                });
            }
            writer.close();
            say("switch-over", writer);
            writer.assertNothingLost();
            assertThat(writer.longestPause).isLessThan(Duration.ofSeconds(10));
        }
        assertThat(orders.view().members())
                .filteredOn(m -> m.role().equals("standby"))
                .hasSize(2)
                .allSatisfy(m -> assertThat(m.replication().map(Member.Replication::state))
                        .contains("streaming"));
        assertThatThrownBy(() -> orders.switchover("m-1"))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SPEC_INVALID))
                .hasMessageContaining("[m-3, m-2]");
    }

    @Test
    void killedMembers_underWrites_comeBackAndNothingIsLost() throws Exception {
        Instance orders = shop.create(spec -> spec.topology(t -> t.standbys(1)));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(20);
            for (String role : List.of("secondary", "primary")) {
                long before = server(orders, role);
                ProcessHandle.of(before).orElseThrow().destroyForcibly();
                await(
                        orders,
                        "whole again after the " + role + " was killed",
                        view -> view.health() instanceof Health.Healthy
                                && streams(view)
                                && server(orders, role) != before);
                writer.awaitMore(20);
            }
            writer.assertNothingLost();
        }
    }

    @Test
    void standbys_addedRebuiltAndRemoved_whileItServes() throws Exception {
        Instance orders = shop.create(spec -> {});
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(20);
            orders.addStandby().await(PATIENCE);
            assertThat(streams(orders.view())).isTrue();
            assertThat(copied(orders)).as("the first began as its primary did").isZero();
            orders.addStandby().await(PATIENCE);
            assertThat(copied(orders)).as("the log for the second is gone").isOne();
            assertThat(orders.view().members()).extracting(Member::name).containsExactly("m-1", "m-2", "m-3");
            assertThat(orders.view().spec().topology().standbys()).isEqualTo(2);
            long before = server(orders, "secondary");
            orders.rebuildStandby("m-2").await(PATIENCE);
            assertThat(ProcessHandle.of(before)).isEmpty();
            assertThat(streams(orders.view())).isTrue();
            orders.removeStandby("m-2").await(PATIENCE);
            assertThat(orders.view().members()).extracting(Member::name).containsExactly("m-1", "m-3");
            orders.removeStandby("m-3").await(PATIENCE);
            assertThat(orders.view().members()).extracting(Member::name).containsExactly("m-1");
            assertThat(orders.view().spec().topology()).isEqualTo(Topology.single());
            writer.awaitMore(20);
            writer.assertNothingLost();
        }
        assertThat(delivery.members()).hasSize(1);
        assertThat(orders.settings().get("synchronous_standby_names")).isEmpty();
    }

    @Test
    void addStandby_primaryHasWrittenACheckpointSince_isCopied() throws Exception {
        Instance orders = shop.create(spec -> {});
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
        orders.apply(new Change.Restart()).await(PATIENCE);
        orders.addStandby().await(PATIENCE);
        assertThat(streams(orders.view())).isTrue();
        assertThat(copied(orders)).isOne();
        assertThat(onStandby(orders, "SELECT pg_is_in_recovery() AND count(*) = 1000 FROM t"))
                .isEqualTo("t");
    }

    @Test
    void readWriteSplit_readOnlyConnections_readFromStandbysAsLongAsThereAreAny() throws Exception {
        Instance orders = shop.create(spec -> spec.topology(t -> t.standbys(2).readWriteSplit()));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        DataSource source = orders.dataSource(Duration.ZERO);
        try (Connection c = source.getConnection()) {
            for (long i = 1; i <= 50; i++) {
                insert(c, i);
                c.setReadOnly(true);
                assertThat(ask(c, "SELECT count(*) FROM t"))
                        .as("one's own writes")
                        .isEqualTo(Long.toString(i));
                c.setReadOnly(false);
            }
            c.setAutoCommit(false);
            awaitReadsFromStandby(orders, c);
            insert(c, 51);
            c.rollback();
            assertThat(ask(c, "SELECT count(*) FROM t")).isEqualTo("50");
            c.commit();
            orders.switchover("m-2").await(PATIENCE);
            assertThat(c.isValid(5)).as("a pool throws it away").isFalse();
        }
        try (Connection c = source.getConnection()) {
            insert(c, 51);
            awaitReadsFromStandby(orders, c);
            c.setReadOnly(true);
            assertThatThrownBy(() -> insert(c, 52)).isInstanceOf(SQLException.class);
            c.setReadOnly(false);
            try (Connection reads = DriverManager.getConnection(
                    orders.view().endpoint().orElseThrow().readJdbcUrl().orElseThrow(),
                    orders.credential().user(),
                    orders.credential().password().reveal(text -> text))) {
                assertThat(ask(reads, "SELECT pg_is_in_recovery()")).isEqualTo("t");
            }
            orders.removeStandby("m-1").await(PATIENCE);
            orders.removeStandby("m-3").await(PATIENCE);
            c.setReadOnly(true);
            assertThat(ask(c, "SELECT pg_is_in_recovery() OR count(*) <> 51 FROM t"))
                    .as("the primary serves")
                    .isEqualTo("f");
        }
        assertThat(orders.view().endpoint().orElseThrow().readJdbcUrl()).isEmpty();
    }

    private static void awaitReadsFromStandby(Instance instance, Connection c) throws Exception {
        await(instance, "reads from a standby", view -> {
            c.setReadOnly(true);
            boolean standby = ask(c, "SELECT pg_is_in_recovery()").equals("t");
            if (!c.getAutoCommit()) {
                c.commit();
            }
            c.setReadOnly(false);
            return standby;
        });
    }

    private static void insert(Connection c, long id) throws SQLException {
        try (PreparedStatement s = c.prepareStatement("INSERT INTO t VALUES (?)")) {
            s.setLong(1, id);
            s.executeUpdate();
        }
    }

    private static String ask(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            r.next();
            return r.getString(1);
        }
    }

    @Test
    void stopped_thenStarted_standbysFollowAgain() throws Exception {
        Instance orders = shop.create(spec -> spec.topology(t -> t.standbys(1).durability(Durability.STRICT)));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        orders.stop().await(PATIENCE);
        orders.start().await(PATIENCE);
        assertThat(streams(orders.view())).isTrue();
        orders.restart().await(PATIENCE);
        assertThat(streams(orders.view())).isTrue();
        orders.delete().await(PATIENCE);
        orders.recover().await(PATIENCE);
        execute(orders, "INSERT INTO t VALUES (1)");
        assertThat(onStandby(orders, "SELECT count(*) FROM t")).isEqualTo("1");
        orders.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
        assertThat(delivery.members()).isEmpty();
    }

    @Test
    void unsupported_isRefusedBeforeAnythingIsStored() {
        for (Consumer<InstanceSpec.Builder> change : List.<Consumer<InstanceSpec.Builder>>of(
                spec -> spec.ephemeral(true).topology(t -> t.standbys(1)),
                spec -> spec.topology(new Topology(TopologyKind.MPP, 1)))) {
            assertThatThrownBy(() -> shop.create(change))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
        }
        assertThat(shop.tenant.instances().find("orders")).isEmpty();
    }

    /** Through nothing but the URL that is handed out, as a client without the SDK would. */
    private static Connection connect(Instance instance, String role) throws SQLException {
        String url = instance.view().endpoint().orElseThrow().jdbcUrl();
        var credential = instance.credential();
        return DriverManager.getConnection(
                url.replace("targetServerType=primary", "targetServerType=" + role),
                credential.user(),
                credential.password().reveal(text -> text));
    }

    private static String onStandby(Instance instance, String sql) throws SQLException {
        try (Connection c = connect(instance, "secondary")) {
            return ask(c, sql);
        }
    }

    /** How many members of an instance hold a base backup: the server leaves where it began. */
    private static long copied(Instance instance) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.endsWith("data/backup_label.old")
                            && file.toString().contains(instance.view().id().value()))
                    .count();
        }
    }

    /** The main process of a member. */
    private static long server(Instance instance, String role) throws SQLException {
        try (Connection c = connect(instance, role);
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT pg_backend_pid()")) {
            r.next();
            return ProcessHandle.of(r.getLong(1))
                    .flatMap(ProcessHandle::parent)
                    .orElseThrow()
                    .pid();
        }
    }
}
