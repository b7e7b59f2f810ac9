package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.api.OperationKind;
import dev.tenon.api.Reason;
import dev.tenon.api.Tenant;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Mortality;
import dev.tenon.testkit.fault.SimulatedCrash;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** A standby whose host does not come back is made elsewhere, once, whatever happens to the control plane meanwhile. */
final class LostStandbyTest {
    private static final int MOST = 200;

    @TempDir
    static Path directory;

    private static World world(SimulatedPlace.Builder place) throws Exception {
        World world = new World(Files.createTempDirectory(directory, "lost"), place, false);
        world.replaceAfter = Duration.ofSeconds(1);
        return world;
    }

    private static World world() throws Exception {
        return world(
                SimulatedPlace.builder().hosts(host("host-1", 16_000), host("host-2", 16_000), host("host-3", 16_000)));
    }

    private static PlaceCapacity.Host host(String name, int cpuMillis) {
        return new PlaceCapacity.Host(
                new Location("zone-1", name), cpuMillis, DataSize.gib(64), DataSize.gib(1_000), DataSize.gib(1_000));
    }

    private static Instance pair(Tenant tenant) {
        return World.created(tenant, "orders", s -> s.topology(t -> t.standbys(1)));
    }

    private static MemberRef member(Instance instance, String name) {
        return new MemberRef(instance.tenant(), instance.id(), name);
    }

    private static void lose(World world, Instance instance, String name) {
        world.place.killSilently(member(instance, name));
        world.place.unreachable(member(instance, name), true);
    }

    private static List<String> names(Instance instance) {
        return instance.view().members().stream().map(Member::name).toList();
    }

    private static boolean well(Instance instance) {
        return instance.view().health() instanceof Health.Healthy;
    }

    private static List<Event> events(Tenant tenant, String type) {
        return tenant.events().latest(500).stream()
                .filter(event -> event.type().equals(type))
                .toList();
    }

    @Test
    void host_silentForLong_standbyIsMadeElsewhereAndTheOldOneNeverComesBack() throws Exception {
        try (World world = world()) {
            world.replaceAfter = Duration.ofMinutes(10);
            World.Running first = world.start();
            Instance orders = pair(World.tenant(first.tenon, "shop"));
            World.eventually("follows", () -> well(orders));
            lose(world, orders, "m-2");
            World.eventually("says until when it waits", () -> orders.explain()
                    .waitsFor()
                    .filter(reason -> reason.code() == Reason.Code.MEMBER_AWAY)
                    .isPresent());
            assertThat(orders.explain().nextTryAt()).hasValueSatisfying(until -> assertThat(until)
                    .isAfter(world.clock.instant().plusSeconds(500)));
            first.crash();

            world.replaceAfter = Duration.ofSeconds(1);
            World.Running second = world.start();
            Tenant later = second.tenon.tenant("shop");
            Instance replaced = later.instances().get(orders.id());
            World.eventually("replaced", () -> names(replaced).equals(List.of("m-1", "m-3")) && well(replaced));
            assertThat(world.place.left()).containsExactly(member(orders, "m-2"));
            assertThat(events(later, "standby.lost")).singleElement().satisfies(event -> assertThat(event.attributes())
                    .containsEntry("member", "m-2"));
            World.eventually("told", () -> events(later, "standby.replaced").size() == 1);
            world.place.unreachable(member(orders, "m-2"), false);
            assertThat(world.place.left()).isEmpty();
            second.crash();
        }
    }

    @Test
    void host_silentButTheStandbyFollows_isNotReplaced() throws Exception {
        try (World world = world()) {
            World.Running running = world.start();
            Tenant tenant = World.tenant(running.tenon, "shop");
            Instance orders = pair(tenant);
            World.eventually("follows", () -> well(orders));
            world.place.unreachable(member(orders, "m-2"), true);
            World.eventually("noticed", () -> !well(orders));
            world.clock.skip(Duration.ofDays(1));
            World.eventually("looked at since", () -> orders.view().health() instanceof Health.Degraded);
            assertThat(events(tenant, "standby.lost")).isEmpty();
            world.place.unreachable(member(orders, "m-2"), false);
            World.eventually("well again", () -> well(orders));
            assertThat(names(orders)).containsExactly("m-1", "m-2");
        }
    }

