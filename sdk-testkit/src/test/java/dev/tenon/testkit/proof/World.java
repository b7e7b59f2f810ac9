package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.HealthCheck;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Quota;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantView;
import dev.tenon.api.Tenon;
import dev.tenon.core.store.MemoryStore;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.fault.Mortality;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A store and a place that outlive the control planes which a test starts, crashes and starts again on them. */
final class World implements AutoCloseable {
    /** Long, because tests let time run much faster than a busy machine's threads. */
    static final Duration LEASE = Duration.ofMinutes(5);

    static final Duration PATIENCE = Duration.ofSeconds(20);
    static final Resources SIZE = Resources.of(0.5, DataSize.mib(256), DataSize.gib(1));

    final ShiftableClock clock = new ShiftableClock();
    final SimulatedPlace place;
    final StateStore store;
    private final Path directory;
    private final boolean shared;
    private final List<Running> started = new ArrayList<>();
    /** Of the control planes that are started from now on. */
    Duration replaceAfter = HealthCheck.builder().build().replaceAfter().orElseThrow();

    World(Path directory) {
        this(directory, SimulatedPlace.builder().hosts(host("host-1"), host("host-2"), host("host-3")), false);
    }

    /** Room for everything: what is counted here is members, not room. */
    private static PlaceCapacity.Host host(String name) {
        return new PlaceCapacity.Host(
                new Location("zone-1", name),
                100_000_000,
                DataSize.gib(1_048_576),
                DataSize.gib(67_108_864),
                DataSize.gib(67_108_864));
    }

    /**
     * Makes a world.
     *
     * @param shared whether several control planes may live in it at once; if not, each takes over from the one before at once
     */
    World(Path directory, SimulatedPlace.Builder place, boolean shared) {
        this.directory = directory;
        this.shared = shared;
        this.place = place.clock(clock).build();
        store = new MemoryStore(clock);
        store.open();
    }

    /** A control plane and the means to kill it. */
    final class Running {
        final Tenon tenon;
        final Mortality mortality;
        private final SimulatedDelivery delivery;

        private Running(Mortality mortality, Interceptor faults) {
            this.mortality = mortality;
            delivery = SimulatedDelivery.on(place);
            Interceptor interceptor = mortality.around(faults);
            tenon = Tenon.builder()
                    .directory(directory.resolve("control-plane"))
                    .store(outliving(Intercepted.store(store, interceptor)))
                    .delivery(Intercepted.delivery(delivery, interceptor))
                    .engine(Intercepted.engine(SimulatedEngine.on(place), interceptor))
                    .clock(clock)
                    .lease(LEASE)
                    .resync(Duration.ofMillis(200))
                    .healthCheck(check -> check.replaceAfter(replaceAfter))
                    .overcommit(1, 1)
                    .workers(4)
                    .build();
        }

        /** Ends it without any effect: what it still tries fails; then its leases run out. */
        void crash() {
            if (!mortality.dead()) {
                mortality.die();
            }
            delivery.processDied();
            closeQuietly();
            clock.skip(LEASE.plusMillis(100));
        }

        private void closeQuietly() {
            try {
                tenon.close();
            } catch (Throwable e) {
                // A dead control plane cannot say goodbye; only its threads must end.
                assertThat(mortality.dead()).as("closing failed: %s", e).isTrue();
            }
        }
    }

    Running start() {
        return start(new Mortality(), FaultPlan.none());
    }

    Running start(Mortality mortality, Interceptor faults) {
        Running running = new Running(mortality, faults);
        started.add(running);
        return running;
    }

    /** The store as one control plane sees it: not its own to open or close. */
    private StateStore outliving(StateStore store) {
        return (StateStore) Proxy.newProxyInstance(
                StateStore.class.getClassLoader(), new Class<?>[] {StateStore.class}, (proxy, method, args) -> {
                    switch (method.getName()) {
                        case "open", "close" -> {
                            return null;
                        }
                        case "shared" -> {
                            return shared;
                        }
                        default -> {
                            try {
                                return method.invoke(store, args);
                            } catch (InvocationTargetException e) {
                                throw e.getCause() == null ? e : e.getCause();
                            }
                        }
                    }
                });
    }

    static Tenant tenant(Tenon tenon, String name) {
        return tenon.tenants().create(t -> t.name(name).quota(World::roomy));
    }

    static void roomy(Quota.Builder quota) {
        quota.cpus(1_000)
                .memory(DataSize.gib(1_000))
                .storage(DataSize.gib(10_000))
                .instances(1_000);
    }

    static InstanceSpec.Builder spec(String name) {
        return InstanceSpec.builder()
                .name(name)
                .engine(SimulatedEngine.SIMDB, "2")
                .resources(SIZE);
    }

    static Instance created(Tenant tenant, String name) {
        return tenant.instances().create(spec(name).build()).await(PATIENCE);
    }

    static Instance created(Tenant tenant, String name, Consumer<InstanceSpec.Builder> more) {
        InstanceSpec.Builder spec = spec(name);
        more.accept(spec);
        return tenant.instances().create(spec.build()).await(PATIENCE);
    }

