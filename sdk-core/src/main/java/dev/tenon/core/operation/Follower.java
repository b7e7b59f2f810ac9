package dev.tenon.core.operation;

import dev.tenon.api.OperationId;
import dev.tenon.api.OperationView;
import dev.tenon.api.Subscription;
import dev.tenon.core.time.Threads;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls one listener, in order, until the operation is done or the subscription is closed. Thread-safe. */
final class Follower implements Subscription, Runnable {
    private static final Logger log = LoggerFactory.getLogger(Follower.class);
    private static final int BACKLOG = 256;
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);

    private final OperationId id;
    private final Supplier<OperationDoc> newest;
    private final Duration poll;
    private final Consumer<OperationView> listener;
    private final Consumer<Follower> ended;
    private final Thread thread = new Thread(this, "tenon-follow");
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<OperationDoc> news = new ArrayDeque<>();
    private Subscription source = () -> {};
    private boolean closed;
    private boolean closedByListener;
    /** The version of the view the listener had last; only its thread uses it. */
    private long told = -1;

    Follower(
            OperationId id,
            Supplier<OperationDoc> newest,
            Duration poll,
            Consumer<OperationView> listener,
            Consumer<Follower> ended) {
        this.id = id;
        this.newest = newest;
        this.poll = poll;
        this.listener = listener;
        this.ended = ended;
    }

    /** Starts; closes {@code news} at the end. */
    void begin(Subscription news) {
        source = news;
        thread.setDaemon(true);
        thread.start();
    }

    /** Takes what was written. */
    void news(OperationDoc doc) {
        lock.lock();
        try {
            if (news.size() == BACKLOG) {
                news.removeFirst(); // a newer view says more
            }
            news.addLast(doc);
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void run() {
        try {
            OperationDoc doc = newest.get();
            tell(doc);
            while (!doc.state().done() && await()) {
                doc = next().orElseGet(newest);
                tell(doc);
            }
            if (!doc.state().done() && !leftByListener()) {
                // Whoever closes may have seen the end by another way already, an await for one: it is told here too.
                Optional.of(newest.get()).filter(last -> last.state().done()).ifPresent(this::tell);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            log.warn("following {} ended early", id, e);
        } finally {
            source.close();
            ended.accept(this);
        }
    }

    private void tell(OperationDoc doc) {
        if (doc.version() > told) {
            told = doc.version();
            listener.accept(doc.view());
        }
    }

    /** Waits for news, at most as long as to the next look into the store. Returns false once closed. */
    private boolean await() throws InterruptedException {
        lock.lock();
        try {
            long left = poll.toNanos();
            while (news.isEmpty() && !closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    private Optional<OperationDoc> next() {
        lock.lock();
        try {
            return Optional.ofNullable(news.pollFirst());
        } finally {
            lock.unlock();
        }
    }

    private boolean leftByListener() {
        lock.lock();
        try {
            return closedByListener;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        boolean own = Thread.currentThread() == thread;
        lock.lock();
        try {
            closed = true;
            closedByListener |= own;
            changed.signal();
        } finally {
            lock.unlock();
        }
        if (!Threads.join(List.of(thread), CLOSE_GRACE).isEmpty()) {
            log.warn("a listener of {} does not return; it is left behind", id);
        }
    }
}
