package dev.tenon.api;

/** Where an operation is. */
public enum OperationState {
    /** Waits for somebody else's approval. */
    PENDING_APPROVAL,
    /** Waits for an earlier operation of the instance, or for a free worker. */
    QUEUED,
    /** A step is being carried out. */
    RUNNING,
    /** A step failed and will be tried again; the view says when and why. */
    WAITING,
    /** The tries are used up; waits for a person to retry, or for the next operation to take its place. */
    PARKED,
    /** Done. */
    SUCCEEDED,
    /** Ended without doing what it was asked to. */
    FAILED,
    /** Cancelled before it was done; what it had begun was undone or left as the view says. */
    CANCELLED,
    /** An approver said no. */
    REJECTED;

    /** Returns whether nothing more will happen. */
    public boolean done() {
        return switch (this) {
            case SUCCEEDED, FAILED, CANCELLED, REJECTED -> true;
            case PENDING_APPROVAL, QUEUED, RUNNING, WAITING, PARKED -> false;
        };
    }
}
