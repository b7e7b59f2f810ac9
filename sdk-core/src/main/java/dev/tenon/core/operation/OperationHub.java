package dev.tenon.core.operation;

import dev.tenon.api.OperationId;
import dev.tenon.api.Subscription;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Tells those who wait for an operation of this process about each of its writes, so that nobody polls the store. Thread-safe. */
public final class OperationHub {
    private final Map<OperationId, CopyOnWriteArrayList<Consumer<OperationDoc>>> listeners = new ConcurrentHashMap<>();

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
}
