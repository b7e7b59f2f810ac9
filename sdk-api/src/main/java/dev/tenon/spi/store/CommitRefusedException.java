package dev.tenon.spi.store;

/** A condition of a commit does not hold; nothing was changed. Not a failure of the store: the caller looks again and decides. */
public final class CommitRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Which kind of condition. */
    public enum Condition {
        /** The lease is lost. */
        LEASE,
        /** A document has another version. */
        VERSION,
        /** A unique key has another owner. */
        CLAIM,
        /** A counter would pass its maximum. */
        COUNTER
    }

    private final Condition condition;
    private final String subject;
    private final long seen;

    /**
     * Creates the refusal.
     *
     * @param condition which kind of condition
     * @param subject kind and id of the document, scope and key, scope and counter, or the lease's name
     * @param seen the version or counter value that was seen; the epoch for a lease; 0 for a claim
     */
    public CommitRefusedException(Condition condition, String subject, long seen) {
        super(condition + " " + subject + ", seen " + seen, null, false, false);
        this.condition = condition;
        this.subject = subject;
        this.seen = seen;
    }

    /** Returns which kind of condition. */
    public Condition condition() {
        return condition;
    }

    /** Returns what it was about. */
    public String subject() {
        return subject;
    }

    /** Returns the version, counter value or epoch that was seen. */
    public long seen() {
        return seen;
    }
}
