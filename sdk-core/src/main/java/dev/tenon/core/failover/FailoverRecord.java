package dev.tenon.core.failover;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * What the store holds for an instance. It is replaced by compare-and-set on its revision, only.
 *
 * @param revision grows with every write; every order carries it
 * @param epoch the lease under which it was written. A control plane that takes over writes its epoch first, which makes all
 *     orders of the former one old
 * @param term grows with every attempt to change the primary
 * @param primary who leads; during a change the old one, until the new one was seen to lead
 * @param timeline the timeline on which the primary leads; only who has reached it may be elected
 * @param guaranteed holds for everything that is or may yet be acknowledged; a fail-over relies on this. Never stronger than what
 *     the primary enforces
 * @param setting what the primary is told to enforce
 * @param phase where a change of the primary stands
 * @param rebuilds members whose data must be made anew
 * @param automaticAt when an automatic fail-over last began
 * @param loss what the last promotion may have lost, if it was not proved to lose nothing
 * @param answered the id of the last request that ended; empty if there was none
 */
public record FailoverRecord(
        long revision,
        long epoch,
        long term,
        String primary,
        int timeline,
        Quorum guaranteed,
        Quorum setting,
        Phase phase,
        SortedMap<String, Rebuild> rebuilds,
        Optional<Instant> automaticAt,
        Optional<Loss> loss,
        String answered) {
    /** Returns the record of a new instance: nothing was promised yet, and all but the first member are to be cloned. */
    public static FailoverRecord first(String primary, Iterable<String> standbys, Instant now) {
        SortedMap<String, Rebuild> rebuilds = new TreeMap<>();
        standbys.forEach(member -> rebuilds.put(member, new Rebuild(Rebuild.How.CLONE, 1)));
        return new FailoverRecord(
                1,
                0,
                1,
                primary,
                1,
                Quorum.ALONE,
                Quorum.ALONE,
                new Phase.Steady(now),
                Collections.unmodifiableSortedMap(rebuilds),
                Optional.empty(),
                Optional.empty(),
                "");
    }

    /** Returns whether no change of the primary is under way. */
    public boolean steady() {
        return phase instanceof Phase.Steady;
    }

    /** Returns whether the member's data must be made anew. */
    public boolean stray(String member) {
        return rebuilds.containsKey(member);
    }

    /** Returns the next record. */
    FailoverRecord next(UnaryOperator<Change> changes) {
        Change change = changes.apply(new Change(this));
        return new FailoverRecord(
                revision + 1,
                change.epoch,
                change.term,
                change.primary,
                change.timeline,
                change.guaranteed,
                change.setting,
                change.phase,
                Collections.unmodifiableSortedMap(change.rebuilds),
                change.automaticAt,
                change.loss,
                change.answered);
    }

    /** A record in the making. */
    static final class Change {
        private final long revision;
        private long epoch;
        private long term;
        private String primary;
        private int timeline;
        private Quorum guaranteed;
        private Quorum setting;
        private Phase phase;
        private final SortedMap<String, Rebuild> rebuilds;
        private Optional<Instant> automaticAt;
        private Optional<Loss> loss;
        private String answered;

        private Change(FailoverRecord from) {
            revision = from.revision + 1;
            epoch = from.epoch;
            term = from.term;
            primary = from.primary;
            timeline = from.timeline;
            guaranteed = from.guaranteed;
            setting = from.setting;
            phase = from.phase;
            rebuilds = new TreeMap<>(from.rebuilds);
            automaticAt = from.automaticAt;
            loss = from.loss;
            answered = from.answered;
        }

        Change epoch(long value) {
            epoch = value;
            return this;
        }

        Change nextTerm() {
            term++;
            return this;
        }

        Change primary(String value, int itsTimeline) {
            primary = value;
            timeline = itsTimeline;
            return this;
        }

        Change guaranteed(Quorum value) {
            guaranteed = value;
            return this;
        }

        Change setting(Quorum value) {
            setting = value;
            return this;
        }

        Change phase(Phase value) {
            phase = value;
            return this;
        }

        /** A member that must be cloned stays so, whatever happens to it later. */
        Change rebuild(String member, Rebuild.How how) {
            Rebuild before = rebuilds.get(member);
            boolean clone = before != null && before.how() == Rebuild.How.CLONE;
            rebuilds.put(member, new Rebuild(clone ? Rebuild.How.CLONE : how, revision));
            return this;
        }

        Change rebuild(Map<String, Rebuild.How> members) {
            members.forEach(this::rebuild);
            return this;
        }

        Change sound(Iterable<String> members) {
            members.forEach(rebuilds::remove);
            return this;
        }

        Change automaticAt(Instant value) {
            automaticAt = Optional.of(value);
            return this;
        }

        Change loss(Optional<Loss> value) {
            loss = value;
            return this;
        }

        Change answered(String value) {
            answered = value;
            return this;
        }
    }
}
