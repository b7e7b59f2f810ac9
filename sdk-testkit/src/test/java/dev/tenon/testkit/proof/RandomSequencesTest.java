package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Event;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.Quota;
import dev.tenon.api.Resources;
import dev.tenon.api.Subscription;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantView;
import dev.tenon.api.TenonException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StoredEvent;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Mortality;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random operations through two control planes on one store, while calls fail before and after their effect, members die and
 * become unreachable, and control planes crash. In between, quotas hold and no instance has two operations running; in the end,
 * what was asked for is what there is, and every event was delivered.
 */
final class RandomSequencesTest {
    private static final int STEPS = 60;

    @TempDir
    Path directory;

    static LongStream seeds() {
        return LongStream.rangeClosed(1, 10);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void controlPlanes_underRandomFaults_converge(long seed) {
        System.out.println("random sequence of seed " + seed);
        try (Run run = new Run(seed)) {
            for (int step = 0; step < STEPS; step++) {
                run.step();
                run.invariants();
            }
            run.calm();
            run.converged();
        }
    }

    private final class Run implements AutoCloseable {
        private final long seed;
        private final Random random;
        private final World world = new World(directory, SimulatedPlace.builder(), true);
        private final FaultPlan[] plans = new FaultPlan[2];
        private final World.Running[] planes = new World.Running[2];
        private final Subscription[] subscriptions = new Subscription[2];
        private final Set<Long> delivered = ConcurrentHashMap.newKeySet();
        private final Set<Long> refusedOnce = ConcurrentHashMap.newKeySet();
        private final Set<MemberRef> unreachable = ConcurrentHashMap.newKeySet();
        private int names;

        Run(long seed) {
            this.seed = seed;
            random = new Random(seed);
            start(0);
            for (String name : List.of("shop", "bank")) {
                planes[0].tenon.tenants().create(t -> t.name(name).quota(RandomSequencesTest::tight));
            }
            start(1);
        }

        private void start(int which) {
            plans[which] = FaultPlan.seeded(seed * 31 + which)
                    .targets(Call.Target.DELIVERY, Call.Target.SESSION)
                    .rate(0.08)
                    .build();
            planes[which] = world.start(new Mortality(), plans[which]);
            // Each subscriber begins at the start: repetitions are allowed, gaps are not. Each refuses each event once.
            subscriptions[which] = planes[which].tenon.events().subscribe(0, this::deliver);
        }

        private void deliver(Event event) {
            if (event.sequence() % 7 == 0 && refusedOnce.add(event.sequence())) {
                throw new IllegalStateException("the subscriber is busy; again, please");
            }
            delivered.add(event.sequence());
        }

        void step() {
            int which = random.nextInt(2);
            Tenant tenant = planes[which].tenon.tenant(random.nextBoolean() ? "shop" : "bank");
            List<InstanceView> instances = World.instances(tenant);
            int dice = random.nextInt(100);
            try {
                if (instances.isEmpty() || dice < 20) {
                    tenant.instances()
                            .create(World.spec("db-" + names++).ephemeral(false).build());
                } else if (dice < 85) {
                    InstanceView view = instances.get(random.nextInt(instances.size()));
                    change(tenant.instances().get(view.id()));
                } else if (dice < 93) {
                    disturb();
                } else if (dice < 97) {
                    world.clock.skip(Duration.ofSeconds(random.nextInt(30)));
                } else {
                    planes[which].crash();
                    start(which);
                }
            } catch (TenonException e) {
                assertThat(e.code().name())
                        .as("%s: %s", this, e)
                        .isIn(
                                "ILLEGAL_STATE",
                                "QUOTA_EXCEEDED",
                                "VERSION_CONFLICT",
                                "NOT_FOUND",
                                "GONE",
                                "NAME_TAKEN",
                                "SHRINK_UNSUPPORTED",
                                "TOO_MANY_REQUESTS",
                                "PROVIDER_UNAVAILABLE",
                                "TIMEOUT");
            }
            if (random.nextInt(4) == 0) {
                breathe();
            }
        }

        private void change(Instance i) {
            switch (random.nextInt(13)) {
                case 0 -> i.stop();
                case 1 -> i.start();
                case 2 -> i.restart();
                case 3 -> i.freeze();
                case 4 -> i.unfreeze();
                case 5 ->
                    i.resize(Resources.of(
                            1 + random.nextInt(2),
                            DataSize.mib(256L << random.nextInt(2)),
                            DataSize.gib(1L + random.nextInt(2))));
                case 6 -> i.delete();
                case 7 -> i.recover();
                case 8 -> i.purge();
                case 9 ->
                    i.apply(new Change.Parameters(
                            Map.of("max_sessions", String.valueOf(5 + random.nextInt(10))), Set.of()));
                case 10 -> i.accounts().create("user_" + random.nextInt(3), Optional.empty(), Set.of(Grant.READ));
                case 11 -> i.accounts().drop("user_" + random.nextInt(3));
                default -> {
                    List<OperationView> open = World.operations(
                                    planes[0].tenon.tenants().get(i.tenant()))
                            .stream()
                            .filter(o -> !o.state().done())
                            .toList();
                    if (!open.isEmpty()) {
                        planes[0]
                                .tenon
                                .operations()
                                .get(open.get(random.nextInt(open.size())).id())
                                .cancel();
                    }
                }
            }
        }

        private void disturb() {
            List<MemberRef> members = world.place.members();
            if (members.isEmpty()) {
                return;
            }
            MemberRef ref = members.get(random.nextInt(members.size()));
            try {
                switch (random.nextInt(4)) {
                    case 0 -> world.place.kill(ref);
                    case 1 -> world.place.killSilently(ref);
                    case 2 -> world.place.hang(ref);
                    default -> {
                        if (unreachable.remove(ref)) {
                            world.place.unreachable(ref, false);
                        } else {
                            world.place.unreachable(ref, true);
                            unreachable.add(ref);
                        }
                    }
                }
            } catch (IllegalArgumentException e) {
                // Gone since it was listed: there is nothing left to disturb.
                unreachable.remove(ref);
            }
        }

        /** Lets the control planes work for a moment: until something more is done, or nothing is left to do. */
        private void breathe() {
            long before = done();
            AtomicInteger looks = new AtomicInteger();
            World.eventually(
                    () -> "something is done or nothing is left (" + this + "); open: " + openOperations(), () -> {
                        if (looks.incrementAndGet() % 1_000 == 0) {
                            world.clock.skip(Duration.ofSeconds(20)); // a server that hangs would be waited for in full
                        }
                        return done() > before || open() == 0 || !unreachable.isEmpty() || waiting();
                    });
        }

        private List<String> openOperations() {
            return operationDocuments().stream()
                    .filter(d -> !OperationState.valueOf(d.state()).done())
                    .map(d -> d.id() + " " + d.state() + " " + d.body())
                    .toList();
        }

        private long done() {
            return operationDocuments().stream()
                    .filter(d -> OperationState.valueOf(d.state()).done())
                    .count();
        }

        private long open() {
            return operationDocuments().size() - done();
        }

        private boolean waiting() {
            return operationDocuments().stream()
                    .anyMatch(d -> d.state().equals("WAITING") || d.state().equals("PARKED"));
        }

        private List<Document> operationDocuments() {
            return world.store.list(Query.of("operation").limit(10_000).build());
        }

        void invariants() {
            Map<String, Long> running = operationDocuments().stream()
                    .filter(d -> d.state().equals("RUNNING"))
                    .collect(Collectors.groupingBy(Document::parent, Collectors.counting()));
            assertThat(running.values())
                    .as("operations running per instance (%s)", this)
                    .allMatch(n -> n <= 1);
            for (String name : List.of("shop", "bank")) {
                TenantView tenant = planes[0].tenon.tenant(name).view();
                Quota quota = tenant.spec().quota();
                assertThat(tenant.usage().cpus()).as("processors (%s)", this).isLessThanOrEqualTo(quota.cpus());
                assertThat(tenant.usage().memory()).as("memory (%s)", this).isLessThanOrEqualTo(quota.memory());
                assertThat(tenant.usage().storage()).as("storage (%s)", this).isLessThanOrEqualTo(quota.storage());
                assertThat(tenant.usage().instances())
                        .as("instances (%s)", this)
                        .isLessThanOrEqualTo(quota.instances());
            }
            assertThat(world.place.overlaps())
                    .as("calls for one member at the same time (%s)", this)
                    .isEmpty();
        }

        void calm() {
            for (FaultPlan plan : plans) {
                plan.calm();
            }
            for (MemberRef ref : unreachable) {
                try {
                    world.place.unreachable(ref, false);
                } catch (IllegalArgumentException e) {
                    assertThat(world.place.members()).doesNotContain(ref);
                }
            }
            Set<Object> retried = new TreeSet<>();
            World.eventually(() -> "quiet (" + this + "); open: " + openOperations(), () -> {
                world.clock.skip(Duration.ofSeconds(1));
                for (Document d : operationDocuments()) {
                    if (d.state().equals("PARKED") && retried.add(d.id() + d.version())) {
                        retry(d);
                    }
                }
                return open() == 0;
            });
        }

        private void retry(Document d) {
            try {
                planes[0]
                        .tenon
                        .operations()
                        .get(new dev.tenon.api.OperationId(d.id()))
                        .retry();
            } catch (TenonException e) {
                assertThat(e.code().name()).as("%s: %s", this, e).isIn("ILLEGAL_STATE", "VERSION_CONFLICT");
            }
        }

        void converged() {
            List<Tenant> tenants = new ArrayList<>();
            for (String name : List.of("shop", "bank")) {
                tenants.add(planes[0].tenon.tenant(name));
            }
            world.consistent(planes[0].tenon, tenants.toArray(Tenant[]::new));
            Set<Long> all = new HashSet<>();
            List<StoredEvent> page;
            long last = 0;
            do {
                page = world.store.events(Optional.empty(), Optional.empty(), last, 500);
                page.forEach(event -> all.add(event.sequence()));
                last = page.isEmpty() ? last : page.get(page.size() - 1).sequence();
            } while (!page.isEmpty());
            assertThat(all).isNotEmpty();
            World.eventually("every event delivered (" + this + ")", () -> delivered.containsAll(all));
        }

        @Override
        public String toString() {
            return "seed " + seed;
        }

        @Override
        public void close() {
            for (Subscription subscription : subscriptions) {
                subscription.close();
            }
            world.close();
        }
    }

    private static void tight(Quota.Builder quota) {
        quota.cpus(6).memory(DataSize.gib(2)).storage(DataSize.gib(8)).instances(5);
    }
}
