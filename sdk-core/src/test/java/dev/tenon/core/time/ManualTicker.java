package dev.tenon.core.time;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Time that a test moves. */
public final class ManualTicker implements Ticker {
    private final AtomicLong nanos = new AtomicLong();

    /** Lets time pass. */
    public void advance(Duration by) {
        nanos.addAndGet(by.toNanos());
    }

    @Override
    public long nanos() {
        return nanos.get();
    }

    @Override
    public long waitFor(long wanted) {
        return Duration.ofMillis(1).toNanos();
    }
}
