package dev.tenon.core.failover;

import dev.tenon.api.InvalidSpecException;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What the owner asked for.
 *
 * @param members all members
 * @param durability what to prefer when standbys are missing
 * @param request what a person asked for, if it is not answered yet
 */
public record Wanted(SortedSet<String> members, Durability durability, Optional<Request> request) {
    /** Sorts the members. */
    public Wanted(Set<String> members, Durability durability, Optional<Request> request) {
        this(new TreeSet<>(members), durability, request);
    }

    /** Copies the members and checks that there are standbys enough. */
    public Wanted {
        members = Collections.unmodifiableSortedSet(new TreeSet<>(members));
        int standbys = members.size() - 1;
        if (standbys > 0 && durability.standbysNeeded() > standbys) {
            throw new InvalidSpecException(
                    "topology.durability.needed",
                    durability.standbysNeeded() + "; expected at most the number of standbys, " + standbys);
        }
    }

    /** Returns all members but one. */
    SortedSet<String> without(String member) {
        SortedSet<String> others = new TreeSet<>(members);
        others.remove(member);
        return others;
    }
}
