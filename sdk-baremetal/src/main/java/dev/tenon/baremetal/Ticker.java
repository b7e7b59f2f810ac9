package dev.tenon.baremetal;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Elapsed time and short waits, so that tests can stand in for both. */
interface Ticker {
    /** The machine's own. */
    Ticker SYSTEM = new Ticker() {
        @Override
        public long nanos() {
            return System.nanoTime();
        }

        @Override
        public void pause(Duration time) {
            LockSupport.parkNanos(time.toNanos());
            if (Thread.currentThread().isInterrupted()) {
                throw Failures.interrupted();
            }
        }
    };

    /** Returns nanoseconds from an arbitrary origin. */
    long nanos();

    /** Waits about this long; ends early, with the caller's interrupt flag still set, when interrupted. */
    void pause(Duration time);

    /** Returns a deadline this far away. */
    default Deadline in(Duration time) {
        return new Deadline(this, nanos() + time.toNanos());
    }

    /** A moment that may have passed. */
    record Deadline(Ticker ticker, long at) {
        boolean passed() {
            return ticker.nanos() - at >= 0;
        }

        Duration left() {
            return Duration.ofNanos(Math.max(0, at - ticker.nanos()));
        }
    }
}
