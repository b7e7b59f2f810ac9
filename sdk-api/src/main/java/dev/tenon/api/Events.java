package dev.tenon.api;

import java.util.List;
import java.util.function.Consumer;

/** Events of one instance, one tenant or the installation. Thread-safe. */
public interface Events {
    /** Returns events after a sequence number, in order; at most {@code limit}, 1 to 1,000. */
    List<Event> after(long sequence, int limit);

    /** Returns the newest events, newest first; at most {@code limit}, 1 to 1,000. */
    List<Event> latest(int limit);

    /**
     * Calls {@code listener} with every event after a sequence number, in order, from a thread of the control plane. A listener
     * that throws gets the same event again later: at least once.
     *
     * @return closes early
     */
    Subscription subscribe(long afterSequence, Consumer<Event> listener);
}
