package dev.tenon.core.operation;

import dev.tenon.api.Lifecycle;

/** The state of a {@link Lifecycle} without its details, to be a key of tables. */
public enum Phase {
    /** {@link Lifecycle.Requested}. */
    REQUESTED,
    /** {@link Lifecycle.PendingApproval}. */
    PENDING_APPROVAL,
    /** {@link Lifecycle.Provisioning}. */
    PROVISIONING,
    /** {@link Lifecycle.Active}. */
    ACTIVE,
    /** {@link Lifecycle.Stopped}. */
    STOPPED,
    /** {@link Lifecycle.Frozen}. */
    FROZEN,
    /** {@link Lifecycle.Recycled}. */
    RECYCLED,
    /** {@link Lifecycle.Deleted}. */
    DELETED,
    /** {@link Lifecycle.Failed}. */
    FAILED;

    /** Returns the phase of a lifecycle. */
    public static Phase of(Lifecycle lifecycle) {
        // A chain, because switching over sealed types is not in Java 17; the test walks all permitted types.
        if (lifecycle instanceof Lifecycle.Requested) {
            return REQUESTED;
        } else if (lifecycle instanceof Lifecycle.PendingApproval) {
            return PENDING_APPROVAL;
        } else if (lifecycle instanceof Lifecycle.Provisioning) {
            return PROVISIONING;
        } else if (lifecycle instanceof Lifecycle.Active) {
            return ACTIVE;
        } else if (lifecycle instanceof Lifecycle.Stopped) {
            return STOPPED;
        } else if (lifecycle instanceof Lifecycle.Frozen) {
            return FROZEN;
        } else if (lifecycle instanceof Lifecycle.Recycled) {
            return RECYCLED;
        } else if (lifecycle instanceof Lifecycle.Deleted) {
            return DELETED;
        } else {
            return FAILED;
        }
    }

    /** Returns the name that people know: that of the lifecycle's type. */
    public String title() {
        return switch (this) {
            case REQUESTED -> "Requested";
            case PENDING_APPROVAL -> "PendingApproval";
            case PROVISIONING -> "Provisioning";
            case ACTIVE -> "Active";
            case STOPPED -> "Stopped";
            case FROZEN -> "Frozen";
            case RECYCLED -> "Recycled";
            case DELETED -> "Deleted";
            case FAILED -> "Failed";
        };
    }

    /** Returns whether the members shall run. */
    public boolean running() {
        return this == ACTIVE;
    }
}
