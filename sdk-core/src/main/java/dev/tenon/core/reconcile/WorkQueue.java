package dev.tenon.core.reconcile;

import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.core.time.Ticker;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Instances that need a look. One worker at a time has an instance; wake-ups meanwhile collapse into one more look. Tenants take
 * turns, so that one with a thousand creations does not keep another with one waiting. Bounded by the number of instances.
 * Thread-safe.
 */
final class WorkQueue {
    /** An instance and its owner. */
    record Key(TenantId tenant, InstanceId instance) {}

    private record Due(Key key, long at) {}

    private enum State {
        READY,
        TAKEN,
        TAKEN_AND_WOKEN
    }

    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<InstanceId, State> states = new HashMap<>();
    private final Map<TenantId, ArrayDeque<Key>> ready = new LinkedHashMap<>();
    private final PriorityQueue<Due> later = new PriorityQueue<>((a, b) -> Long.compare(a.at(), b.at()));
    /** When each waiting instance is due: an entry of {@link #later} with another time is outdated. */
    private final Map<InstanceId, Long> dueAt = new HashMap<>();

    /** The worker that waits for what is due first; the others wait to be called, or each due time would wake them all. */
    private @Nullable Thread watchman;

    private boolean closed;

    WorkQueue(Ticker ticker) {
        this.ticker = ticker;
    }

    /** Asks for a look as soon as a worker is free. */
    void wake(Key key) {
        lock.lock();
        try {
            dueAt.remove(key.instance());
            ready(key);
        } finally {
            lock.unlock();
        }
    }

    private void ready(Key key) {
        State state = states.get(key.instance());
        if (state == null) {
            states.put(key.instance(), State.READY);
            ready.computeIfAbsent(key.tenant(), t -> new ArrayDeque<>()).add(key);
            changed.signal();
        } else if (state == State.TAKEN) {
            states.put(key.instance(), State.TAKEN_AND_WOKEN);
        }
    }

    /** Asks for a look after a while, or earlier if one was asked for already. */
    void wakeAfter(Key key, long nanos) {
        if (nanos <= 0) {
            wake(key);
            return;
        }
        lock.lock();
        try {
            long at = ticker.nanos() + nanos;
            Long present = dueAt.get(key.instance());
            if (present == null || at < present) {
                dueAt.put(key.instance(), at);
                Due due = new Due(key, at);
                later.add(due);
                if (later.element() == due) {
                    watchman = null; // who waits for a later time is relieved
                    changed.signal();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits for an instance to look at; null once closed. */
    @Nullable
    Key take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!closed) {
                promote();
                Optional<Key> next = next();
                if (next.isPresent()) {
                    states.put(next.get().instance(), State.TAKEN);
                    return next.get();
                }
                Due first = later.peek();
                if (first == null || watchman != null) {
                    changed.await();
                } else {
                    watch(first);
                }
            }
            return null;
        } finally {
            if (watchman == null && !later.isEmpty()) {
                changed.signal();
            }
            lock.unlock();
        }
    }

    private void watch(Due first) throws InterruptedException {
        Thread self = Thread.currentThread();
        watchman = self;
        try {
            changed.await(ticker.waitFor(Math.max(1, first.at() - ticker.nanos())), TimeUnit.NANOSECONDS);
        } finally {
            if (watchman == self) {
                watchman = null;
            }
        }
    }

    /** Tells that the worker is through with an instance. */
    void done(Key key) {
        lock.lock();
        try {
            if (states.remove(key.instance()) == State.TAKEN_AND_WOKEN) {
                ready(key);
            }
        } finally {
            lock.unlock();
        }
    }

    private void promote() {
        long now = ticker.nanos();
        while (!later.isEmpty() && later.element().at() <= now) {
            Due due = later.remove();
            Long at = dueAt.get(due.key().instance());
            if (at != null && at == due.at()) {
                dueAt.remove(due.key().instance());
                ready(due.key());
            }
        }
    }

    private Optional<Key> next() {
        Iterator<Map.Entry<TenantId, ArrayDeque<Key>>> turns = ready.entrySet().iterator();
        if (!turns.hasNext()) {
            return Optional.empty();
        }
        Map.Entry<TenantId, ArrayDeque<Key>> turn = turns.next();
        turns.remove();
        Key key = turn.getValue().remove();
        if (!turn.getValue().isEmpty()) {
            ready.put(turn.getKey(), turn.getValue()); // behind the other tenants
        }
        return Optional.of(key);
    }

    /** Returns whether nothing waits and nobody works; what is due later does not count. */
    boolean idle() {
        lock.lock();
        try {
            promote();
            return states.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
