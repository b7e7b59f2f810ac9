package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that does in quiet moments what would make callers wait: copying spares, removing what was destroyed. It gives way to
 * every call in progress. Removal is late and in bulk, because ext4 makes files slowly where many were just deleted.
 */
final class SpareKeeper implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SpareKeeper.class);
    private static final Duration QUIET = Duration.ofMillis(500);
    /** Beyond this much rubbish, its removal no longer waits for quiet. */
    private static final int MOST_RUBBISH = 64;

    private final int count;
    private final Ticker ticker;
    private final AtomicInteger busy;
    private final LinkedBlockingQueue<Want> wants = new LinkedBlockingQueue<>();
    private final ConcurrentLinkedQueue<Chore> chores = new ConcurrentLinkedQueue<>();
    private final Set<Want> queued = ConcurrentHashMap.newKeySet();
    private final Set<Path> trashes = ConcurrentHashMap.newKeySet();
    private final AtomicInteger waiting = new AtomicInteger();
    private final Thread thread;
    private volatile boolean closed;

    private record Want(Spares spares, Templates.Prepared template, boolean durable) {}

    /** A chore of the keeper's thread. */
    @FunctionalInterface
    interface Chore {
        void run() throws IOException;
    }

    /** @param busy number of calls in progress, to which this gives way */
    SpareKeeper(int count, Ticker ticker, AtomicInteger busy, String name) {
        this.count = count;
        this.ticker = ticker;
        this.busy = busy;
        this.thread = new Thread(this::run, "tenon-" + name + "-spares");
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
        thread.start();
    }

    /** Asks for the usual number of copies of this template. */
    void want(Spares spares, Templates.Prepared template, boolean durable) {
        Want want = new Want(spares, template, durable);
        if (count > 0 && queued.add(want)) {
            wants.add(want);
        }
    }

    /** Does something once, in the next quiet moment. */
    void later(Chore chore) {
        chores.add(chore);
    }

    /** Says that there may be something to remove in this directory. */
    void rubbish(Path trash) {
        trashes.add(trash);
        waiting.incrementAndGet();
    }

    private void run() {
        while (!closed) {
            try {
                Want want = wants.poll(QUIET.toMillis(), TimeUnit.MILLISECONDS);
                if (want != null) {
                    queued.remove(want);
                    fill(want);
                }
                Chore chore = want == null ? chores.poll() : null;
                if (chore != null) {
                    chore.run();
                }
                if (waiting.get() >= MOST_RUBBISH) {
                    removeRubbish(() -> {});
                } else if (want == null && waiting.get() > 0) {
                    removeRubbish(this::giveWay);
                }
            } catch (InterruptedException e) {
                // Only close() interrupts.
                return;
            } catch (IOException | RuntimeException e) {
                if (!closed) {
                    log.warn("Keeping spare copies: {}", e.toString());
                }
            }
        }
    }

    private void fill(Want want) throws IOException {
        while (!closed
                && want.spares().count(want.template(), want.durable())
                        < Math.min(count, want.spares().most())) {
            want.spares().make(want.template(), want.durable(), this::giveWay);
        }
    }

    private void giveWay() {
        if (closed) {
            throw Failures.of(dev.tenon.api.ErrorCode.PROVIDER_UNAVAILABLE, "closing");
        }
        Ticker.Deadline patience = ticker.in(Duration.ofSeconds(2));
        while (busy.get() > 0 && !patience.passed()) {
            ticker.pause(Duration.ofMillis(1));
        }
    }

    private void removeRubbish(Runnable between) throws IOException {
        waiting.set(0);
        for (Path trash : trashes) {
            empty(trash, between);
        }
    }

    /** Removes everything in a trash directory. */
    static void empty(Path trash, Runnable between) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(trash)) {
            for (Path rubbish : all) {
                between.run();
                Disk.deleteTree(rubbish);
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
