package dev.tenon.core.failover;

import java.util.Collections;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A rule of acknowledgement: a commit is acknowledged once {@code needed} of {@code members} have flushed it. None needed is
 * <em>leave to run alone</em>.
 *
 * @param members the synchronous standbys S; empty exactly if none is needed
 * @param needed how many of them, k; 0 to the number of members
 */
public record Quorum(SortedSet<String> members, int needed) {
    /** Leave to run alone: a commit is acknowledged once the primary itself has flushed it. */
    public static final Quorum ALONE = new Quorum(Set.of(), 0);

    /** Sorts the members. */
    public Quorum(Set<String> members, int needed) {
        this(new TreeSet<>(members), needed);
    }

    /** Copies the members and checks that it can be fulfilled. */
    public Quorum {
        members = Collections.unmodifiableSortedSet(new TreeSet<>(members));
        if (needed < 0 || needed > members.size() || (needed == 0) != members.isEmpty()) {
            throw new IllegalArgumentException("cannot wait for " + needed + " of " + members);
        }
    }

    /** Returns whether nobody else is needed. */
    public boolean alone() {
        return needed == 0;
    }

    /**
     * Returns how many of the members must have stopped receiving before nothing can be acknowledged any more: every set of so many
     * shares a member with every set of {@code needed}, so one of them also has each acknowledged commit.
     */
    public int revoking() {
        return members.size() - needed + 1;
    }

    /**
     * Returns the strongest rule that holds for everything acknowledged under either: the members of both, the fewer needed. Not
     * two rules side by side, because while a server takes over a new setting, process after process, PostgreSQL counts standbys
     * of one setting against the number of the other.
     */
    public Quorum hull(Quorum other) {
        if (alone() || other.alone()) {
            return ALONE;
        }
        TreeSet<String> both = new TreeSet<>(members);
        both.addAll(other.members);
        return new Quorum(both, Math.min(needed, other.needed));
    }

    /** Returns whether whatever is acknowledged under {@code other} is acknowledged under this rule, too. */
    public boolean covers(Quorum other) {
        return equals(hull(other));
    }

    @Override
    public String toString() {
        return alone() ? "ALONE" : "ANY " + needed + " " + members;
    }
}
