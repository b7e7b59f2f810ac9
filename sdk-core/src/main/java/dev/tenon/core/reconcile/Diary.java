package dev.tenon.core.reconcile;

import dev.tenon.api.Explanation;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Reason;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The last decisions about each instance, in memory, so that a person can be told why. Thread-safe. */
public final class Diary {
    private static final int KEPT = 20;

    private final Clock clock;
    private final Map<InstanceId, ArrayDeque<Explanation.Decision>> decisions = new ConcurrentHashMap<>();

    /** Dates by {@code clock}. */
    public Diary(Clock clock) {
        this.clock = clock;
    }

    /** Notes a decision; the same one again is not noted. */
    void note(InstanceId id, Reason what) {
        decisions.compute(id, (key, present) -> {
            ArrayDeque<Explanation.Decision> list = present == null ? new ArrayDeque<>(4) : present;
            if (list.isEmpty() || !list.getLast().what().equals(what)) {
                list.addLast(new Explanation.Decision(clock.instant(), what));
                if (list.size() > KEPT) {
                    list.removeFirst();
                }
            }
            return list;
        });
    }

    /** Forgets an instance that is gone. */
    void forget(InstanceId id) {
        decisions.remove(id);
    }

    /** Returns the last decisions, newest first. */
    public List<Explanation.Decision> latest(InstanceId id) {
        List<Explanation.Decision> out = new ArrayList<>();
        decisions.computeIfPresent(id, (key, list) -> {
            for (Iterator<Explanation.Decision> it = list.descendingIterator(); it.hasNext(); ) {
                out.add(it.next());
            }
            return list;
        });
        return out;
    }
}
