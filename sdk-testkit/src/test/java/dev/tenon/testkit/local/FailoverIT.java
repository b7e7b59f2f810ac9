package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Reason;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens by itself when members of a cluster are lost, on real servers under a writer. */
final class FailoverIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    static Path directory;

    private Tenon tenon;
    private Tenant tenant;

    @BeforeEach
    void open() throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        tenon = Tenon.builder()
                .directory(directory.resolve("plane"))
                .delivery(LocalDelivery.create())
                .build();
        tenant = tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
    }

    @AfterEach
    void close() {
        for (var view : tenant.instances()
                .list(InstanceFilter.none(), PageRequest.first(100))
                .items()) {
            tenant.instances()
                    .get(view.id())
                    .apply(new Change.Delete(Optional.of(Duration.ZERO)))
                    .await(PATIENCE);
        }
        tenon.close();
    }

    @Test
    void primaryKilled_strict_standbyLeadsAndNothingIsLost() throws Exception {
        Instance orders = create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            String old = primary(orders);
            server(orders, old).destroyForcibly();
            writer.awaitMore(50);
            assertThat(primary(orders)).as("another leads").isNotEqualTo(old);
            awaitWhole(orders, 3);
            writer.close();
            System.out.println("primary killed: " + writer.acknowledged.size() + " rows acknowledged, longest pause "
                    + writer.longestPause.toMillis() + " ms");
            tell(orders);
            writer.assertNothingLost();
        }
        assertThat(told(orders)).containsSubsequence("failover.begun", "failover.elected", "failover.done");
    }

    @Test
    void primarySilent_strict_isFencedAndRejoins() throws Exception {
        Instance orders = create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            String old = primary(orders);
            List<ProcessHandle> stopped = Signals.tree(server(orders, old));
            Signals.send("STOP", stopped);
            writer.awaitMore(50);
            assertThat(primary(orders)).as("another leads").isNotEqualTo(old);
            Signals.send("CONT", stopped);
            awaitWhole(orders, 3);
            await(orders, "the old primary's last process was ended, too", view -> stopped.stream()
                    .noneMatch(ProcessHandle::isAlive));
            writer.close();
            System.out.println("primary silent: " + writer.acknowledged.size() + " rows acknowledged, longest pause "
                    + writer.longestPause.toMillis() + " ms");
            tell(orders);
            writer.assertNothingLost();
        }
    }

    @Test
    void onlyStandbyKilled_balanced_comesBackWithoutStop() throws Exception {
        Instance orders = create(1, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            server(orders, "m-2").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            writer.assertNothingLost();
        }
        assertThat(primary(orders)).isEqualTo("m-1");
    }

    @Test
    void onlyStandbySilent_balanced_leaveIsRecordedAndTakenBack() throws Exception {
        Instance orders = create(1, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            List<ProcessHandle> stopped = Signals.tree(server(orders, "m-2"));
            Signals.send("STOP", stopped);
            await(orders, "leave is told", view -> told(orders).contains("instance.alone"));
            writer.awaitMore(50);
            assertThat(orders.explain().decisions())
                    .as("said once, not with every look")
                    .filteredOn(decision -> decision.what().code() == Reason.Code.RUNS_ALONE)
                    .hasSizeLessThanOrEqualTo(1);
            Signals.send("CONT", stopped);
            awaitWhole(orders, 2);
            await(orders, "leave is taken back", view -> told(orders).contains("instance.not_alone"));
            writer.awaitMore(50);
            writer.close();
            tell(orders);
            assertThat(writer.longestPause).isBetween(Duration.ofSeconds(8), Duration.ofSeconds(20));
            writer.assertNothingLost();
        }
    }

    @Test
    void allKilled_strict_comeBackAndNothingIsLost() throws Exception {
        Instance orders = create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            for (Member member : orders.view().members()) {
                server(orders, member.name()).destroyForcibly();
            }
            writer.awaitMore(50);
            awaitWhole(orders, 3);
            writer.assertNothingLost();
        }
    }

    @Test
    void pair_primaryKilled_writesWaitForItsReturn() throws Exception {
        Instance orders = create(1, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            server(orders, "m-1").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            assertThat(primary(orders)).isEqualTo("m-2");
            // A moment later there is no second automatic change: it is started where it was.
            server(orders, "m-2").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            assertThat(primary(orders)).isEqualTo("m-2");
            writer.close();
            tell(orders);
            writer.assertNothingLost();
        }
    }

    private Instance create(int standbys, Durability durability) throws SQLException {
        Instance orders = tenant.instances()
                .create(i -> i.name("orders")
                        .engine(EngineId.POSTGRESQL, "17")
                        .size(0.5, DataSize.mib(256), DataSize.gib(1))
                        .topology(t -> t.standbys(standbys).durability(durability)))
                .await(PATIENCE);
        try (Connection c = orders.dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
        }
        return orders;
    }

    private static String primary(Instance instance) {
        return instance.view().members().get(0).name();
    }

    private static ProcessHandle server(Instance instance, String member) throws IOException {
        return Traces.mainProcess(new MemberRef(instance.tenant(), instance.id(), member));
    }

    private static void awaitWhole(Instance instance, int members) throws Exception {
        await(
                instance,
                "whole again",
                view -> view.health() instanceof Health.Healthy
                        && view.members().size() == members
                        && view.members().stream().skip(1).allMatch(m -> m.replication()
                                .map(follows -> follows.state().equals("streaming"))
                                .orElse(false)));
    }

    private static void await(Instance instance, String what, Predicate<InstanceView> look) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        CountDownLatch pause = new CountDownLatch(1);
        while (!look.test(instance.view())) {
            assertThat(System.nanoTime())
                    .as(what + ": " + instance.view().health() + " "
                            + instance.view().members() + " " + instance.explain())
                    .isLessThan(end);
            pause.await(20, TimeUnit.MILLISECONDS);
        }
    }

    private static List<Event> events(Instance instance) {
        return instance.events().after(0, 1_000);
    }

    /** Types of the events, oldest first. */
    private static List<String> told(Instance instance) {
        return events(instance).stream().map(Event::type).toList();
    }

    private static void tell(Instance instance) {
        events(instance)
                .forEach(event -> System.out.println(
                        "  " + event.at() + " " + event.type() + ": " + event.message() + " " + event.attributes()));
    }
}
