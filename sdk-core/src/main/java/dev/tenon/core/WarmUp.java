package dev.tenon.core;

import dev.tenon.core.time.Threads;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads on another processor what the first delivery of this JVM would otherwise wait for: most of a first delivery's time goes
 * into loading classes. Once per JVM, as classes stay.
 */
final class WarmUp implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(WarmUp.class);
    private static final AtomicBoolean DONE = new AtomicBoolean();
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Thread thread;

    WarmUp(List<Runnable> tasks) {
        thread = new Thread(() -> tasks.forEach(WarmUp::run), "tenon-warm-up");
        thread.setDaemon(true);
        if (DONE.compareAndSet(false, true)) {
            thread.start();
        }
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            // Whoever needs it next gets the failure from the call that is made for it.
            log.debug("warming up: {}", e.toString());
        }
    }

    @Override
    public void close() {
        Threads.join(List.of(thread), PATIENCE);
    }
}
