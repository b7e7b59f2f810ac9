package dev.tenon.core.failover;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was observed, which may be old: everything the planner builds on stays true once it was true, until a new revision.
 *
 * @param now the store's time
 * @param members the latest answer of each member
 * @param marks positions of the primary over time, oldest first, as far as they are remembered
 */
public record Seen(Instant now, Map<String, Member> members, List<Mark> marks) {
    /**
     * A position of the primary's log.
     *
     * @param at a moment before the position was read: what was acknowledged until then is not beyond it
     * @param position bytes
     */
    public record Mark(Instant at, long position) {}

    /** What a member is. */
    public enum State {
        /** Not known. */
        UNKNOWN,
        /** Runs and takes writes. */
        PRIMARY,
        /** Runs and takes none. */
        STANDBY,
        /** Does not run; its data is there. */
        STOPPED,
        /** The place made sure that it does not run and will not without an order; its data is out of reach. */
        OFF,
        /** Has no data, or half a copy. */
        EMPTY
    }

    /**
     * One member.
     *
     * @param answers whether it answered lately; if not, only {@code gone}, {@code away} and {@code silent} mean anything, and
     *     {@code order} and {@code state} where the place answers for it ({@link State#OFF})
     * @param gone the place's proof that its server does not run
     * @param order revision of the latest order it accepted
     * @param state what it is
     * @param cleanly of a stopped primary: everything it has was brought to the standbys that were connected
     * @param timeline the timeline of its last position
     * @param flushed position up to which its log is on disk, read after the order was carried out
     * @param receivesFrom whom it receives from, if from anyone; a receiver that is still ending counts
     * @param diverged its log has what the primary's has not, by the history of timelines
     * @param base revision of the order under which its data was completely made; 0 if it never was made anew
     * @param inForce of a primary: revision of the latest order whose setting every process of the server has taken over
     * @param proved of a primary: revision of the latest order under whose setting, seen in force before, a write was acknowledged
     * @param silent of a primary: how long no write got through, one that waits for no standby; of a standby: how long it has not
     *     heard the primary
     * @param away of a standby: how long it has not been seen to stream from the primary
     */
    public record Member(
            boolean answers,
            boolean gone,
            long order,
            State state,
            boolean cleanly,
            int timeline,
            long flushed,
            Optional<String> receivesFrom,
            boolean diverged,
            long base,
            long inForce,
            long proved,
            Duration silent,
            Duration away) {
        /** Nothing was heard of it. */
        public static final Member UNSEEN = new Member(
                false,
                false,
                0,
                State.UNKNOWN,
                false,
                0,
                0,
                Optional.empty(),
                false,
                0,
                0,
                0,
                Duration.ZERO,
                Duration.ofDays(1));

        /** Returns whether it answered, has accepted this revision's order and is in this state. */
        boolean is(State wanted, long revision) {
            return state == wanted && order == revision && (answers || state == State.OFF);
        }
    }

    /** Returns what was seen of a member. */
    public Member of(String member) {
        return members.getOrDefault(member, Member.UNSEEN);
    }
}
