package dev.tenon.api;

/** The shape of an instance. */
public enum TopologyKind {
    /** One member. */
    SINGLE,
    /** A primary and standbys that can be promoted (主备). */
    PRIMARY_STANDBY,
    /** A primary and standbys that also serve reads (读写分离). */
    READ_WRITE_SPLIT,
    /** Several members that share one query's work (MPP). */
    MPP,
    /** Several members on one shared storage. */
    SHARED_STORAGE
}
