package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class SilenceTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Optional<Duration> TWO_MINUTES = Optional.of(Duration.ofMinutes(2));

    private Optional<Silence> silence = Optional.empty();

    /** Asks at a second, when the member had used so many seconds of processor time. */
    private Silence ask(long second, Optional<Double> cpu, boolean answered, Optional<Duration> restartAfter) {
        silence = Optional.of(Silence.after(
                silence,
                Optional.of("1"),
                answered,
                Reason.said("no answer"),
                cpu.map(seconds -> Duration.ofMillis((long) (seconds * 1_000))),
                restartAfter,
                NOW.plusSeconds(second),
                Duration.ofSeconds(second).toNanos()));
        return silence.get();
    }

    private Silence ask(long second, double cpu) {
        return ask(second, Optional.of(cpu), false, TWO_MINUTES);
    }

    @Test
    void silence_idleForAsLongAsIsNeeded_isHung() {
        assertThat(ask(0, 7).hung()).isFalse();
        assertThat(ask(60, 7).hung()).isFalse();
        assertThat(ask(119, 7).hung()).isFalse();
        assertThat(ask(120, 7.01).hung()).isTrue();
    }

    @Test
    void silence_uses2PercentOrMore_beginsToBeIdleAnew() {
        assertThat(ask(0, 7).hung()).isFalse();
        assertThat(ask(100, 9.5).hung()).as("worked until here").isFalse();
        assertThat(ask(200, 9.5).hung()).isFalse();
        assertThat(ask(219, 9.5).hung()).isFalse();
        assertThat(ask(220, 9.5).hung()).isTrue();
    }

    @Test
    void silence_processesEndMeanwhile_worksStill() {
        ask(0, 7);
        ask(60, 7);
        assertThat(ask(120, 3).hung()).isFalse();
    }

    @Test
    void silence_askedTwiceOnly_isNotHungYet() {
        ask(0, 7);
        assertThat(ask(500, 7).hung()).isFalse();
        assertThat(ask(501, 7).hung()).isTrue();
    }

    @Test
    void silence_placeCannotTellWhatItUses_isNeverHung() {
        for (int i = 0; i < 20; i++) {
            assertThat(ask(i * 60L, Optional.empty(), false, TWO_MINUTES).hung())
                    .isFalse();
        }
    }

    @Test
    void silence_answersWithARefusal_isNeverHung() {
        for (int i = 0; i < 20; i++) {
            assertThat(ask(i * 60L, Optional.of(7.0), true, TWO_MINUTES).hung()).isFalse();
        }
    }

    @Test
    void silence_restartNotWanted_isNeverHung() {
        for (int i = 0; i < 20; i++) {
            assertThat(ask(i * 60L, Optional.of(7.0), false, Optional.empty()).hung())
                    .isFalse();
        }
    }

    @Test
    void silence_missedAgain_isSeriousAndKeepsSinceWhen() {
        assertThat(ask(0, 7).serious()).isFalse();
        assertThat(ask(5, 7).serious()).isTrue();
        assertThat(ask(10, 7).reason("m-1").text())
                .isEqualTo("m-1 runs but does not answer since " + NOW + ": no answer");
    }
}
