package dev.tenon.testkit.proof;

import static dev.tenon.testkit.proof.World.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Account;
import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.FaultPlan;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.fault.Mortality;
import dev.tenon.testkit.fault.SimulatedCrash;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills the control plane right before and right after each commit, each change at the place and each change in the engine that an
 * operation makes; starts another on the same store and place; and finds the operation finished, or never begun, with nothing
 * orphaned, missing or done twice.
 */
final class KillAtEveryBoundaryTest {
    private static final Secret PASSWORD = Secret.of("correct horse battery");
    private static final int MOST = 200;

    @TempDir
    static Path directory;

    /**
     * A kind of operation.
     *
     * @param before brings the tenant into the state the operation starts from
     * @param act starts the operation; of no operation if the control plane starts it itself
     * @param after requires what must hold when it was carried out
     */
    private record Case(
            String name,
            OperationKind kind,
            Function<Tenant, Instance> before,
            BiConsumer<World, Started> act,
            BiConsumer<World, Instance> after,
            Function<World, Interceptor> faults) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** What an act gets and leaves. */
    private static final class Started {
        final Tenant tenant;
        final @Nullable Instance instance;

        @Nullable
        Operation<?> operation;

        Started(Tenant tenant, @Nullable Instance instance) {
            this.tenant = tenant;
            this.instance = instance;
        }

        Instance instance() {
            return Objects.requireNonNull(instance);
        }
    }

    private static Case on(
            OperationKind kind,
            Function<Tenant, Instance> before,
            Function<Instance, Operation<?>> act,
            BiConsumer<World, Instance> after) {
        return new Case(
                kind.name().toLowerCase(Locale.ROOT),
                kind,
                before,
                (w, s) -> s.operation = act.apply(s.instance()),
                after,
                w -> FaultPlan.none());
    }

    private static Case slow(
            OperationKind kind,
            Function<Tenant, Instance> before,
            BiConsumer<World, Started> act,
            BiConsumer<World, Instance> after) {
        return new Case(kind.name().toLowerCase(Locale.ROOT) + " at a slow place", kind, before, act, after, Slow::new);
    }

    private static Instance active(Tenant tenant) {
        return World.created(tenant, "orders", s -> s.password(PASSWORD));
    }

    private static Function<Tenant, Instance> active(Function<Instance, Operation<?>> then) {
        return tenant -> {
            Instance instance = active(tenant);
            then.apply(instance).await(PATIENCE);
            return instance;
        };
    }

    private static BiConsumer<World, Instance> lifecycle(String name) {
        return (w, i) -> assertThat(i.view().lifecycle().name()).isEqualTo(name);
    }

    /** The first leads and all others follow it. */
    private static void follow(Instance i, String... members) {
        InstanceView view = i.view();
        assertThat(view.members()).extracting(Member::name).containsExactly(members);
        assertThat(view.spec().topology().standbys()).isEqualTo(members.length - 1);
        assertThat(view.members().subList(1, members.length))
                .allSatisfy(standby -> assertThat(standby.replication().map(Member.Replication::state))
                        .contains("streaming"));
    }

    /** A control plane that is away for long in the middle of a switch-over finds the primary restarted where it was just as well. */
    private static void followOne(Instance i) {
        String first = i.view().members().get(0).name();
        follow(i, first, first.equals("m-1") ? "m-2" : "m-1");
    }

    private static MemberRef member(Instance i) {
        return new MemberRef(i.tenant(), i.id(), "m-1");
    }

