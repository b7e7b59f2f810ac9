package dev.tenon.core.failover;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Optional;

/**
 * The rules on which safety rests, one method each. Tests break them one by one and watch the simulation find what is lost; nothing
 * else overrides them.
 */
class Rules {
    /**
     * What is recorded while a setting changes: before the primary is told, everything that may be acknowledged from now on must
     * be covered, whichever of its processes has taken the new setting over.
     */
    Quorum whileChanging(Quorum guaranteed, Quorum next) {
        return guaranteed.hull(next);
    }

    /**
     * When the stronger rule may be recorded. That the new setting is in force is not enough: what was acknowledged before, under
     * the weaker one, may still be on its way. A write acknowledged under the new setting proves that enough standbys have
     * everything up to it.
     */
    boolean proved(Seen.Member primary, long revision) {
        return primary.is(Seen.State.PRIMARY, revision) && primary.proved() == revision;
    }

    /** A standby has stopped receiving only if it says so of this revision; what it said of an earlier one may be over. */
    boolean detached(Seen.Member standby, long revision) {
        return standby.is(Seen.State.STANDBY, revision)
                && standby.receivesFrom().isEmpty();
    }

    /**
     * How many members of S must have stopped receiving. From then on nothing can be acknowledged, and everything acknowledged is
     * with one of them.
     */
    int confirmations(Quorum guaranteed) {
        return guaranteed.revoking();
    }

    /** Who is elected among those who may lead: who has most on disk. */
    Comparator<Seen.Member> furthest() {
        return Comparator.comparingLong(Seen.Member::flushed);
    }

    /**
     * Who may be elected: only who has reached the timeline on which the primary led. So it has everything acknowledged before that
     * timeline began, and positions can be compared; and no two primaries begin timelines of the same number, which PostgreSQL
     * could not tell apart.
     */
    boolean mayLead(Seen.Member standby, int timeline) {
        return standby.timeline() >= timeline;
    }

    /** What a member needs that was elected and given up: it may have begun the timeline that the next one begins, too. */
    Rebuild.How givenUp() {
        return Rebuild.How.CLONE;
    }

    /** One automatic fail-over, then a quiet time. */
    boolean quietEnough(Optional<Instant> last, Instant now, Duration quiet) {
        return last.map(at -> !now.isBefore(at.plus(quiet))).orElse(true);
    }

    /** Whether an automatic promotion may lose this much. */
    boolean agreedTo(Loss loss, Durability.Async agreed, Instant now) {
        return loss.knownBytes() <= agreed.mostBytes()
                && loss.since()
                        .map(at -> !at.plus(agreed.mostTime()).isBefore(now))
                        .orElse(false);
    }

    /** What is recorded before a promotion that may lose something. */
    Optional<Loss> announced(Loss loss) {
        return Optional.of(loss);
    }
}
