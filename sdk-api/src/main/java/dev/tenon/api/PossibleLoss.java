package dev.tenon.api;

import java.time.Instant;
import java.util.Optional;

/**
 * What may be lost if a standby takes the place of a primary that is not waited for any longer.
 *
 * @param knownBytes bytes of log that the primary was seen to have and the standby lacks, 0 or more; what the primary wrote after it
 *     was last seen is not in this number
 * @param safeUntil everything acknowledged before this moment is there; absent if no such moment is known
 */
public record PossibleLoss(long knownBytes, Optional<Instant> safeUntil) {
    /** Checks the number. */
    public PossibleLoss {
        if (knownBytes < 0) {
            throw new InvalidSpecException("accepted.knownBytes", knownBytes + "; expected 0 or more");
        }
    }
}
