package dev.tenon.testkit.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.tenon.api.Actor;
import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.Credential;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Explanation;
import dev.tenon.api.Grant;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationFailedException;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Preview;
import dev.tenon.api.Reason;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.proof.ShiftableClock;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ChangesTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Resources SIZE = Resources.of(0.5, DataSize.mib(256), DataSize.gib(1));
    private static final Actor ANN = new Actor("ann");
    private static final Actor BOB = new Actor("bob");

    private final ShiftableClock clock = new ShiftableClock();
    private final SimulatedPlace place = SimulatedPlace.builder().clock(clock).build();
    private final Valve valve = new Valve();
    private final Tenon tenon = Tenon.builder()
            .delivery(Intercepted.delivery(SimulatedDelivery.on(place), valve))
            .engine(SimulatedEngine.on(place))
            .clock(clock)
            .resync(Duration.ofSeconds(1))
            .lease(Duration.ofMinutes(5))
            .build();
    private final Tenant shop = tenon.tenants().create(t -> t.name("shop"));

    @AfterEach
    void close() {
        valve.open();
        tenon.close();
    }

    /** Holds calls of one verb back, or makes them fail, for as long as a test wants. */
    private static final class Valve implements Interceptor {
        private volatile String held = "";
        private volatile CountDownLatch gate = new CountDownLatch(0);
        private volatile CountDownLatch reached = new CountDownLatch(1);
        private volatile String failing = "";
        private volatile ErrorCode code = ErrorCode.TIMEOUT;

        void hold(String verb) {
            gate = new CountDownLatch(1);
            reached = new CountDownLatch(1);
            held = verb;
        }

        void awaitReached() throws InterruptedException {
            assertThat(reached.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }

        void open() {
            held = "";
            gate.countDown();
        }

        void fail(String verb, ErrorCode with) {
            code = with;
            failing = verb;
        }

        void mend() {
            failing = "";
        }

        @Override
        public void before(Call call) {
            if (call.verb().equals(held)) {
                reached.countDown();
                try {
                    if (!gate.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                        throw new AssertionError("nobody opened the valve");
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            if (call.verb().equals(failing)) {
                throw new dev.tenon.api.ProviderException(code, "made to fail");
            }
        }

        @Override
        public void after(Call call) {}
    }

    private static InstanceSpec.Builder spec(String name) {
        return InstanceSpec.builder()
                .name(name)
                .engine(SimulatedEngine.SIMDB, "2")
                .resources(SIZE);
    }

    private Instance created(String name) {
        return shop.instances().create(spec(name).build()).await(PATIENCE);
    }

    private static MemberRef member(Instance instance) {
        return new MemberRef(instance.tenant(), instance.id(), "m-1");
    }

    private static void refused(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call).asInstanceOf(type(TenonException.class)).satisfies(e -> assertThat(e.code())
                .isEqualTo(code));
    }

    private static void eventually(String what, BooleanSupplier holds) {
        Awaitility.await(what)
                .atMost(Duration.ofMinutes(1))
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .pollInSameThread()
                .until(holds::getAsBoolean);
    }

    private static OperationState state(Operation<?> operation) {
        return operation.view().state();
    }

    private List<String> eventTypes() {
        return shop.events().latest(1_000).stream().map(Event::type).toList();
    }

    @Test
    void operations_onOneInstance_runInTheOrderTheyWereAskedFor() throws InterruptedException {
        Instance orders = created("orders");
        valve.hold("stop");
        Operation<Instance> stop = orders.stop();
        valve.awaitReached();
        Operation<Instance> start = orders.start();
        Operation<Instance> freeze = orders.freeze();
        assertThat(List.of(state(stop), state(start), state(freeze)))
                .containsExactly(OperationState.RUNNING, OperationState.QUEUED, OperationState.QUEUED);
        refused(ErrorCode.ILLEGAL_STATE, orders::start);
        valve.open();
        freeze.await(PATIENCE);
        assertThat(orders.view().lifecycle()).isEqualTo(new Lifecycle.Frozen());
        assertThat(stop.view().finishedAt().orElseThrow())
                .isBeforeOrEqualTo(start.view().startedAt().orElseThrow());
    }

    @Test
    void cancel_queuedOperation_isNeverBegun() throws InterruptedException {
        Instance orders = created("orders");
        valve.hold("stop");
        Operation<Instance> stop = orders.stop();
        valve.awaitReached();
        Operation<Instance> start = orders.start();
        assertThat(start.cancel()).isTrue();
        assertThat(state(start)).isEqualTo(OperationState.CANCELLED);
        assertThat(start.cancel()).isFalse();
        valve.open();
        stop.await(PATIENCE);
        refused(ErrorCode.CANCELLED, () -> start.await(PATIENCE));
        assertThat(orders.view().lifecycle()).isEqualTo(new Lifecycle.Stopped());
    }

    @Test
    void cancel_purgeThatHasBegunToDestroy_isTooLate() throws InterruptedException {
        Instance orders = created("orders");
        orders.delete().await(PATIENCE);
        valve.hold("destroy");
        Operation<?> purge = orders.purge();
        valve.awaitReached();
        assertThat(purge.cancel()).isFalse();
        valve.open();
        purge.await(PATIENCE);
        assertThat(state(purge)).isEqualTo(OperationState.SUCCEEDED);
        assertThat(place.members()).isEmpty();
    }

    @Test
    void cancel_creationUnderWay_takesEverythingBack() throws InterruptedException {
        valve.hold("start");
        Operation<Instance> create = shop.instances().create(spec("orders").build());
        valve.awaitReached();
        assertThat(create.cancel()).isTrue();
        valve.open();
        refused(ErrorCode.CANCELLED, () -> create.await(PATIENCE));
        assertThat(state(create)).isEqualTo(OperationState.CANCELLED);
        assertThat(place.members()).isEmpty();
        assertThat(shop.view().usage().instances()).isZero();
        assertThat(created("orders").view().lifecycle()).as("the name is free").isEqualTo(new Lifecycle.Active());
    }

    @Test
    void delete_queuedBehindCreationThatFails_leavesNothingInTheRecycleBin() throws InterruptedException {
        valve.hold("prepare");
        shop.instances().create(spec("orders").build());
        valve.awaitReached();
        Instance orders = shop.instances().find("orders").orElseThrow();
        Operation<?> delete = orders.delete();
        valve.fail("start", ErrorCode.DISK_FULL);
        valve.open();
        delete.await(PATIENCE);
        refused(ErrorCode.GONE, orders::view);
        assertThat(shop.view().usage().instances()).isZero();
    }

    @Test
    void create_placeRefusesForGood_isTakenBackAndSaysWhy() {
        valve.fail("start", ErrorCode.DISK_FULL);
        Operation<Instance> create = shop.instances().create(spec("orders").build());
        assertThatThrownBy(() -> create.await(PATIENCE))
                .isInstanceOfSatisfying(OperationFailedException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.DISK_FULL))
                .hasMessageContaining("made to fail");
        Instance failed = shop.instances().find("orders").orElseThrow();
        assertThat(failed.view().lifecycle()).isInstanceOf(Lifecycle.Failed.class);
        assertThat(place.members()).isEmpty();
        assertThat(shop.view().usage().cpus()).isEqualByComparingTo("0");
        assertThat(shop.view().usage().instances()).isEqualTo(1);
        valve.mend();
        failed.delete().await(PATIENCE);
        refused(ErrorCode.GONE, failed::view);
        assertThat(created("orders").view().health()).isEqualTo(new Health.Healthy());
    }

    @Test
    void placeDoesNotAnswer_triesUsedUp_parksAndRetryGoesOn() throws InterruptedException {
        Instance orders = created("orders");
        valve.fail("stop", ErrorCode.TIMEOUT);
        Operation<Instance> stop = orders.stop();
        parked(stop);
        assertThat(stop.view().error()).contains(ErrorCode.TIMEOUT);
        assertThat(stop.view().message()).contains("made to fail");
        assertThat(orders.explain().waitsFor())
                .hasValueSatisfying(w -> assertThat(w.values()).containsExactly("STOP"));
        refused(ErrorCode.TIMEOUT, () -> stop.await(PATIENCE));
        valve.mend();
        stop.retry();
        stop.await(PATIENCE);
        assertThat(orders.view().lifecycle()).isEqualTo(new Lifecycle.Stopped());
        refused(ErrorCode.ILLEGAL_STATE, stop::retry);
        assertThat(eventTypes()).contains("operation.parked", "instance.stopped");
    }

    private void parked(Operation<?> operation) throws InterruptedException {
        eventually("parked", () -> {
            clock.skip(Duration.ofSeconds(1));
            return state(operation) == OperationState.PARKED;
        });
    }

    @Test
    void parkedOperation_nextLegalOne_takesItsPlace() throws InterruptedException {
        Instance orders = created("orders");
        valve.fail("stop", ErrorCode.TIMEOUT);
        Operation<Instance> stop = orders.stop();
        parked(stop);
        valve.mend();
        orders.freeze().await(PATIENCE);
        assertThat(state(stop)).isEqualTo(OperationState.FAILED);
        assertThat(orders.view().lifecycle()).isEqualTo(new Lifecycle.Frozen());
        assertThat(orders.view().operation()).isEmpty();
    }

    @Test
    void parkedCreation_delete_removesAllOfIt() throws InterruptedException {
        valve.fail("start", ErrorCode.PROVIDER_UNAVAILABLE);
        Operation<Instance> create = shop.instances().create(spec("orders").build());
        parked(create);
        valve.mend();
        shop.instances().find("orders").orElseThrow().delete().await(PATIENCE);
        assertThat(place.members()).isEmpty();
        assertThat(shop.view().usage().storage().bytes()).isZero();
        assertThat(state(create)).isEqualTo(OperationState.FAILED);
    }

    @Test
    void resize_failsHalfWay_isPutBack() throws InterruptedException {
        Instance orders = created("orders");
        Resources larger = Resources.of(1, DataSize.mib(512), DataSize.gib(2));
        valve.fail("resize", ErrorCode.PROVIDER_FAILED);
        Operation<Instance> resize = orders.resize(larger);
        refused(ErrorCode.PROVIDER_FAILED, () -> resize.await(PATIENCE));
        valve.mend();
        assertThat(orders.view().resources()).isEqualTo(SIZE);
        assertThat(shop.view().usage().cpus()).isEqualByComparingTo("0.5");
        eventually("runs again as before", () -> {
            clock.skip(Duration.ofSeconds(1));
            return orders.view().health() instanceof Health.Healthy
                    && orders.view().generation() == orders.view().observedGeneration();
        });
        assertThat(place.resources(member(orders))).contains(SIZE);
        orders.resize(larger).await(PATIENCE);
        assertThat(place.resources(member(orders))).contains(larger);
    }

    @Test
    void killedServer_isBackByItselfAndAnEventSaysSo() throws InterruptedException {
        Instance orders = created("orders");
        place.kill(member(orders));
        eventually("healed", () -> eventTypes().contains("instance.healed"));
        assertThat(shop.events().latest(1_000))
                .filteredOn(event -> Set.of("instance.down", "instance.healed").contains(event.type()))
                .hasSize(2)
                .allSatisfy(event ->
                        assertThat(event.reasons()).extracting(Reason::code).containsExactly(Reason.Code.MEMBER_STATE));
        assertThat(place.running()).isEqualTo(1);
        assertThat(orders.view().health()).isEqualTo(new Health.Healthy());
    }

    @Test
    void lostData_isSaidAndNeverReplacedByAnEmptyDatabase() throws InterruptedException {
        Instance orders = created("orders");
        place.lose(member(orders));
        eventually("tried", () -> {
            clock.skip(Duration.ofSeconds(1));
            return eventTypes().contains("instance.heal_failed");
        });
        assertThat(orders.view().health()).isInstanceOf(Health.Down.class);
        assertThat(place.members()).doesNotContain(member(orders));
        refused(ErrorCode.PROVIDER_FAILED, () -> orders.restart().await(PATIENCE));
        assertThat(place.members()).doesNotContain(member(orders));
        orders.delete().await(PATIENCE);
        orders.purge().await(PATIENCE);
    }

    @Test
    void dataLostInTheMiddleOfAChange_isNotReplacedByAnEmptyDatabase() throws InterruptedException {
        Instance orders = created("orders");
        valve.hold("prepare");
        Operation<Instance> change = orders.apply(new Change.Parameters(Map.of("max_sessions", "7"), Set.of()));
        valve.awaitReached();
        place.lose(member(orders));
        valve.open();
        refused(ErrorCode.PROVIDER_FAILED, () -> change.await(PATIENCE));
        assertThat(change.view().message())
                .hasValueSatisfying(why -> assertThat(why).contains("an empty database is no replacement"));
        assertThat(place.running()).isZero();
    }

    @Test
    void unreachableServer_isUnknownAndNotTouched() throws InterruptedException {
        Instance orders = created("orders");
        place.unreachable(member(orders), true);
        eventually("seen", () -> {
            clock.skip(Duration.ofSeconds(1));
            return orders.view().health() instanceof Health.Unknown;
        });
        assertThat(eventTypes()).doesNotContain("instance.healed", "instance.down");
        place.unreachable(member(orders), false);
        eventually("seen again", () -> {
            clock.skip(Duration.ofSeconds(1));
            return orders.view().health() instanceof Health.Healthy;
        });
        assertThat(eventTypes()).doesNotContain("instance.healed");
    }

    @Test
    void preview_appliedAtOnce_doesWhatItSaid() {
        Instance orders = created("orders");
        Preview preview = orders.preview(
                new Change.Resize(Optional.empty(), Optional.of(Resources.of(1, DataSize.mib(512), DataSize.gib(2)))));
        assertThat(preview.differences()).extracting(Preview.Difference::name).contains("cpus", "memory", "storage");
        assertThat(preview.quota()).contains(new Preview.QuotaEffect("cpus", "0.5", "1", "16"));
        OperationView done = viewAfter(orders.apply(preview));
        assertThat(done.steps())
                .extracting(OperationView.Step::name)
                .isEqualTo(preview.steps().stream().map(Preview.Step::name).toList());
    }

    private static OperationView viewAfter(Operation<Instance> operation) {
        operation.await(PATIENCE);
        return operation.view();
    }

    @Test
    void preview_worldMovedSince_isStale() {
        Instance orders = created("orders");
        Preview preview = orders.preview(new Change.Stop());
        orders.apply(new Change.Access(List.of(Cidr.parse("10.0.0.0/8")))).await(PATIENCE);
        refused(ErrorCode.STALE, () -> orders.apply(preview));
        Preview creation = shop.instances().preview(spec("second").build());
        shop.update(
                dev.tenon.api.TenantSpec.builder()
                        .from(shop.view().spec())
                        .quota(q -> q.cpus(8))
                        .build(),
                shop.view().version());
        refused(ErrorCode.STALE, () -> shop.instances().create(creation, Optional.empty()));
        shop.instances()
                .create(shop.instances().preview(spec("second").build()), Optional.empty())
                .await(PATIENCE);
    }

    @Test
    void preview_doesNothing() {
        Instance orders = created("orders");
        long version = orders.view().version();
        long changes = place.changes();
        orders.preview(new Change.Delete(Optional.empty()));
        shop.instances().preview(spec("other").build());
        assertThat(orders.view().version()).isEqualTo(version);
        assertThat(place.changes()).isEqualTo(changes);
        assertThat(shop.instances().find("other")).isEmpty();
    }

    @Test
    void quota_manyCreationsAtOnce_isNeverExceeded() throws Exception {
        Tenant tight = tenon.tenants()
                .create(t -> t.name("tight").quota(q -> q.instances(5).cpus(100)));
        ExecutorService callers = Executors.newFixedThreadPool(8);
        AtomicBoolean exceeded = new AtomicBoolean();
        try {
            List<Future<Boolean>> answers = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                String name = "db-" + i;
                answers.add(callers.submit(() -> {
                    try {
                        tight.instances().create(spec(name).build());
                        return true;
                    } catch (TenonException e) {
                        assertThat(e.code()).isEqualTo(ErrorCode.QUOTA_EXCEEDED);
                        return false;
                    } finally {
                        exceeded.compareAndSet(false, tight.view().usage().instances() > 5);
                    }
                }));
            }
            int accepted = 0;
            for (Future<Boolean> answer : answers) {
                accepted += answer.get(60, TimeUnit.SECONDS) ? 1 : 0;
            }
            assertThat(accepted).isEqualTo(5);
            assertThat(exceeded).isFalse();
        } finally {
            callers.shutdownNow();
        }
        assertThatThrownBy(() -> tight.instances().create(spec("more").build()))
                .hasMessageContaining("instances: 5 used + 1 asked > 5");
    }

    @Test
    void unfinishedOperations_tooMany_areRefused() throws InterruptedException {
        try (Tenon small = Tenon.builder()
                .delivery(Intercepted.delivery(SimulatedDelivery.on(SimulatedPlace.create()), valve))
                .engine(SimulatedEngine.on(place))
                .maxQueuedPerTenant(2)
                .build()) {
            Tenant tenant = small.tenants().create(t -> t.name("busy"));
            valve.hold("prepare");
            Operation<Instance> first = tenant.instances().create(spec("a").build());
            valve.awaitReached();
            tenant.instances().create(spec("b").build());
            refused(ErrorCode.TOO_MANY_REQUESTS, () -> tenant.instances()
                    .create(spec("c").build()));
            valve.open();
            first.cancel();
        }
    }

    @Test
    void approval_wideOpenWhitelist_needsSomebodyElse() {
        Instance orders = created("orders");
        Tenon ann = tenon.as(ANN);
        Operation<Instance> open = ann.tenant("shop")
                .instances()
                .get(orders.id())
                .apply(new Change.Access(List.of(Cidr.parse("0.0.0.0/0"))));
        assertThat(state(open)).isEqualTo(OperationState.PENDING_APPROVAL);
        refused(ErrorCode.SELF_APPROVAL, () -> ann.operations().approve(open.id()));
        orders.restart().await(PATIENCE);
        tenon.as(BOB).operations().approve(open.id());
        open.await(PATIENCE);
        assertThat(open.view().decidedBy()).contains("bob");
        assertThat(orders.view().spec().whitelist()).containsExactly(Cidr.parse("0.0.0.0/0"));
        refused(ErrorCode.ILLEGAL_STATE, () -> tenon.as(BOB).operations().approve(open.id()));
    }

    @Test
    void approval_instanceChangedMeanwhile_isStale() {
        Instance orders = created("orders");
        Operation<Instance> open = orders.apply(new Change.Access(List.of(Cidr.parse("::/0"))));
        orders.apply(new Change.Access(List.of(Cidr.parse("10.0.0.0/8")))).await(PATIENCE);
        refused(ErrorCode.STALE, () -> tenon.as(BOB).operations().approve(open.id()));
        tenon.as(BOB).operations().reject(open.id(), "no longer fits");
        refused(ErrorCode.CANCELLED, () -> open.await(PATIENCE));
        assertThat(state(open)).isEqualTo(OperationState.REJECTED);
    }

    @Test
    void approval_creation_waitsThenGoesOnOrLeavesNothing() throws InterruptedException {
        Tenant strict = tenon.tenants().create(t -> t.name("strict").approvalRequired(true));
        Operation<Instance> yes = strict.instances().create(spec("yes").build());
        Operation<Instance> no = strict.instances().create(spec("no").build());
        Operation<Instance> late = strict.instances().create(spec("late").build());
        assertThat(strict.instances().find("yes").orElseThrow().view().lifecycle())
                .isEqualTo(new Lifecycle.PendingApproval());
        refused(
                ErrorCode.ILLEGAL_STATE,
                () -> strict.instances().find("yes").orElseThrow().stop());
        tenon.as(BOB).operations().reject(no.id(), "too dear");
        tenon.as(BOB).operations().approve(yes.id());
        assertThat(yes.await(PATIENCE).view().lifecycle()).isEqualTo(new Lifecycle.Active());
        assertThat(strict.instances().find("no")).isEmpty();
        clock.skip(Duration.ofHours(73));
        eventually("ran out", () -> state(late) == OperationState.REJECTED);
        assertThat(strict.view().usage().instances()).isEqualTo(1);
    }

    @Test
    void approval_ofAChangeNobodyGaveIn72Hours_isRejectedAndTold() throws InterruptedException {
        Instance orders = created("orders");
        Operation<Instance> open = orders.apply(new Change.Access(List.of(Cidr.parse("0.0.0.0/0"))));
        clock.skip(Duration.ofHours(71));
        assertThat(state(open)).isEqualTo(OperationState.PENDING_APPROVAL);
        clock.skip(Duration.ofHours(2));
        eventually("ran out", () -> state(open) == OperationState.REJECTED);
        assertThat(open.view().error()).contains(ErrorCode.STALE);
        assertThat(open.view().message()).contains("nobody approved it within 72 hours");
        assertThat(orders.view().spec().whitelist()).doesNotContain(Cidr.parse("0.0.0.0/0"));
        assertThat(eventTypes()).contains("operation.rejected");
        refused(ErrorCode.ILLEGAL_STATE, () -> tenon.as(BOB).operations().approve(open.id()));
        orders.restart().await(PATIENCE);
    }

    @ParameterizedTest
    @CsvSource({
        "STOP, stop",
        "RESTART, stop",
        "FREEZE, stop",
        "RESIZE, resize",
        "ACCESS, prepare",
        "PARAMETERS, prepare",
        "DELETE, stop",
    })
    void explain_parked_saysWhatFailedAndWhoIsAwaited(String kind, String verb) throws InterruptedException {
        Instance orders = created("orders");
        valve.fail(verb, ErrorCode.TIMEOUT);
        Operation<Instance> operation =
                switch (kind) {
                    case "STOP" -> orders.stop();
                    case "RESTART" -> orders.restart();
                    case "FREEZE" -> orders.freeze();
                    case "RESIZE" -> orders.resize(Resources.of(0.5, DataSize.mib(256), DataSize.gib(2)));
                    case "ACCESS" -> orders.apply(new Change.Access(List.of(Cidr.parse("10.0.0.0/8"))));
                    case "PARAMETERS" -> orders.apply(new Change.Parameters(Map.of("work_size", "2048"), Set.of()));
                    case "DELETE" -> orders.delete();
                    default -> throw new AssertionError(kind);
                };
        parked(operation);
        Explanation why = orders.explain();
        assertThat(why.summary())
                .isEqualTo("orders is Active and " + orders.view().health().name() + causes(orders) + "; " + kind
                        + " is PARKED.");
        assertThat(why.waitsFor().orElseThrow())
                .isEqualTo(Reason.of(Reason.Code.AWAITS_PERSON, kind)
                        .because(Reason.error(ErrorCode.TIMEOUT, "made to fail")));
        assertThat(why.waitsFor().orElseThrow().text())
                .isEqualTo("a person to retry or replace " + kind + ": made to fail");
        assertThat(why.nextTryAt()).isEmpty();
        assertThat(why.decisions())
                .anySatisfy(d -> assertThat(d.what().text()).isEqualTo(kind + " is parked: made to fail"));
        valve.mend();
        operation.retry();
        operation.await(PATIENCE);
        assertThat(orders.explain().waitsFor()).isEmpty();
    }

    private static String causes(Instance instance) {
        List<Reason> causes = instance.view().health().reasons();
        return causes.isEmpty() ? "" : causes.stream().map(Reason::text).collect(Collectors.joining("; ", " (", ")"));
    }

    @Test
    void explain_parkedCreation_saysWhatFailedAndWhoIsAwaited() throws InterruptedException {
        valve.fail("start", ErrorCode.TIMEOUT);
        Operation<Instance> create = shop.instances().create(spec("orders").build());
        parked(create);
        Explanation why = shop.instances().find("orders").orElseThrow().explain();
        assertThat(why.summary()).startsWith("orders is Provisioning and ").endsWith("; CREATE is PARKED.");
        assertThat(why.waitsFor().orElseThrow().text()).isEqualTo("a person to retry or replace CREATE: made to fail");
        valve.mend();
        create.retry();
        assertThat(create.await(PATIENCE).explain().summary()).isEqualTo("orders is Active and Healthy.");
    }

    @Test
    void recycleBin_timeOver_isPurged() throws InterruptedException {
        Instance orders = created("orders");
        orders.delete().await(PATIENCE);
        assertThat(orders.view().lifecycle()).isInstanceOf(Lifecycle.Recycled.class);
        assertThat(shop.view().usage().cpus()).isEqualByComparingTo("0");
        assertThat(shop.view().usage().storage()).isEqualTo(DataSize.gib(1));
        clock.skip(Duration.ofDays(7).minusMinutes(1));
        Operation<Instance> recover = orders.recover();
        recover.await(PATIENCE);
        orders.delete().await(PATIENCE);
        clock.skip(Duration.ofDays(7).plusMinutes(1));
        eventually("purged", () -> place.members().isEmpty());
        eventually("gone", () -> shop.instances().find("orders").isEmpty());
        refused(ErrorCode.GONE, orders::recover);
        assertThat(shop.view().usage().storage().bytes()).isZero();
    }

    @Test
    void recoverAndPurge_atTheSameTime_exactlyOneIsAccepted() throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < 10; round++) {
                Instance orders = created("db-" + round);
                orders.delete().await(PATIENCE);
                CountDownLatch go = new CountDownLatch(1);
                Future<Boolean> recover = callers.submit(() -> accepted(go, orders::recover));
                Future<Boolean> purge = callers.submit(() -> accepted(go, orders::purge));
                go.countDown();
                boolean recovered = recover.get(60, TimeUnit.SECONDS);
                boolean purged = purge.get(60, TimeUnit.SECONDS);
                assertThat(recovered ^ purged)
                        .as("recovered %s, purged %s", recovered, purged)
                        .isTrue();
            }
        } finally {
            callers.shutdownNow();
        }
    }

    private static boolean accepted(CountDownLatch go, Runnable change) throws InterruptedException {
        assertThat(go.await(60, TimeUnit.SECONDS)).isTrue();
        try {
            change.run();
            return true;
        } catch (TenonException e) {
            assertThat(e.code()).isIn(ErrorCode.ILLEGAL_STATE, ErrorCode.GONE);
            return false;
        }
    }

    @Test
    void requestKey_sameRequestAgain_yieldsTheSameOperation() {
        RequestKey key = new RequestKey("key-1", "print-1");
        Tenant keyed = tenon.under(key).tenant("shop");
        Operation<Instance> first = keyed.instances().create(spec("orders").build());
        first.await(PATIENCE);
        assertThat(keyed.instances().create(spec("orders").build()).id()).isEqualTo(first.id());
        refused(ErrorCode.IDEMPOTENCY_MISMATCH, () -> tenon.under(new RequestKey("key-1", "other"))
                .tenant("shop")
                .instances()
                .create(spec("second").build()));
        assertThat(shop.operations()
                        .list(Optional.empty(), PageRequest.first(10))
                        .items())
                .hasSize(1);
    }

    @Test
    void account_created_opensTheDoorWithThePasswordYielded() {
        Instance orders = created("orders");
        Credential bob = orders.accounts()
                .create("bob", Optional.empty(), Set.of(Grant.READ))
                .await(PATIENCE);
        assertThat(place.canLogIn(member(orders), "bob", bob.password())).isTrue();
        refused(ErrorCode.NAME_TAKEN, () -> orders.accounts().create("bob", Optional.empty(), Set.of(Grant.READ)));
        refused(ErrorCode.ILLEGAL_STATE, () -> orders.accounts().drop("app_owner"));
        refused(ErrorCode.NOT_FOUND, () -> orders.accounts().drop("nobody"));
        Credential owner =
                orders.accounts().resetPassword("app_owner", Optional.empty()).await(PATIENCE);
        assertThat(orders.credential()).isEqualTo(owner);
        assertThat(place.canLogIn(member(orders), "app_owner", owner.password()))
                .isTrue();
    }

    @Test
    void deletionProtection_on_refusesDeletion() {
        Instance orders = shop.instances()
                .create(spec("orders").deletionProtection(true).build())
                .await(PATIENCE);
        refused(ErrorCode.DELETION_PROTECTED, orders::delete);
        refused(ErrorCode.ILLEGAL_STATE, orders::purge);
        refused(ErrorCode.NOT_EMPTY, shop::delete);
        orders.apply(new Change.Update(Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(false)))
                .await(PATIENCE);
        orders.delete().await(PATIENCE);
        refused(ErrorCode.NOT_EMPTY, shop::delete);
        orders.purge().await(PATIENCE);
        shop.delete();
        refused(ErrorCode.NOT_FOUND, () -> tenon.tenant("shop"));
    }

    @Test
    void version_changedMeanwhile_isAConflict() {
        Instance orders = created("orders");
        long seen = orders.view().version();
        orders.apply(
                        new Change.Update(
                                Optional.of("Orders"),
                                Optional.empty(),
                                Optional.of(Map.of("a", "b")),
                                Optional.empty()),
                        seen)
                .await(PATIENCE);
        refused(ErrorCode.VERSION_CONFLICT, () -> orders.apply(new Change.Stop(), seen));
    }

    @Test
    void create_engineWithoutTls_isNotCalledEncrypted() {
        assertThat(created("orders").view().endpoint().orElseThrow().encrypted())
                .isTrue();
        try (Tenon plain = Tenon.builder()
                .delivery(SimulatedDelivery.on(place))
                .engine(SimulatedEngine.on(place).withoutTls())
                .build()) {
            Instance instance = plain.tenants()
                    .create(t -> t.name("shop"))
                    .instances()
                    .create(spec("orders").build())
                    .await(PATIENCE);
            assertThat(instance.view().endpoint().orElseThrow().encrypted()).isFalse();
        }
    }

    @Test
    void requestKey_itsOperationIsOverForLong_isFreeAgain() throws InterruptedException {
        Tenant keyed = tenon.under(new RequestKey("key-1", "print-1")).tenant("shop");
        Instance gone = keyed.instances().create(spec("orders").build()).await(PATIENCE);
        shop.instances()
                .get(gone.id())
                .apply(new Change.Delete(Optional.of(Duration.ZERO)))
                .await(PATIENCE);
        refused(ErrorCode.GONE, () -> shop.instances().get(gone.id()).view());
        clock.skip(Duration.ofDays(91));
        eventually("forgotten", () -> shop.operations()
                .list(Optional.empty(), PageRequest.first(10))
                .items()
                .isEmpty());
        refused(ErrorCode.NOT_FOUND, () -> shop.instances().get(gone.id()).view());
        Instance other = tenon.under(new RequestKey("key-1", "other"))
                .tenant("shop")
                .instances()
                .create(spec("second").build())
                .await(PATIENCE);
        assertThat(other.id()).isNotEqualTo(gone.id());
    }

    @Test
    void certificate_growsOld_isReplacedByItself() throws InterruptedException {
        Instance orders = created("orders");
        clock.skip(Duration.ofDays(61));
        eventually("replaced", () -> eventTypes().contains("instance.healed"));
        assertThat(orders.view().lifecycle()).isEqualTo(new Lifecycle.Active());
        assertThat(shop.events().latest(100))
                .anySatisfy(e -> assertThat(e.message()).contains("certificate"));
    }

    @Test
    void memberRunsButIsSilent_idleForLong_isDownAndThenRestarted() throws InterruptedException {
        Instance orders = created("orders");
        place.silence(member(orders), false);
        eventually("down", () -> {
            clock.skip(Duration.ofSeconds(2));
            return orders.view().health() instanceof Health.Down;
        });
        assertThat(orders.view().health().reasons())
                .singleElement()
                .asString()
                .contains("m-1 runs but does not answer");
        assertThat(orders.explain().summary()).contains("does not answer");
        assertThat(shop.events().latest(1_000))
                .anyMatch(e -> e.type().equals("instance.health_changed")
                        && e.message().contains("does not answer"));
        eventually("restarted", () -> {
            clock.skip(Duration.ofSeconds(2));
            return eventTypes().contains("instance.healed");
        });
        assertThat(orders.view().health()).isEqualTo(new Health.Healthy());
        assertThat(orders.accounts().list()).isNotEmpty();
    }

    @Test
    void memberIsSilentButWorks_howeverLong_isNotRestarted() throws InterruptedException {
        Instance orders = created("orders");
        place.silence(member(orders), true);
        java.time.Instant end = clock.instant().plus(Duration.ofMinutes(20));
        eventually("20 minutes", () -> {
            clock.skip(Duration.ofSeconds(5));
            return clock.instant().isAfter(end) && orders.view().health() instanceof Health.Down;
        });
        assertThat(eventTypes()).doesNotContain("instance.healed", "instance.heal_failed");
        place.answer(member(orders));
        eventually("well again by itself", () -> {
            clock.skip(Duration.ofSeconds(5));
            return orders.view().health() instanceof Health.Healthy;
        });
        assertThat(eventTypes()).doesNotContain("instance.healed", "instance.heal_failed");
    }

    @Test
    void parameters_needARestart_waitForOneUnlessTheChangeAsksForIt() {
        Instance orders = created("orders");
        Change.Parameters later = new Change.Parameters(Map.of("max_sessions", "12"), Set.of());
        Preview preview = orders.preview(later);
        assertThat(preview.restart()).isFalse();
        assertThat(preview.warnings())
                .extracting(Preview.Warning::text)
                .containsExactly("takes effect at the next restart: [max_sessions]");
        orders.apply(preview).await(PATIENCE);
        assertThat(orders.view().pendingRestart()).containsExactly("max_sessions");
        assertThat(orders.settings()).doesNotContainEntry("max_sessions", "12");

        Change.Parameters now = new Change.Parameters(Map.of("work_size", "2048"), Set.of(), true);
        Preview restarting = orders.preview(now);
        assertThat(restarting.restart()).isTrue();
        assertThat(restarting.interruption().orElseThrow()).isPositive();
        assertThat(restarting.warnings())
                .extracting(Preview.Warning::text)
                .containsExactly("the database restarts, because of [max_sessions]");
        orders.apply(restarting).await(PATIENCE);
        assertThat(orders.view().pendingRestart()).isEmpty();
        assertThat(orders.settings()).containsEntry("max_sessions", "12").containsEntry("work_size", "2048");
    }

    @Test
    void parameters_askForARestartNothingWaitsFor_doNotRestart() {
        Instance orders = created("orders");
        var startedAt = orders.view().members().get(0).startedAt();
        Change.Parameters change = new Change.Parameters(Map.of("work_size", "2048"), Set.of(), true);
        assertThat(orders.preview(change).restart()).isFalse();
        orders.apply(change).await(PATIENCE);
        assertThat(orders.view().members().get(0).startedAt()).isEqualTo(startedAt);
        orders.stop().await(PATIENCE);
        assertThat(orders.preview(new Change.Parameters(Map.of("max_sessions", "12"), Set.of(), true))
                        .restart())
                .as("it does not run")
                .isFalse();
    }
}
