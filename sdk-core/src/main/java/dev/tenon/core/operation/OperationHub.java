package dev.tenon.core.operation;

import dev.tenon.api.OperationId;
import dev.tenon.api.OperationView;
import dev.tenon.api.Subscription;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Tells those who wait for an operation of this process about each of its writes, so that nobody polls the store. Thread-safe. */
public final class OperationHub implements AutoCloseable {
    private final Map<OperationId, CopyOnWriteArrayList<Consumer<OperationDoc>>> listeners = new ConcurrentHashMap<>();
    private final Set<Follower> followers = ConcurrentHashMap.newKeySet();

    /** Tells that an operation was written. */
    public void publish(OperationDoc doc) {
        CopyOnWriteArrayList<Consumer<OperationDoc>> waiting = listeners.get(doc.id());
        if (waiting != null) {
            waiting.forEach(listener -> listener.accept(doc));
        }
    }

    /** Calls a quick listener after each write of an operation, from the writing thread. */
    public Subscription listen(OperationId id, Consumer<OperationDoc> listener) {
        listeners.compute(id, (key, present) -> {
            CopyOnWriteArrayList<Consumer<OperationDoc>> list =
                    present == null ? new CopyOnWriteArrayList<>() : present;
            list.add(listener);
            return list;
        });
        return () -> listeners.computeIfPresent(id, (key, present) -> {
            present.remove(listener);
            return present.isEmpty() ? null : present;
        });
    }

    /**
     * Calls a listener with the views of an operation until it is done, from a thread of its own; see
     * {@link dev.tenon.api.Operation#follow}.
     *
     * @param newest reads the operation from the store
     * @param poll how often it is read although nothing was told, because another process may write it
     */
    public Subscription follow(
            OperationId id, Supplier<OperationDoc> newest, Duration poll, Consumer<OperationView> listener) {
        Follower follower = new Follower(id, newest, poll, listener, followers::remove);
        followers.add(follower);
        follower.begin(listen(id, follower::news));
        return follower;
    }

    /** Ends what follows. */
    @Override
    public void close() {
        followers.forEach(Follower::close);
    }
}
