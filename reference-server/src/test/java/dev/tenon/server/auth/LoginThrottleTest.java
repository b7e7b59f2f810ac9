package dev.tenon.server.auth;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LoginThrottleTest {
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    private final InstantSource source = now::get;
    private final LoginThrottle throttle =
            new LoginThrottle(Clock.tick(source.withZone(ZoneOffset.UTC), Duration.ofMillis(1)));

    @Test
    void locked_afterFiveFailures_forFifteenMinutes() {
        fail("mia", "10.0.0.1", 4);
        assertThat(throttle.locked("mia", "10.0.0.1")).isZero();

        fail("mia", "10.0.0.1", 1);

        assertThat(throttle.locked("mia", "10.0.0.1")).isEqualTo(Duration.ofMinutes(15));
        now.set(Instant.EPOCH.plus(Duration.ofMinutes(15)));
        assertThat(throttle.locked("mia", "10.0.0.1")).isZero();
    }

    @Test
    void locked_fromAnotherSource_isNot() {
        fail("mia", "10.0.0.1", 5);

        assertThat(throttle.locked("mia", "10.0.0.2")).isZero();
    }

    @Test
    void locked_sourceThatTriesManyAccounts_isForAll() {
        for (int i = 0; i < LoginThrottle.PER_SOURCE; i++) {
            fail("user-" + i, "10.0.0.1", 1);
        }

        assertThat(throttle.locked("somebody-else", "10.0.0.1")).isPositive();
    }

    @Test
    void failures_farApart_doNotAddUp() {
        fail("mia", "10.0.0.1", 4);
        now.set(Instant.EPOCH.plus(Duration.ofMinutes(16)));

        fail("mia", "10.0.0.1", 1);

        assertThat(throttle.locked("mia", "10.0.0.1")).isZero();
    }

    @Test
    void success_forgetsTheFailures() {
        fail("mia", "10.0.0.1", 4);
        throttle.succeeded("mia", "10.0.0.1");

        fail("mia", "10.0.0.1", 4);

        assertThat(throttle.locked("mia", "10.0.0.1")).isZero();
    }

    private void fail(String account, String from, int times) {
        for (int i = 0; i < times; i++) {
            throttle.failed(account, from);
        }
    }
}
