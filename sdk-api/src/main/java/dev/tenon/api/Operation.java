package dev.tenon.api;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * One long-running change that a caller can follow, cancel, or find again by id, also in another process. Thread-safe.
 *
 * @param <T> what it yields
 */
public interface Operation<T> {
    /** Returns its identity. */
    OperationId id();

    /** Returns what is known of it now. */
    OperationView view();

    /**
     * Waits until it is done.
     *
     * @param timeout how long to wait, counted from the call
     * @return what it yields
     * @throws OperationTimeoutException if it is still running then; it goes on
     * @throws OperationFailedException if it ended without doing what it was asked to, or is parked
     */
    T await(Duration timeout);

    /**
     * Asks it to stop at the next step. What was begun is taken back where the kind allows it. Does nothing if it is done, or if
     * it has begun to remove data for good.
     *
     * @return whether it could still be asked
     */
    boolean cancel();

    /**
     * Begins a parked operation again.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if it is not parked
     */
    void retry();

    /**
     * Calls {@code listener} with the present view and with later ones until it is done; in order, one call at a time, each view
     * once, from a thread of the control plane. Views in between may be left out if the listener is slow or another process
     * carries the operation out.
     *
     * <p>The view with which it is done is never left out: if the operation is done before the subscription is closed, which it is
     * after {@link #await} has returned, the listener has had that view when {@link Subscription#close()} returns. A listener that
     * throws, or that closes the subscription itself, is not called again.
     *
     * @return closes early
     */
    Subscription follow(Consumer<OperationView> listener);
}
