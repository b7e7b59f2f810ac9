package dev.tenon.spi.delivery;

/** What a place sees of a member. */
public enum MemberState {
    /** Nothing of it exists. */
    ABSENT,
    /** Some of it exists, but it was never completely prepared. */
    INCOMPLETE,
    /** Prepared; its main process does not run. */
    STOPPED,
    /** Its main process runs, but is not ready, or a process beside it is missing. */
    STARTING,
    /** All its processes run and it is ready. */
    RUNNING,
    /** The place cannot tell now; this is not the same as down. */
    UNKNOWN
}