    private static List<Case> cases() {
        Resources larger = Resources.of(1, DataSize.mib(512), DataSize.gib(2));
        Function<Instance, Operation<?>> addReader =
                i -> i.accounts().create("reader", Optional.of(PASSWORD), Set.of(Grant.READ));
        Function<Instance, Operation<?>> addDatabase = i -> i.databases().create("second", "app_owner");
        return List.of(
                new Case(
                        "create",
                        OperationKind.CREATE,
                        tenant -> null,
                        (w, s) -> s.operation = s.tenant
                                .instances()
                                .create(World.spec("orders").password(PASSWORD).build()),
                        (w, i) -> {
                            assertThat(i.view().lifecycle().name()).isEqualTo("Active");
                            assertThat(w.place.canLogIn(member(i), "app_owner", PASSWORD))
                                    .isTrue();
                        },
                        w -> FaultPlan.none()),
                slow(
                        OperationKind.CREATE,
                        tenant -> null,
                        (w, s) -> s.operation = s.tenant
                                .instances()
                                .create(World.spec("orders").password(PASSWORD).build()),
                        lifecycle("Active")),
                new Case(
                        "create that cannot be",
                        OperationKind.CREATE,
                        tenant -> null,
                        (w, s) -> s.operation =
                                s.tenant.instances().create(World.spec("orders").build()),
                        (w, i) -> assertThat(i.view().lifecycle().name()).isEqualTo("Failed"),
                        w -> new NeverStarts()),
                on(OperationKind.STOP, KillAtEveryBoundaryTest::active, Instance::stop, lifecycle("Stopped")),
                on(OperationKind.START, active(Instance::stop), Instance::start, lifecycle("Active")),
                on(OperationKind.RESTART, KillAtEveryBoundaryTest::active, Instance::restart, lifecycle("Active")),
                on(OperationKind.FREEZE, KillAtEveryBoundaryTest::active, Instance::freeze, lifecycle("Frozen")),
                on(OperationKind.UNFREEZE, active(Instance::freeze), Instance::unfreeze, lifecycle("Active")),
                on(OperationKind.RESIZE, KillAtEveryBoundaryTest::active, i -> i.resize(larger), (w, i) -> {
                    assertThat(i.view().resources()).isEqualTo(larger);
                    assertThat(w.place.resources(member(i))).contains(larger);
                    assertThat(i.settings()).containsEntry("buffer_size", "128");
                }),
                on(
                        OperationKind.UPDATE,
                        KillAtEveryBoundaryTest::active,
                        i -> i.apply(new Change.Update(
                                Optional.empty(),
                                Optional.of("text"),
                                Optional.of(Map.of("team", "a")),
                                Optional.empty())),
                        (w, i) -> assertThat(i.view().spec().tags()).containsEntry("team", "a")),
                on(
                        OperationKind.ACCESS,
                        KillAtEveryBoundaryTest::active,
                        i -> i.apply(new Change.Access(List.of(Cidr.parse("10.1.0.0/16")))),
                        (w, i) -> assertThat(w.place.file(member(i), "config", "access.conf"))
                                .contains("10.1.0.0/16\n")),
                on(
                        OperationKind.PARAMETERS,
                        KillAtEveryBoundaryTest::active,
                        i -> i.apply(new Change.Parameters(Map.of("log_level", "debug"), Set.of())),
                        (w, i) -> assertThat(i.settings()).containsEntry("log_level", "debug")),
                on(OperationKind.DELETE, KillAtEveryBoundaryTest::active, Instance::delete, lifecycle("Recycled")),
                on(OperationKind.RECOVER, active(Instance::delete), Instance::recover, (w, i) -> {
                    assertThat(i.view().lifecycle().name()).isIn("Active", "Stopped");
                    assertThat(w.place.accounts(member(i))).containsExactly("app_owner");
                }),
                on(OperationKind.PURGE, active(Instance::delete), Instance::purge, (w, i) -> assertThat(
                                w.place.members())
                        .isEmpty()),
                on(OperationKind.ACCOUNT_CREATE, KillAtEveryBoundaryTest::active, addReader, (w, i) -> {
                    assertThat(i.accounts().list()).extracting(Account::name).contains("reader");
                    assertThat(w.place.canLogIn(member(i), "reader", PASSWORD)).isTrue();
                }),
                on(
                        OperationKind.ACCOUNT_GRANT,
                        active(addReader),
                        i -> i.accounts().grant("reader", Set.of(Grant.WRITE)),
                        (w, i) -> assertThat(i.accounts().list())
                                .filteredOn(a -> a.name().equals("reader"))
                                .singleElement()
                                .extracting(Account::grants)
                                .isEqualTo(Set.of(Grant.WRITE))),
                on(
                        OperationKind.ACCOUNT_PASSWORD,
                        KillAtEveryBoundaryTest::active,
                        i -> i.accounts().resetPassword("app_owner", Optional.empty()),
                        (w, i) -> assertThat(w.place.canLogIn(
                                        member(i), "app_owner", i.credential().password()))
                                .as("what is handed out opens the door")
                                .isTrue()),
                on(
                        OperationKind.ACCOUNT_DROP,
                        active(addReader),
                        i -> i.accounts().drop("reader"),
                        (w, i) -> assertThat(w.place.accounts(member(i))).containsExactly("app_owner")),
                on(OperationKind.DATABASE_CREATE, KillAtEveryBoundaryTest::active, addDatabase, (w, i) -> assertThat(
                                i.databases().list())
                        .extracting(Database::name)
                        .containsExactlyInAnyOrder("app", "second")),
                on(
                        OperationKind.DATABASE_DROP,
                        active(addDatabase),
                        i -> i.databases().drop("second"),
                        (w, i) -> assertThat(i.databases().list())
                                .extracting(Database::name)
                                .containsExactly("app")),
                new Case(
                        "create with standbys",
                        OperationKind.CREATE,
                        tenant -> null,
                        (w, s) -> s.operation = s.tenant
                                .instances()
                                .create(World.spec("orders")
                                        .password(PASSWORD)
                                        .topology(t -> t.standbys(2))
                                        .build()),
                        (w, i) -> follow(i, "m-1", "m-2", "m-3"),
                        w -> FaultPlan.none()),
                on(
                        OperationKind.STANDBY_ADD,
                        KillAtEveryBoundaryTest::active,
                        Instance::addStandby,
                        (w, i) -> follow(i, "m-1", "m-2")),
                on(
                        OperationKind.STANDBY_REBUILD,
                        active(Instance::addStandby),
                        i -> i.rebuildStandby("m-2"),
                        (w, i) -> follow(i, "m-1", "m-2")),
                on(OperationKind.SWITCHOVER, active(Instance::addStandby), i -> i.switchover("m-2"), (w, i) -> {
                    follow(i, "m-2", "m-1");
                    assertThat(w.place.canLogIn(new MemberRef(i.tenant(), i.id(), "m-2"), "app_owner", PASSWORD))
                            .isTrue();
                }),
                new Case(
                        "restart with a standby",
                        OperationKind.RESTART,
                        active(Instance::addStandby),
                        (w, s) -> s.operation = s.instance().restart(),
                        (w, i) -> followOne(i),
                        w -> FaultPlan.none()),
                new Case(
                        "resize with a standby",
                        OperationKind.RESIZE,
                        active(Instance::addStandby),
                        (w, s) -> s.operation = s.instance().resize(larger),
                        (w, i) -> {
                            followOne(i);
                            assertThat(i.view().resources()).isEqualTo(larger);
                            for (String name : List.of("m-1", "m-2")) {
                                assertThat(w.place.resources(new MemberRef(i.tenant(), i.id(), name)))
                                        .contains(larger);
                            }
                            assertThat(i.settings()).containsEntry("buffer_size", "128");
                        },
                        w -> FaultPlan.none()),
                on(
                        OperationKind.STANDBY_REMOVE,
                        active(Instance::addStandby),
                        i -> i.removeStandby("m-2"),
                        (w, i) -> follow(i, "m-1")),
                new Case(
                        "heal",
                        OperationKind.HEAL,
                        KillAtEveryBoundaryTest::active,
                        (w, s) -> w.place.kill(member(s.instance())),
                        lifecycle("Active"),
                        w -> FaultPlan.none()),
                slow(
                        OperationKind.HEAL,
                        KillAtEveryBoundaryTest::active,
                        (w, s) -> w.place.kill(member(s.instance())),
                        lifecycle("Active")),
                slow(
                        OperationKind.RESTART,
                        KillAtEveryBoundaryTest::active,
                        (w, s) -> s.operation = s.instance().restart(),
                        lifecycle("Active")));
    }

