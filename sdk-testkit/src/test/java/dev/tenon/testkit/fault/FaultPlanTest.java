package dev.tenon.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.core.store.MemoryStore;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.fault.Call.Target;
import dev.tenon.testkit.fault.FaultPlan.Moment;
import java.time.Clock;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FaultPlanTest {
    private static final Call START = new Call(Target.DELIVERY, "start", "i-1/m-1", true, 1);
    private static final Call OBSERVE = new Call(Target.DELIVERY, "observe", "i-1/m-1", false, 1);

    private static List<String> faults(FaultPlan plan) {
        for (int i = 0; i < 1_000; i++) {
            pass(plan, i % 3 == 0 ? OBSERVE : START);
        }
        return plan.injected();
    }

    /** Returns whether the call got through. */
    private static boolean pass(FaultPlan plan, Call call) {
        try {
            plan.before(call);
            plan.after(call);
            return true;
        } catch (ProviderException e) {
            assertThat(e).hasMessageContaining(plan.toString());
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 42, -7, Long.MAX_VALUE})
    void seeded_sameSeed_failsTheSameCallsInTheSameWay(long seed) {
        List<String> first = faults(FaultPlan.seeded(seed).build());

        assertThat(first).hasSizeBetween(50, 700);
        assertThat(faults(FaultPlan.seeded(seed).build())).isEqualTo(first);
        assertThat(faults(FaultPlan.seeded(seed + 1).build())).isNotEqualTo(first);
    }

    @Test
    void seeded_manyCalls_hitsBeforeAndAfterAndWithEachCode() {
        assertThat(faults(FaultPlan.seeded(1).build()))
                .anyMatch(fault -> fault.startsWith("BEFORE") && fault.endsWith("TIMEOUT"))
                .anyMatch(fault -> fault.startsWith("AFTER") && fault.endsWith("PROVIDER_UNAVAILABLE"))
                .noneMatch(fault -> fault.startsWith("AFTER DELIVERY.observe"));
    }

    @Test
    void seeded_rateOfOne_failsEveryCall() {
        FaultPlan plan = FaultPlan.seeded(1).rate(1).build();

        assertThat(IntStream.range(0, 50).filter(i -> pass(plan, START))).isEmpty();
    }

    @Test
    void seeded_burstOfOne_letsTheNextCallThroughAtTheRate() {
        FaultPlan single = FaultPlan.seeded(3).rate(0.1).burst(1).build();
        FaultPlan bursts = FaultPlan.seeded(3).rate(0.1).burst(10).build();

        assertThat(faults(single)).hasSizeLessThan(faults(bursts).size() / 2);
    }

    @Test
    void seeded_anotherTarget_isLeftAlone() {
        FaultPlan plan = FaultPlan.seeded(1).rate(1).targets(Target.SESSION).build();

        assertThat(pass(plan, START)).isTrue();
        assertThat(pass(plan, new Call(Target.SESSION, "grant", "", true, 1))).isFalse();
    }

    @Test
    void calm_fromThenOn_nothingFails() {
        FaultPlan plan = FaultPlan.seeded(1).rate(1).build();
        plan.once("start", Moment.BEFORE, ErrorCode.TIMEOUT);

        plan.calm();

        assertThat(pass(plan, START)).isTrue();
    }

    @Test
    void once_beforeOrAfter_theCommitIsMissingOrThere() {
        FaultPlan plan = FaultPlan.none();
        StateStore store = Intercepted.store(new MemoryStore(Clock.systemUTC()), plan);
        store.open();
        Commit commit = Commit.builder()
                .addPuts(new Commit.Put("k", "i", "-", "", "A", 0, 0, "{}"))
                .build();

        plan.once("commit", Moment.BEFORE, ErrorCode.PROVIDER_FAILED);
        assertUnavailable(store, commit);
        assertThat(store.count(Query.of("k").build())).isZero();

        plan.once("commit", Moment.AFTER, ErrorCode.PROVIDER_FAILED);
        assertUnavailable(store, commit);
        assertThat(store.count(Query.of("k").build())).isEqualTo(1);

        assertThatCode(() -> store.commit(Commit.builder().build())).doesNotThrowAnyException();
        assertThat(plan.injected()).hasSize(2);
    }

    /** As a store's failure, whatever was asked for: no store fails with anything else. */
    private static void assertUnavailable(StateStore store, Commit commit) {
        assertThatThrownBy(() -> store.commit(commit))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    }
}
