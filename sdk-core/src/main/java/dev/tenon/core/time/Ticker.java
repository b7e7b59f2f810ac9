package dev.tenon.core.time;

import java.time.Clock;
import java.time.Duration;

/** Elapsed time, and how long a thread may sleep before it must look at it again. Thread-safe. */
public interface Ticker {
    /** Returns nanoseconds since some moment; never goes back. */
    long nanos();

    /**
     * Returns how many real nanoseconds a thread may wait for this ticker to move on by {@code nanos}: all of them if time is
     * real, a little if a test moves it by hand.
     */
    long waitFor(long nanos);

    /** Returns the ticker of this machine. */
    static Ticker system() {
        return new Ticker() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public long waitFor(long nanos) {
                return nanos;
            }
        };
    }

    /**
     * Returns the ticker that goes with a wall clock. A clock of the system may jump, so elapsed time is then measured by itself;
     * a clock of a test is the only time there is.
     */
    static Ticker of(Clock clock) {
        if (clock.getClass() == Clock.systemUTC().getClass()) {
            return system();
        }
        return new Ticker() {
            @Override
            public long nanos() {
                return clock.millis() * 1_000_000L;
            }

            @Override
            public long waitFor(long nanos) {
                return Math.min(nanos, Duration.ofMillis(5).toNanos());
            }
        };
    }
}
