package dev.tenon.core.failover;

/**
 * One thing that goes wrong, or that a person asks for.
 *
 * @param at virtual milliseconds
 * @param kind what
 * @param first whom it meets, as a number that is taken modulo how many there are
 * @param second whom else
 * @param millis how long it lasts
 */
record Fault(long at, Kind kind, int first, int second, long millis) {
    enum Kind {
        /** The server process dies; its host lives. */
        KILL_SERVER,
        /** The host goes down. */
        KILL_HOST,
        /** A member freezes with all its sessions and comes back as if nothing had been. */
        PAUSE_MEMBER,
        KILL_PLANE,
        PAUSE_PLANE,
        /** Nothing gets from first to second. */
        CUT_ONE_WAY,
        CUT_BOTH_WAYS,
        /** Nothing gets to or from a member. */
        ISOLATE,
        /** A member and nobody else loses the control planes. */
        CUT_FROM_PLANES,
        /** The next member that is promoted loses the control planes at that moment. */
        CUT_WHEN_PROMOTED,
        CUT_FROM_STORE,
        /** Processes of a server are slow to take settings over. */
        SLOW_RELOAD,
        /** Messages take long, come twice or not at all. */
        BAD_NETWORK,
        /** Clients stop waiting; their commits stay on the primary, not acknowledged. */
        CANCEL_WAITS,
        SWITCH_OVER,
        RENEW_MEMBER,
        ADD_MEMBER,
        REMOVE_MEMBER,
        CHANGE_NEEDED,
        FORCE
    }
}
