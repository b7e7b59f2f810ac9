package dev.tenon.baremetal;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices when adopted processes end. The kernel tells only a parent at once, and {@link ProcessHandle#onExit} asks ever more
 * rarely (up to five seconds apart), so that one thread asks for all of them, as often as a small share of a processor allows.
 */
final class Watch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Watch.class);
    private static final Duration SHORTEST = Duration.ofMillis(25);
    private static final Duration LONGEST = Duration.ofSeconds(2);
    /** One look at all of them, times this, passes before the next: half a percent of a processor. */
    private static final long RARITY = 200;

    private final Ticker ticker;
    private final Map<Running, Runnable> watched = new ConcurrentHashMap<>();
    private final Thread thread;
    private final Runnable chores;
    private volatile boolean closed;

    /** @param chores done about every five seconds on the same thread */
    Watch(Ticker ticker, String name, Runnable chores) {
        this.ticker = ticker;
        this.chores = chores;
        this.thread = new Thread(this::run, "tenon-" + name + "-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** Calls {@code ended} once after the process has ended. */
    void onEnd(Running process, Runnable ended) {
        if (process.child().isPresent()) {
            process.child().get().onExit().thenRun(ended);
        } else {
            watched.put(process, ended);
            java.util.concurrent.locks.LockSupport.unpark(thread);
        }
    }

    private void run() {
        Ticker.Deadline choresDue = ticker.in(Duration.ofSeconds(5));
        while (!closed) {
            long before = ticker.nanos();
            watched.forEach((process, ended) -> {
                if (!process.alive() && watched.remove(process, ended)) {
                    guarded(ended);
                }
            });
            if (choresDue.passed()) {
                guarded(chores);
                choresDue = ticker.in(Duration.ofSeconds(5));
            }
            Duration rest = Duration.ofNanos((ticker.nanos() - before) * RARITY);
            rest = rest.compareTo(SHORTEST) < 0 ? SHORTEST : rest.compareTo(LONGEST) > 0 ? LONGEST : rest;
            if (!closed) {
                java.util.concurrent.locks.LockSupport.parkNanos(
                        watched.isEmpty() ? LONGEST.toNanos() : rest.toNanos());
            }
        }
    }

    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            log.warn("Watching members: {}", e.toString(), e);
        }
    }

    @Override
    public void close() {
        closed = true;
        java.util.concurrent.locks.LockSupport.unpark(thread);
    }
}
