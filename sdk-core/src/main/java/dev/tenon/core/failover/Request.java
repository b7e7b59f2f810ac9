package dev.tenon.core.failover;

/** What a person asked for. It is answered once: by its end, good or bad, its id is in {@link FailoverRecord#answered}. */
public sealed interface Request {
    /** Returns the id of the request. */
    String id();

    /** Returns the member it is about. */
    String target();

    /**
     * A planned switch-over, which loses nothing.
     *
     * @param id the id of the request
     * @param target who shall be primary
     */
    record SwitchOver(String id, String target) implements Request {}

    /**
     * New data for a standby.
     *
     * @param id the id of the request
     * @param target the standby
     */
    record Renew(String id, String target) implements Request {}

    /**
     * A promotion without proof that nothing is lost, after the loss was stated.
     *
     * @param id the id of the request
     * @param target who shall be primary
     * @param accepted the loss that was stated and accepted; if it grew since, nothing is promoted
     */
    record Force(String id, String target, Loss accepted) implements Request {}
}
