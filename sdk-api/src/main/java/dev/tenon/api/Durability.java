package dev.tenon.api;

/** What a primary with standbys waits for before it acknowledges a commit, and what it does when no standby is left. */
public enum Durability {
    /** One standby has the commit on disk. Writes stall as long as no standby is there: nothing acknowledged is ever lost. */
    STRICT,
    /**
     * One standby has the commit on disk. When all standbys are gone for 10 seconds, the primary may go on alone; that is recorded
     * and told, and taken back as soon as a standby follows again.
     */
    BALANCED,
    /** Nothing beside the primary: what the standbys have not received yet is lost with it. */
    ASYNC
}
