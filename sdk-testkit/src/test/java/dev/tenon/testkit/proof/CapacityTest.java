package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.api.Operation;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A place is promised no further than it reaches, whoever promises. */
final class CapacityTest {
    private static final Duration PATIENCE = World.PATIENCE;

    @TempDir
    Path directory;

    /** Each instance of {@link World#SIZE} takes 0.5 processors, 256 MiB and 1 GiB. */
    private World world(int cpuMillis, long mebibytes, long gibibytes, boolean shared) {
        SimulatedPlace.Builder place = SimulatedPlace.builder()
                .hosts(new PlaceCapacity.Host(
                        new Location("zone-1", "host-1"),
                        cpuMillis,
                        DataSize.mib(mebibytes),
                        DataSize.gib(gibibytes),
                        DataSize.gib(gibibytes)));
        return new World(directory, place, shared);
    }

    private static void refused(World world, Tenant tenant, String lacks) {
        long changes = world.place.changes();
        assertThatThrownBy(() -> tenant.instances().create(World.spec("late").build()))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CAPACITY_EXCEEDED))
                .hasMessageContaining("the place sim has no room: " + lacks);
        assertThatThrownBy(() -> tenant.instances().preview(World.spec("late").build()))
                .hasMessageContaining(lacks);
        assertThat(tenant.instances().find("late")).isEmpty();
        assertThat(world.place.changes()).isEqualTo(changes);
    }

    @Test
    void memory_promisedToOthers_refusesUntilItIsGivenBack() {
        try (World world = world(100_000, 700, 100, false)) {
            World.Running plane = world.start();
            Tenant shop = World.tenant(plane.tenon, "shop");
            Tenant bank = World.tenant(plane.tenon, "bank");
            Instance first = World.created(shop, "a");
            World.created(bank, "b");
            refused(world, shop, "memory: 512MiB promised + 256MiB asked > 700MiB");
            assertThatThrownBy(() -> first.resize(Resources.of(0.5, DataSize.mib(512), DataSize.gib(1))))
                    .hasMessageContaining("memory: 512MiB promised + 256MiB asked");
            first.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
            World.created(shop, "late");
        }
    }

    @Test
    void standby_thatNoHostTakes_isNoMember() {
        SimulatedPlace.Builder place = SimulatedPlace.builder().hosts(host("host-1"), host("host-2"));
        try (World world = new World(directory, place, false)) {
            Tenant shop = World.tenant(world.start().tenon, "shop");
            Instance pair = shop.instances()
                    .create(World.spec("pair").topology(t -> t.standbys(1)).build())
                    .await(PATIENCE);

            assertThatThrownBy(() -> pair.addStandby().await(PATIENCE))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CAPACITY_EXCEEDED));

            assertThat(pair.view().members()).extracting(Member::name).containsExactly("m-1", "m-2");
            assertThat(pair.view().spec().topology().standbys()).isEqualTo(1);
            assertThat(world.place.members()).hasSize(2);
            pair.removeStandby("m-2").await(PATIENCE);
            assertThat(pair.addStandby().await(PATIENCE).view().members())
                    .as("the next one is not in its way")
                    .hasSize(2);
        }
    }

    private static PlaceCapacity.Host host(String name) {
        return new PlaceCapacity.Host(
                new Location("zone-1", name), 100_000, DataSize.gib(16), DataSize.gib(100), DataSize.gib(100));
    }

    @Test
    void cpus_promisedToOthers_refuse() {
        try (World world = world(1_000, 100_000, 100, false)) {
            Tenant shop = World.tenant(world.start().tenon, "shop");
            World.created(shop, "a");
            World.created(shop, "b");
            refused(world, shop, "cpus: 1 promised + 0.5 asked > 1");
        }
    }

    @Test
    void storage_ofTheRecycleBin_isStillPromised() {
        try (World world = world(100_000, 100_000, 2, false)) {
            Tenant shop = World.tenant(world.start().tenon, "shop");
            Instance first = World.created(shop, "a");
            World.created(shop, "b");
            first.delete().await(PATIENCE);
            assertThatThrownBy(() -> shop.instances().create(World.spec("late").build()))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CAPACITY_EXCEEDED));
            first.apply(new Change.Purge()).await(PATIENCE);
            World.created(shop, "late");
        }
    }

    @Test
    void twoControlPlanes_orderingAtOnce_promiseExactlyWhatThereIs() throws Exception {
        try (World world = world(100_000, 10 * 256, 100, true)) {
            World.Running one = world.start();
            World.Running two = world.start();
            World.tenant(one.tenon, "shop");
            ExecutorService callers = Executors.newFixedThreadPool(6);
            try {
                List<Callable<Optional<Operation<Instance>>>> calls = new ArrayList<>();
                for (int i = 0; i < 30; i++) {
                    String name = "db-" + i;
                    Tenant shop = (i % 2 == 0 ? one : two).tenon.tenant("shop");
                    calls.add(() -> ordered(shop, name));
                }
                List<Operation<Instance>> accepted = new ArrayList<>();
                for (Future<Optional<Operation<Instance>>> call : callers.invokeAll(calls)) {
                    call.get().ifPresent(accepted::add);
                }
                assertThat(accepted).hasSize(10);
                for (Operation<Instance> operation : accepted) {
                    operation.await(PATIENCE);
                }
                world.consistent(one.tenon, one.tenon.tenant("shop"));
            } finally {
                callers.shutdownNow();
            }
        }
    }

    private static Optional<Operation<Instance>> ordered(Tenant shop, String name) {
        try {
            return Optional.of(shop.instances().create(World.spec(name).build()));
        } catch (TenonException e) {
            assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.CAPACITY_EXCEEDED);
            return Optional.empty();
        }
    }
}
