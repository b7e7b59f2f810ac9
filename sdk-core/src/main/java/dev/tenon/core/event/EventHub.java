package dev.tenon.core.event;

import dev.tenon.api.Event;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Subscription;
import dev.tenon.api.TenantId;
import dev.tenon.core.time.Threads;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands events of the outbox to those who subscribed: at once when this control plane wrote them, by looking every second when
 * another one may have. Each subscription has a thread of its own, so a slow listener holds up nobody else. Thread-safe.
 */
public final class EventHub implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EventHub.class);
    private static final int BATCH = 500;
    private static final long POLL = Duration.ofSeconds(1).toNanos();
    private static final long IDLE = Duration.ofSeconds(30).toNanos();
    private static final long RETRY = Duration.ofSeconds(1).toNanos();
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);

    private final StateStore store;
    private final Ticker ticker = Ticker.system();
    private final Set<Feed> feeds = ConcurrentHashMap.newKeySet();

    /** Reads from {@code store}, which is open. */
    public EventHub(StateStore store) {
        this.store = store;
    }

    /** Tells that events were committed. */
    public void signal() {
        feeds.forEach(Feed::signal);
    }

    /** Returns events after a sequence number. */
    public List<Event> after(Optional<TenantId> tenant, Optional<InstanceId> instance, long sequence, int limit) {
        return store.events(tenant.map(TenantId::value), instance.map(InstanceId::value), sequence, limit).stream()
                .map(EventCodec::read)
                .toList();
    }

    /** Returns the newest events, newest first. */
    public List<Event> latest(Optional<TenantId> tenant, Optional<InstanceId> instance, int limit) {
        return store
                .eventsBefore(tenant.map(TenantId::value), instance.map(InstanceId::value), Long.MAX_VALUE, limit)
                .stream()
                .map(EventCodec::read)
                .toList();
    }

    /** Calls the listener with every event after a sequence number, from a thread of its own. */
    public Subscription subscribe(
            Optional<TenantId> tenant, Optional<InstanceId> instance, long after, Consumer<Event> listener) {
        Feed feed = new Feed(tenant.map(TenantId::value), instance.map(InstanceId::value), after, listener);
        feeds.add(feed);
        feed.thread.start();
        return () -> end(List.of(feed));
    }

    @Override
    public void close() {
        end(List.copyOf(feeds));
    }

    /** All are told before the first is waited for, so that slow listeners cost their time once. */
    private void end(List<Feed> over) {
        over.forEach(Feed::end);
        for (Thread thread : Threads.join(over.stream().map(feed -> feed.thread).toList(), CLOSE_GRACE)) {
            log.warn("a listener of events does not return; {} is left behind", thread.getName());
        }
    }

    private final class Feed implements Runnable {
        private final Optional<String> tenant;
        private final Optional<String> subject;
        private final Consumer<Event> listener;
        private final Thread thread;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private long position;
        private boolean signalled = true;
        private boolean closed;

        Feed(Optional<String> tenant, Optional<String> subject, long after, Consumer<Event> listener) {
            this.tenant = tenant;
            this.subject = subject;
            this.position = after;
            this.listener = listener;
            this.thread = new Thread(this, "tenon-events");
            thread.setDaemon(true);
        }

        void signal() {
            lock.lock();
            try {
                signalled = true;
                changed.signal();
            } finally {
                lock.unlock();
            }
        }

        void end() {
            lock.lock();
            try {
                closed = true;
                changed.signal();
            } finally {
                lock.unlock();
            }
            feeds.remove(this);
        }

        @Override
        public void run() {
            long wait = 0;
            while (await(wait)) {
                wait = deliver() ? (store.shared() ? POLL : IDLE) : RETRY;
            }
        }

        /** Returns whether to go on, after a signal or when the time is over. */
        private boolean await(long nanos) {
            lock.lock();
            try {
                long end = ticker.nanos() + nanos;
                while (!closed && !signalled && ticker.nanos() < end) {
                    changed.await(end - ticker.nanos(), TimeUnit.NANOSECONDS);
                }
                signalled = false;
                return !closed;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } finally {
                lock.unlock();
            }
        }

        private boolean deliver() {
            try {
                List<StoredEvent> events;
                do {
                    events = store.events(tenant, subject, position, BATCH);
                    for (StoredEvent event : events) {
                        if (isClosed()) {
                            return true;
                        }
                        listener.accept(EventCodec.read(event));
                        position = event.sequence();
                    }
                } while (events.size() == BATCH);
                return true;
            } catch (RuntimeException e) {
                if (!isClosed()) {
                    log.warn("a listener of events failed; it gets the same event again", e);
                }
                return false;
            }
        }

        private boolean isClosed() {
            lock.lock();
            try {
                return closed;
            } finally {
                lock.unlock();
            }
        }
    }
}
