package dev.tenon.core.failover;

/**
 * A member whose data must be made anew from the primary before it may follow it.
 *
 * @param how how
 * @param since the revision of the record with which this was decided; data made under that or a later order is good
 */
public record Rebuild(How how, long since) {
    /** Ways to make data anew. */
    public enum How {
        /** Its history is told apart from the primary's by timelines: rewind where the tool exists, else clone. */
        REWIND,
        /** It may have begun a timeline whose number another history also has; only a clone is safe. */
        CLONE
    }
}
