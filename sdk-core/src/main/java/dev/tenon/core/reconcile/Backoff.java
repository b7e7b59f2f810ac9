package dev.tenon.core.reconcile;

import java.time.Duration;

/** How long to wait before a step is tried again: doubled each time, with jitter so that many do not come at once. */
final class Backoff {
    /** Tries of a step before its operation is parked. */
    static final int TRIES = 5;

    private static final Duration FIRST = Duration.ofMillis(250);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private Backoff() {}

    /**
     * Returns the pause.
     *
     * @param failures tries that failed, at least 1
     * @param jitter 0 (inclusive) to 1 (exclusive)
     */
    static Duration pause(int failures, double jitter) {
        long doubled = FIRST.toMillis() << Math.min(Math.max(failures - 1, 0), 20);
        long whole = Math.min(doubled, LONGEST.toMillis());
        return Duration.ofMillis(whole / 2 + (long) (whole / 2 * jitter));
    }
}
