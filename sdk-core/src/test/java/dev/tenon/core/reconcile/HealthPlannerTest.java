package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Reason;
import dev.tenon.api.TenantId;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.reconcile.HealthPlanner.Decision;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class HealthPlannerTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private static List<ObservedMember> members(String states) {
        List<ObservedMember> members = new ArrayList<>();
        for (String state : states.split(" ")) {
            members.add(ObservedMember.builder()
                    .ref(new MemberRef(
                            new TenantId("t-aaaaaaaaaaaaaaaaaaaa"),
                            new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
                            "m-" + (members.size() + 1)))
                    .state(MemberState.valueOf(state))
                    .build());
        }
        return members;
    }

    @ParameterizedTest
    @CsvSource({
        "RUNNING, Healthy",
        "RUNNING RUNNING, Healthy",
        "RUNNING STOPPED, Degraded",
        "RUNNING STARTING, Degraded",
        "STOPPED RUNNING, Down",
        "STOPPED, Down",
        "STARTING, Down",
        "ABSENT, Down",
        "INCOMPLETE, Down",
        "UNKNOWN, Unknown",
        "RUNNING UNKNOWN, Unknown",
        "STOPPED UNKNOWN, Unknown",
    })
    void health_states_areJudged(String states, String expected) {
        assertThat(HealthPlanner.health(members(states), Map.of(), new Health.Healthy(), NOW)
                        .name())
                .isEqualTo(expected);
    }

    @Test
    void onlyCopy_onALostHost_isDownAndSaysThatNothingCanBeMadeOfNothing() {
        List<ObservedMember> lost = List.of(ObservedMember.builder()
                .from(members("UNKNOWN").get(0))
                .lost(true)
                .build());
        Reason reason = Reason.of(Reason.Code.ONLY_COPY_LOST, "m-1");
        assertThat(HealthPlanner.health(lost, Map.of(), new Health.Unknown(NOW), NOW))
                .isEqualTo(new Health.Down(List.of(reason)));
        assertThat(decide(lost)).isEqualTo(new Decision.Wait(reason, Duration.ofSeconds(5)));
        assertThat(decide(members("UNKNOWN")))
                .isEqualTo(new Decision.Wait(Reason.of(Reason.Code.ONLY_COPY_AWAY, "m-1"), Duration.ofSeconds(5)));
    }

    private static Decision decide(List<ObservedMember> members) {
        return HealthPlanner.decide(
                new HealthPlanner.Seen(Phase.ACTIVE, members, Map.of(), true, false, 0, Optional.empty(), NOW));
    }

    @Test
    void health_stillUnknown_keepsSinceWhen() {
        Health before = new Health.Unknown(NOW.minusSeconds(60));
        assertThat(HealthPlanner.health(members("UNKNOWN"), Map.of(), before, NOW))
                .isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "ACTIVE, RUNNING, Leave",
        "ACTIVE, STOPPED, Heal",
        "ACTIVE, ABSENT, Heal",
        "ACTIVE, INCOMPLETE, Heal",
        "ACTIVE, STARTING, Wait",
        "ACTIVE, UNKNOWN, Wait",
        "ACTIVE, STOPPED UNKNOWN, Wait",
        "ACTIVE, RUNNING STOPPED, Heal",
        "STOPPED, STOPPED, Leave",
        "STOPPED, ABSENT, Leave",
        "STOPPED, RUNNING, Heal",
        "STOPPED, UNKNOWN, Wait",
        "FROZEN, RUNNING, Heal",
        "FROZEN, STARTING, Heal",
        "FROZEN, STOPPED, Leave",
        "PROVISIONING, ABSENT, Leave",
        "RECYCLED, STOPPED, Leave",
        "FAILED, ABSENT, Leave",
        "REQUESTED, ABSENT, Leave",
        "PENDING_APPROVAL, ABSENT, Leave",
        "DELETED, ABSENT, Leave",
    })
    void decide_phaseAndStates_isAsWritten(Phase phase, String states, String expected) {
        Decision decision = HealthPlanner.decide(
                new HealthPlanner.Seen(phase, members(states), Map.of(), true, false, 0, Optional.empty(), NOW));
        assertThat(decision.getClass().getSimpleName()).isEqualTo(expected);
    }

    @Test
    void decide_startingForLong_isHelped() {
        ObservedMember starting = ObservedMember.builder()
                .from(members("STARTING").get(0))
                .startedAt(NOW.minusSeconds(61))
                .build();
        assertThat(HealthPlanner.decide(new HealthPlanner.Seen(
                        Phase.ACTIVE, List.of(starting), Map.of(), true, false, 0, Optional.empty(), NOW)))
                .isInstanceOf(Decision.Heal.class);
    }

    @Test
    void decide_certificateGrowsOld_isReplacedWhileItRunsOnly() {
        assertThat(HealthPlanner.decide(new HealthPlanner.Seen(
                        Phase.ACTIVE, members("RUNNING"), Map.of(), true, true, 0, Optional.empty(), NOW)))
                .isInstanceOf(Decision.Heal.class);
        assertThat(HealthPlanner.decide(new HealthPlanner.Seen(
                        Phase.STOPPED, members("STOPPED"), Map.of(), true, true, 0, Optional.empty(), NOW)))
                .isInstanceOf(Decision.Leave.class);
    }

    @Test
    void decide_generationNotCarriedOut_heals() {
        assertThat(HealthPlanner.decide(new HealthPlanner.Seen(
                        Phase.ACTIVE, members("RUNNING"), Map.of(), false, false, 0, Optional.empty(), NOW)))
                .isInstanceOf(Decision.Heal.class);
    }

    @Test
    void decide_healedOftenAMomentAgo_waits() {
        Decision decision = HealthPlanner.decide(new HealthPlanner.Seen(
                Phase.ACTIVE, members("STOPPED"), Map.of(), true, false, 5, Optional.of(NOW.minusSeconds(1)), NOW));
        assertThat(decision).isInstanceOfSatisfying(Decision.Wait.class, w -> assertThat(w.pause())
                .isEqualTo(Duration.ofSeconds(7)));
    }

    @Test
    void decide_healedOftenButLongAgo_healsAgain() {
        assertThat(HealthPlanner.decide(new HealthPlanner.Seen(
                        Phase.ACTIVE,
                        members("STOPPED"),
                        Map.of(),
                        true,
                        false,
                        20,
                        Optional.of(NOW.minusSeconds(301)),
                        NOW)))
                .isInstanceOf(Decision.Heal.class);
    }

    @Test
    void pause_moreHeals_growsToItsBound() {
        assertThat(HealthPlanner.pause(1)).isZero();
        assertThat(HealthPlanner.pause(2)).isEqualTo(Duration.ofSeconds(1));
        assertThat(HealthPlanner.pause(3)).isEqualTo(Duration.ofSeconds(2));
        assertThat(HealthPlanner.pause(100)).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    void healsAfter_wellForAWhile_beginsAnew() {
        assertThat(HealthPlanner.healsAfter(4, Optional.of(NOW.minusSeconds(5)), NOW))
                .isEqualTo(5);
        assertThat(HealthPlanner.healsAfter(4, Optional.of(NOW.minusSeconds(601)), NOW))
                .isEqualTo(1);
        assertThat(HealthPlanner.healsAfter(0, Optional.empty(), NOW)).isEqualTo(1);
    }

    @Test
    void backoff_moreFailures_growsWithJitterToItsBound() {
        assertThat(Backoff.pause(1, 0)).isEqualTo(Duration.ofMillis(125));
        assertThat(Backoff.pause(1, 0.999)).isBetween(Duration.ofMillis(245), Duration.ofMillis(250));
        assertThat(Backoff.pause(4, 0)).isEqualTo(Duration.ofSeconds(1));
        assertThat(Backoff.pause(1_000, 0.5)).isEqualTo(Duration.ofMillis(22_500));
    }
}
