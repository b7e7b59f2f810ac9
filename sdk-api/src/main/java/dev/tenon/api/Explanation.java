package dev.tenon.api;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Why an instance is in its state.
 *
 * @param summary one sentence in English
 * @param waitsFor what it waits for, if anything
 * @param nextTryAt when the control plane looks again at the latest
 * @param decisions the last decisions, newest first, at most 20
 */
public record Explanation(
        String summary, Optional<Reason> waitsFor, Optional<Instant> nextTryAt, List<Decision> decisions) {
    /**
     * One decision of the control plane.
     *
     * @param at when
     * @param what what was decided and why
     */
    public record Decision(Instant at, Reason what) {}

    /** Copies the list. */
    public Explanation {
        decisions = List.copyOf(decisions);
    }
}
