package dev.tenon.core.failover;

import java.time.Instant;
import java.util.Optional;

/** Where a change of the primary stands. What each member is told in each phase is {@link Order#of}. */
public sealed interface Phase {
    /**
     * The recorded primary leads.
     *
     * @param since when it was recorded, or went on after a change that came to nothing
     */
    record Steady(Instant since) implements Phase {}

    /**
     * The standbys are told to stop receiving from the old primary.
     *
     * @param since when it began
     * @param forced a person's decision, if this is one
     */
    record Revoking(Instant since, Optional<Request.Force> forced) implements Phase {}

    /**
     * A planned switch-over: the primary stops cleanly, which brings everything it has to the target.
     *
     * @param target who shall be primary
     * @param since when it began
     */
    record HandingOver(String target, Instant since) implements Phase {}

    /**
     * One member was elected and is told to lead; nobody follows it before it was seen to lead and recorded as primary.
     *
     * @param elected who shall be primary
     * @param since when it was elected
     */
    record Promoting(String elected, Instant since) implements Phase {}
}
