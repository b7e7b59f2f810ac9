package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Preview;
import dev.tenon.api.Preview.WarningCode;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A primary is lost for good and no standby is proved to have everything: a person is told what may be lost, and decides. */
final class ForcedFailoverIT {
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
    void twoOfThreeLost_strict_theThirdLeadsAfterTheLossWasAccepted() throws Exception {
        Instance orders = create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            refused(ErrorCode.ILLEGAL_STATE, "switch over", () -> orders.preview(failover("m-2")));
            refused(
                    ErrorCode.SPEC_INVALID,
                    "expected one of [m-2, m-3]",
                    () -> orders.failover("m-1", new PossibleLoss(0, Optional.empty())));

            lose(orders, "m-2", "m-1");
            Preview preview = awaitPreview(orders, "m-3");
            assertThat(orders.view().health()).isInstanceOf(Health.Down.class);
            assertThat(preview.steps()).extracting(Preview.Step::name).containsExactly("fail-over", "publish");
            assertThat(preview.warnings()).singleElement().satisfies(warning -> {
                assertThat(warning.code()).isEqualTo(WarningCode.MAY_LOSE);
                assertThat(warning.values().get(0)).isEqualTo("m-3");
            });
            refused(ErrorCode.SPEC_INVALID, "accepted", () -> orders.apply(failover("m-3")));
            refused(ErrorCode.SPEC_INVALID, "expected one of [m-3]", () -> orders.preview(failover("m-2")));

            orders.apply(preview).await(PATIENCE);
            assertThat(primary(orders)).isEqualTo("m-3");
            writer.awaitMore(50);
            await(orders, "whole again", view -> view.health() instanceof Health.Healthy);
            tell(orders);
            // It had everything that could be acknowledged, which nobody could prove: the members of two sets of two.
            writer.close();
            Set<Long> lost = new HashSet<>(writer.acknowledged);
            lost.removeAll(Writer.ids(orders));
            System.out.println("two of three lost: " + writer.acknowledged.size() + " rows acknowledged, " + lost.size()
                    + " lost");
        }
        assertThat(told(orders, "failover.begun").message()).contains("a person forces");
        assertThat(told(orders, "failover.elected").attributes()).containsKey("lost_bytes_known");
        assertThat(told(orders, "instance.failed_over").message()).contains("m-3");
        refused(ErrorCode.ILLEGAL_STATE, "switch over", () -> orders.preview(failover("m-1")));
    }

    @Test
    void primaryLostThatWentOnAlone_balanced_whatItAloneHadIsLostAndTold() throws Exception {
        Instance orders = create(1, Durability.BALANCED);
        Writer writer = new Writer(orders);
        Set<Long> before;
        try (writer) {
            writer.awaitMore(50);
            List<ProcessHandle> stopped = Signals.tree(server(orders, "m-2"));
            before = Set.copyOf(writer.acknowledged);
            Signals.send("STOP", stopped);
            await(orders, "leave is told", view -> !all(orders, "instance.alone")
                    .isEmpty());
            writer.awaitMore(200);
            lose(orders, "m-1");
            writer.close();
            Signals.send("CONT", stopped);
        }
        PossibleLoss stated = loss(awaitPreview(orders, "m-2"));
        assertThat(stated.knownBytes()).isPositive();
        assertThat(stated.safeUntil()).isPresent();

        // What is at stake is known to the next control plane, too.
        tenon.close();
        open();
        Instance again = tenant.instances().find("orders").orElseThrow();
        Preview preview = awaitPreview(again, "m-2");
        assertThat(loss(preview)).isEqualTo(stated);
        refused(
                ErrorCode.STALE,
                "more may be lost",
                () -> again.failover("m-2", new PossibleLoss(stated.knownBytes() - 1, stated.safeUntil())));
        again.apply(preview).await(PATIENCE);

        Event told = told(again, "failover.elected");
        assertThat(told.severity()).isEqualTo(Event.Severity.ERROR);
        assertThat(told.attributes())
                .containsEntry("lost_bytes_known", Long.toString(stated.knownBytes()))
                .containsEntry("safe_until", stated.safeUntil().orElseThrow().toString());
        assertThat(told(again, "instance.failed_over").message()).contains(stated.knownBytes() + " bytes");
        Set<Long> there = Writer.ids(again);
        assertThat(there).as("what the standby had").containsAll(before);
        assertThat(there).as("what only the primary had is lost").hasSizeLessThan(writer.acknowledged.size());
        await(again, "whole again", view -> view.health() instanceof Health.Healthy);
        tell(again);
    }

    private static Change.Failover failover(String member) {
        return new Change.Failover(member, Optional.empty());
    }

    private static PossibleLoss loss(Preview preview) {
        return ((Change.Failover) preview.change()).accepted().orElseThrow();
    }

    /** The disks of members are gone, and then the members. */
    private static void lose(Instance instance, String... members) throws IOException {
        List<Path> lost = new ArrayList<>();
        List<ProcessHandle> servers = new ArrayList<>();
        for (String member : members) {
            MemberRef ref = new MemberRef(instance.tenant(), instance.id(), member);
            ProcessHandle server = Traces.mainProcess(ref);
            Path home = home(ref, server);
            Path gone = home.resolveSibling(home.getFileName() + ".gone");
            Files.move(home, gone);
            lost.add(gone);
            servers.add(server);
        }
        servers.forEach(server -> Signals.tree(server).forEach(ProcessHandle::destroyForcibly));
        servers.forEach(server -> server.onExit().join());
        for (Path gone : lost) {
            try (Stream<Path> all = Files.walk(gone)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    private static Path home(MemberRef ref, ProcessHandle server) throws IOException {
        String[] words =
                Files.readString(Path.of("/proc/" + server.pid() + "/cmdline")).split("\0");
        Path data = Path.of(words[List.of(words).indexOf("-D") + 1]);
        for (Path path = data; path != null; path = path.getParent()) {
            if (path.getFileName().toString().endsWith(ref.externalName())) {
                return path;
            }
        }
        throw new AssertionError(data + " is not below the home of " + ref);
    }

    private static Preview awaitPreview(Instance instance, String member) throws Exception {
        await(instance, "a person is asked", view -> {
            try {
                instance.preview(failover(member));
                return true;
            } catch (TenonException e) {
                return false;
            }
        });
        return instance.preview(failover(member));
    }

    private static void refused(ErrorCode code, String why, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(why);
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

    private static ProcessHandle server(Instance instance, String member) {
        return Traces.mainProcess(new MemberRef(instance.tenant(), instance.id(), member));
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

    private static List<Event> all(Instance instance, String type) {
        return instance.events().after(0, 1_000).stream()
                .filter(event -> event.type().equals(type))
                .toList();
    }

    private static Event told(Instance instance, String type) {
        List<Event> all = all(instance, type);
        assertThat(all).as(type).isNotEmpty();
        return all.get(all.size() - 1);
    }

    private static void tell(Instance instance) {
        instance.events()
                .after(0, 1_000)
                .forEach(event -> System.out.println(
                        "  " + event.at() + " " + event.type() + ": " + event.message() + " " + event.attributes()));
    }
}
