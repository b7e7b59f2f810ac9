package dev.tenon.core.failover;

import dev.tenon.api.Reason;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a promotion may lose; it is in the record before the promotion is ordered.
 *
 * @param knownBytes bytes of log that the old primary was seen to have and the new one lacks; what it wrote after it was last
 *     seen is not in this number
 * @param since everything acknowledged before this moment is safe; absent if no such moment is known
 */
public record Loss(long knownBytes, Optional<Instant> since) {
    /** Returns it in words. */
    public List<Reason> reasons() {
        return Stream.concat(
                        Stream.of(Reason.of(Reason.Code.MAY_LOSE, Long.toString(knownBytes))),
                        since.stream().map(at -> Reason.of(Reason.Code.SAFE_UNTIL, at.toString())))
                .toList();
    }

    /** Returns whether this is no more than what was accepted. */
    public boolean within(Loss accepted) {
        boolean asLate = accepted.since().isEmpty()
                || since.map(at -> !at.isBefore(accepted.since().get())).orElse(false);
        return knownBytes <= accepted.knownBytes() && asLate;
    }
}
