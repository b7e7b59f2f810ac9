package dev.tenon.core.store;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Times as the schema keeps them: microseconds since 1970. */
final class StoreTime {
    private StoreTime() {}

    static long now(Clock clock) {
        return micros(clock.instant());
    }

    static long micros(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }

    static Instant instant(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }
}