    /** Looks until it holds. */
    static void eventually(String what, BooleanSupplier holds) {
        eventually(() -> what, holds);
    }

    /** Longer than {@link #PATIENCE}: a look itself may take long on a busy machine. */
    static void eventually(Supplier<String> what, BooleanSupplier holds) {
        try {
            Awaitility.await()
                    .atMost(PATIENCE.multipliedBy(3))
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(2))
                    .pollInSameThread()
                    .until(holds::getAsBoolean);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(what.get(), e);
        }
    }

    /** Returns every operation of a tenant. */
    static List<OperationView> operations(Tenant tenant) {
        return tenant.operations()
                .list(Optional.empty(), PageRequest.first(500))
                .items();
    }

    /** Returns every instance of a tenant that is not deleted, also those in the recycle bin. */
    static List<InstanceView> instances(Tenant tenant) {
        List<InstanceView> all = new ArrayList<>(tenant.instances()
                .list(InstanceFilter.none(), PageRequest.first(500))
                .items());
        all.addAll(tenant.instances()
                .list(InstanceFilter.builder().lifecycle("Recycled").build(), PageRequest.first(500))
                .items());
        return all;
    }

    /** Waits until no operation of a tenant is in progress, and none is parked. */
    static void quiet(Tenant tenant) {
        eventually(
                "quiet; left "
                        + operations(tenant).stream()
                                .filter(o -> !o.state().done())
                                .toList(),
                () -> operations(tenant).stream().allMatch(o -> o.state().done()));
    }

    /** Requires that place, quota and instances agree: nothing orphaned, nothing missing, nothing counted twice. */
    void consistent(Tenon tenon, Tenant... tenants) {
        List<InstanceView> all = new ArrayList<>();
        for (Tenant tenant : tenants) {
            List<InstanceView> own = instances(tenant);
            all.addAll(own);
            quotaIsTheSum(tenant.view(), own);
        }
        Set<String> members = place.members().stream().map(MemberRef::toString).collect(Collectors.toSet());
        Set<String> wanted = all.stream()
                .filter(i -> !i.lifecycle().name().equals("Failed"))
                .flatMap(i -> i.members().stream().map(m -> i.id() + "/" + m.name()))
                .collect(Collectors.toSet());
        assertThat(members)
                .as(
                        "members at the place; %s",
                        all.stream()
                                .map(i -> i.id() + " " + i.lifecycle() + " " + i.health())
                                .toList())
                .isEqualTo(wanted);
        assertThat(place.portsAssigned()).as("ports").isEqualTo(members.size());
        eventually(
                () -> "what shall run runs, what shall not does not: " + place.dump()
                        + all.stream()
                                .map(i -> tenon.tenants()
                                        .get(i.tenant())
                                        .instances()
                                        .get(i.id())
                                        .explain())
                                .toList(),
                () -> {
                    boolean holds = all.stream()
                            .allMatch(i -> runs(i) == i.lifecycle().name().equals("Active"));
                    if (!holds) {
                        clock.skip(Duration.ofSeconds(1)); // a healing that failed waits before its next try
                    }
                    return holds;
                });
        assertThat(place.overlaps()).as("calls for one member at the same time").isEmpty();
    }

    private boolean runs(InstanceView i) {
        return place.dump().lines().anyMatch(l -> l.startsWith(i.id() + "/m-1 ") && l.contains(" running=true "));
    }

    private static void quotaIsTheSum(TenantView tenant, List<InstanceView> own) {
        BigDecimal cpus = BigDecimal.ZERO;
        long memory = 0;
        long storage = 0;
        for (InstanceView i : own) {
            if (i.lifecycle().name().equals("Failed")) {
                continue;
            }
            int members = 1 + i.spec().topology().standbys();
            storage += i.resources().storage().bytes() * members;
            if (!i.lifecycle().name().equals("Recycled")) {
                cpus = cpus.add(i.resources().cpus().multiply(BigDecimal.valueOf(members)));
                memory += i.resources().memory().bytes() * members;
            }
        }
        assertThat(tenant.usage().cpus()).as("processors counted").isEqualByComparingTo(cpus);
        assertThat(tenant.usage().memory().bytes()).as("memory counted").isEqualTo(memory);
        assertThat(tenant.usage().storage().bytes()).as("storage counted").isEqualTo(storage);
    }

    /** Returns all documents of some kinds as text to compare. */
    String dump(String... kinds) {
        StringBuilder out = new StringBuilder();
        for (String kind : kinds) {
            for (Document d : store.list(Query.of(kind).limit(10_000).build())) {
                out.append(kind)
                        .append(' ')
                        .append(d.id())
                        .append(' ')
                        .append(d.state())
                        .append(' ')
                        .append(d.version())
                        .append('\n');
            }
        }
        return out.toString();
    }

    static void settled(Operation<?> operation) {
        eventually("done: " + operation.view(), () -> operation.view().state().done());
    }

    @Override
    public void close() {
        for (Running running : started) {
            running.closeQuietly();
        }
        store.close();
    }
}
