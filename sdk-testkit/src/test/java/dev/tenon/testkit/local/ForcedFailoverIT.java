package dev.tenon.testkit.local;

import static dev.tenon.testkit.local.LocalShop.PATIENCE;
import static dev.tenon.testkit.local.LocalShop.await;
import static dev.tenon.testkit.local.LocalShop.events;
import static dev.tenon.testkit.local.LocalShop.primary;
import static dev.tenon.testkit.local.LocalShop.server;
import static dev.tenon.testkit.local.LocalShop.tell;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Preview;
import dev.tenon.api.Preview.WarningCode;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A primary is lost for good and no standby is proved to have everything: a person is told what may be lost, and decides. */
final class ForcedFailoverIT {
    @TempDir
    static Path directory;

    private LocalShop shop;

    @BeforeEach
    void open() throws Exception {
        shop = new LocalShop(directory, LocalDelivery.create());
    }

    @AfterEach
    void close() {
        shop.close();
    }

    @Test
    void twoOfThreeLost_strict_theThirdLeadsAfterTheLossWasAccepted() throws Exception {
        Instance orders = shop.create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            refused(ErrorCode.ILLEGAL_STATE, "switch over", () -> orders.preview(failover("m-2")));
            refused(
                    ErrorCode.SPEC_INVALID,
                    "expected one of [m-2, m-3]",
                    () -> orders.failover("m-1", new PossibleLoss(0, Optional.empty())));

            lose(orders, "m-2", "m-1");
            Set<Long> before = Set.copyOf(writer.acknowledged);
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
            int lost = requireOnlyTheEndIsLost(before, Writer.ids(orders));
            assertThat(Writer.ids(orders))
                    .as("what was acknowledged since")
                    .containsAll(without(writer.acknowledged, before));
            System.out.println("two of three lost: " + before.size() + " rows acknowledged, " + lost + " lost");
        }
        assertThat(told(orders, "failover.begun").message()).contains("a person forces");
        assertThat(told(orders, "failover.elected").attributes()).containsKey("lost_bytes_known");
        assertThat(told(orders, "instance.failed_over").message()).contains("m-3");
        refused(ErrorCode.ILLEGAL_STATE, "switch over", () -> orders.preview(failover("m-1")));
    }

    @Test
    void primaryLostThatWentOnAlone_balanced_whatItAloneHadIsLostAndTold() throws Exception {
        Instance orders = shop.create(1, Durability.BALANCED);
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
        shop.leave();
        open();
        Instance again = shop.tenant.instances().find("orders").orElseThrow();
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
        assertThat(requireOnlyTheEndIsLost(writer.acknowledged, there))
                .as("what only the primary had is lost")
                .isPositive();
        await(again, "whole again", view -> view.health() instanceof Health.Healthy);
        tell(again);
    }

    /** A log ends earlier, but has no holes. */
    private static int requireOnlyTheEndIsLost(Set<Long> acknowledged, Set<Long> there) {
        Set<Long> lost = without(acknowledged, there);
        long last = Collections.max(without(acknowledged, lost));
        assertThat(lost).allMatch(id -> id > last);
        return lost.size();
    }

    private static Set<Long> without(Set<Long> all, Set<Long> some) {
        Set<Long> rest = new HashSet<>(all);
        rest.removeAll(some);
        return rest;
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

    private static List<Event> all(Instance instance, String type) {
        return events(instance).stream()
                .filter(event -> event.type().equals(type))
                .toList();
    }

    private static Event told(Instance instance, String type) {
        List<Event> all = all(instance, type);
        assertThat(all).as(type).isNotEmpty();
        return all.get(all.size() - 1);
    }
}