    @Test
    void noOtherHostHasRoom_saysSoAndTakesTheOldOneWhenItIsBack() throws Exception {
        try (World world = world(SimulatedPlace.builder().hosts(host("host-1", 900), host("host-2", 900)))) {
            World.Running running = world.start();
            Tenant tenant = World.tenant(running.tenon, "shop");
            Instance orders = pair(tenant);
            World.eventually("follows", () -> well(orders));
            lose(world, orders, "m-2");
            World.eventually(() -> "says why: " + orders.explain(), () -> orders.explain()
                    .waitsFor()
                    .filter(reason -> reason.code() == Reason.Code.MEMBER_LOST)
                    .flatMap(Reason::because)
                    .isPresent());
            World.eventually(
                    "says when it is tried again",
                    () -> orders.explain().nextTryAt().isPresent());
            assertThat(names(orders)).containsExactly("m-1", "m-2");
            world.place.unreachable(member(orders, "m-2"), false);
            World.eventually("well again", () -> {
                world.clock.skip(Duration.ofSeconds(1));
                return well(orders);
            });
            assertThat(names(orders)).containsExactly("m-1", "m-2");
            World.quiet(tenant);
            world.consistent(running.tenon, tenant);
        }
    }

    @TestFactory
    Stream<DynamicTest> controlPlane_killedAtAnyBoundary_isReplacedOnce() {
        AtomicBoolean passedTheEnd = new AtomicBoolean();
        return IntStream.range(0, MOST)
                .boxed()
                .takeWhile(k -> !passedTheEnd.get())
                .map(k -> DynamicTest.dynamicTest("killed at boundary " + k, () -> {
                    boolean died = replaced(k);
                    passedTheEnd.set(!died);
                    assertThat(died || k >= 8).as("boundaries: " + k).isTrue();
                }));
    }

    private static boolean done(Mortality mortality, Instance instance) {
        try {
            return names(instance).equals(List.of("m-1", "m-3")) && well(instance);
        } catch (SimulatedCrash e) {
            return mortality.dead();
        }
    }

    /** Returns whether there was a boundary of this number before the new standby was made. */
    private static boolean replaced(int boundary) throws Exception {
        try (World world = world()) {
            Mortality mortality = new Mortality();
            World.Running first = world.start(mortality, FaultPlan.none());
            Tenant tenant = World.tenant(first.tenon, "shop");
            Instance before = pair(tenant);
            World.eventually("follows", () -> well(before));
            World.quiet(tenant);
            lose(world, before, "m-2");
            // What goes on while it waits are tries to reach the old one, without end.
            World.eventually("begins", () -> !events(tenant, "standby.lost").isEmpty());
            mortality.arm(boundary);
            World.eventually("killed or replaced", () -> mortality.dead() || done(mortality, before));
            boolean died = mortality.dead();
            first.crash();

            World.Running second = world.start();
            Tenant again = second.tenon.tenant("shop");
            Instance orders = again.instances().get(before.id());
            World.eventually(
                    () -> "replaced; " + orders.view().members() + orders.explain() + mortality.boundaries(), () -> {
                        world.clock.skip(Duration.ofSeconds(1));
                        return names(orders).equals(List.of("m-1", "m-3")) && well(orders);
                    });
            World.quiet(again);
            assertThat(World.operations(again))
                    .filteredOn(o -> o.kind() == OperationKind.HEAL)
                    .isNotEmpty();
            assertThat(world.place.left()).containsExactly(member(orders, "m-2"));
            world.consistent(second.tenon, again);
            orders.addStandby().await(World.PATIENCE);
            assertThat(names(orders)).as("the name is free again").hasSize(3);
            return died;
        }
    }
}
