package dev.tenon.core.failover;

import dev.tenon.api.Reason;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * What to do now, and why. The order among the parts is fixed: if there is something to record, that alone is done, by
 * compare-and-set on the revision, and then it is decided anew. Else the orders are sent; among them no order matters.
 *
 * @param record what to write
 * @param orders what to tell whom, each with the revision of the record they follow from
 * @param alarms what a person should know: a stable name, and the text
 * @param reason why, for {@code explain()}
 */
public record Decision(
        Optional<FailoverRecord> record, SortedMap<String, Order> orders, List<Alarm> alarms, Reason reason) {
    /** What a person should know. */
    public record Alarm(Kind kind, String text) {}

    /** Kinds of alarms. */
    public enum Kind {
        /** Too few standbys can be reached to be sure that nothing is lost: a person may force. */
        TOO_FEW_STANDBYS,
        /** A fail-over would be due, but there was one lately, or much of the fleet looks dead. */
        HELD_BACK,
        /** Only one copy takes writes. */
        ALONE,
        /** More may be lost than was agreed to. */
        LOSS_TOO_GREAT,
        /** Writes wait for standbys. */
        STALLED,
        /** What was asked for cannot begin yet. */
        REQUEST_WAITS,
        /** Who was elected does not answer, and nobody else can be. */
        ELECTED_SILENT
    }

    static Decision write(FailoverRecord next, Reason reason) {
        return new Decision(Optional.of(next), Collections.emptySortedMap(), List.of(), reason);
    }
}
