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
     * Asks it to stop at the next step. What was begun is taken back where the kind allows it. Does nothing if it is done.
     *
     * @return whether it was not done yet
     */
    boolean cancel();

    /**
     * Begins a parked operation again.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if it is not parked
     */
    void retry();

    /**
     * Calls {@code listener} with the present view and with every later one until it is done; from a thread of the control
     * plane, one call at a time.
     *
     * @return closes early
     */
    Subscription follow(Consumer<OperationView> listener);
}
