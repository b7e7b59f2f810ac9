package dev.tenon.core.failover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/**
 * The protocol under faults, a million steps in every build. More with {@code -Dtenon.failover.steps=…}, other seeds with
 * {@code -Dtenon.failover.seed=…}.
 */
final class FailoverSimulationTest {
    private static final long STEPS = Long.getLong("tenon.failover.steps", 1_000_000);
    private static final long SEED = Long.getLong("tenon.failover.seed", 1);

    @Test
    void strictAndBalanced_underFaults_loseNothingAndBecomeWholeAgain() {
        run("strict and balanced", STEPS * 7 / 10, seed -> Scenario.random(seed, new Rules()));
    }

    @Test
    void async_underFaults_losesNoMoreThanAnnounced() {
        run("async", STEPS / 10, seed -> Scenario.async(seed, new Rules()));
    }

    @Test
    void forcedPromotions_underFaults_loseNoMoreThanAnnounced() {
        run("forced", STEPS / 10, Scenario::forced);
    }

    @Test
    void frozenPrimary_thatComesBackMidway_losesNothing() {
        run("frozen", STEPS / 20, seed -> Scenario.frozen(seed, new Rules()));
    }

    @Test
    void fencing_isOnlyTidyingUp_nothingIsLostWithoutIt() {
        run("without fencing", STEPS / 20, seed -> Scenario.random(seed, new Rules(), Scenario.Break.SKIP_FENCING));
    }

    private static void run(String what, long atLeast, LongFunction<Scenario> scenarios) {
        long steps = 0;
        long changes = 0;
        long acknowledged = 0;
        long seed = SEED;
        while (steps < atLeast) {
            Scenario scenario = scenarios.apply(seed++);
            Simulation.Outcome outcome = Simulation.run(scenario);
            assertThat(outcome.violation())
                    .withFailMessage(() -> Shrinker.report(scenario))
                    .isEmpty();
            steps += outcome.steps();
            changes += outcome.changes();
            acknowledged += outcome.acknowledged();
        }
        System.out.printf(
                "fail-over model, %s: %d steps, seeds %d to %d, %d changes of the primary, %d acknowledged writes%n",
                what, steps, SEED, seed - 1, changes, acknowledged);
        assertThat(changes).isPositive();
        assertThat(acknowledged).isPositive();
    }
}
