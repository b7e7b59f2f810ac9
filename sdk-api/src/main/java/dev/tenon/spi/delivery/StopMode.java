package dev.tenon.spi.delivery;

/** How hard a member is stopped. */
public enum StopMode {
    /** As the workload says, killed after its grace. */
    GRACEFUL,
    /** At once, without asking. */
    KILL
}