    /** Takes its time for every change, so that each step's intent is committed by itself. */
    private record Slow(World w) implements Interceptor {
        @Override
        public void before(Call call) {}

        @Override
        public void after(Call call) {
            if (call.changes()) {
                w.clock.skip(Duration.ofMillis(250));
            }
        }
    }

    /** Refuses to start anything, for good. */
    private static final class NeverStarts implements Interceptor {
        @Override
        public void before(Call call) {
            if (call.changes() && call.verb().equals("start")) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, "exit code 1: no such option");
            }
        }

        @Override
        public void after(Call call) {}
    }

    @TestFactory
    Stream<DynamicContainer> operation_controlPlaneKilledAtAnyBoundary_isFinishedOrNeverBegun() {
        return cases().stream().map(c -> {
            AtomicBoolean passedTheEnd = new AtomicBoolean();
            return DynamicContainer.dynamicContainer(
                    c.name(),
                    IntStream.range(0, MOST)
                            .boxed()
                            .takeWhile(k -> !passedTheEnd.get())
                            .map(k -> DynamicTest.dynamicTest("killed at boundary " + k, () -> {
                                if (!killedAt(c, k, passedTheEnd)) {
                                    assertThat(k).as("boundaries of " + c).isGreaterThanOrEqualTo(2);
                                }
                            })));
        });
    }

    /** Runs the case and dies at a boundary; returns whether there was one of this number. */
    private static boolean killedAt(Case c, int boundary, AtomicBoolean passedTheEnd) throws Exception {
        try (World w = new World(Files.createTempDirectory(directory, "kill"))) {
            Mortality mortality = new Mortality();
            World.Running first = w.start(mortality, c.faults().apply(w));
            Tenant tenant = World.tenant(first.tenon, "shop");
            Instance instance = c.before().apply(tenant);
            World.quiet(tenant);
            Set<OperationId> known =
                    World.operations(tenant).stream().map(OperationView::id).collect(Collectors.toSet());
            String lifecycle =
                    instance == null ? "" : instance.view().lifecycle().name();
            mortality.arm(boundary);
            Started started = new Started(tenant, instance);
            try {
                c.act().accept(w, started);
                World.eventually(
                        "killed or done at boundary " + boundary + ", seen " + mortality.boundaries(),
                        () -> mortality.dead() || finished(w, started));
            } catch (SimulatedCrash e) {
                assertThat(mortality.dead()).isTrue();
            }
            boolean died = mortality.dead();
            passedTheEnd.set(!died);
            String where = died ? mortality.boundaries().get(boundary) : "the end";
            first.crash();
            World.Running second = w.start(new Mortality(), c.faults().apply(w));
            try {
                check(w, c, second, known, lifecycle, instance);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        c + " killed at boundary " + boundary + ", " + where + ": " + e.getMessage(), e);
            }
            return died;
        }
    }

    private static boolean finished(World w, Started started) {
        Operation<?> operation = started.operation;
        return operation == null
                ? w.place.running() == 1
                        && World.operations(started.tenant).stream()
                                .allMatch(o -> o.state().done())
                : operation.view().state().done();
    }

    private static void check(
            World w,
            Case c,
            World.Running second,
            Set<OperationId> known,
            String lifecycle,
            @Nullable Instance before) {
        Tenant tenant = second.tenon.tenant("shop");
        if (c.kind() == OperationKind.HEAL) {
            // Nobody asked for it: that nothing is under way yet does not mean that nothing comes.
            World.eventually("it runs again", () -> w.place.running() == 1);
        }
        World.quiet(tenant);
        List<OperationView> begun = World.operations(tenant).stream()
                .filter(o -> !known.contains(o.id()) && o.kind() == c.kind())
                .toList();
        if (c.kind() != OperationKind.HEAL) {
            assertThat(begun).as("begun at most once").hasSizeLessThanOrEqualTo(1);
        }
        if (!begun.isEmpty()) {
            OperationState expected =
                    c.faults().apply(w) instanceof NeverStarts ? OperationState.FAILED : OperationState.SUCCEEDED;
            assertThat(begun).allSatisfy(o -> assertThat(o.state()).as("%s", o).isEqualTo(expected));
            Instance instance = c.kind() == OperationKind.PURGE
                    ? null
                    : tenant.instances().get(begun.get(0).instance());
            if (instance == null) {
                assertThat(w.place.members()).isEmpty();
            } else {
                c.after().accept(w, instance);
            }
        } else if (before != null) {
            InstanceView now = tenant.instances().get(before.id()).view();
            assertThat(now.lifecycle().name()).as("as before").isEqualTo(lifecycle);
        } else {
            assertThat(World.instances(tenant)).as("never begun").isEmpty();
        }
        w.consistent(second.tenon, tenant);
        nextWorks(tenant);
        w.consistent(second.tenon, tenant);
    }

    /** Nothing that was killed blocks what comes next. */
    private static void nextWorks(Tenant tenant) {
        for (InstanceView i : World.instances(tenant)) {
            Instance instance = tenant.instances().get(i.id());
            if (i.lifecycle().name().equals("Failed")) {
                instance.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
            } else if (!i.lifecycle().name().equals("Recycled")) {
                instance.apply(new Change.Update(
                                Optional.of("next"), Optional.empty(), Optional.empty(), Optional.empty()))
                        .await(PATIENCE);
            }
        }
    }
}
