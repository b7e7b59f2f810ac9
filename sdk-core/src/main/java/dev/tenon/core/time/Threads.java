package dev.tenon.core.time;

import java.time.Duration;
import java.util.Collection;
import java.util.List;

/** Waits for threads that were told to end. */
public final class Threads {
    private Threads() {}

    /**
     * Waits until all have ended, for so long altogether; not for the caller's own. An interrupt ends the wait and stays set.
     *
     * @return those that still run
     */
    public static List<Thread> join(Collection<Thread> threads, Duration patience) {
        Ticker ticker = Ticker.system();
        long end = ticker.nanos() + patience.toNanos();
        try {
            for (Thread thread : threads) {
                if (thread != Thread.currentThread()) {
                    thread.join(
                            Math.max(1, Duration.ofNanos(end - ticker.nanos()).toMillis()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return threads.stream()
                .filter(thread -> thread != Thread.currentThread() && thread.isAlive())
                .toList();
    }
}
