package dev.tenon.spi.workload;

import java.util.Optional;
import java.util.Set;

/**
 * Where a member may be.
 *
 * @param zone the zone it must be in, if any
 * @param apartFrom names of members of the same instance that must be on other hosts
 */
public record Placement(Optional<String> zone, Set<String> apartFrom) {
    /** Copies the set. */
    public Placement {
        apartFrom = Set.copyOf(apartFrom);
    }

    /** Returns no constraint. */
    public static Placement anywhere() {
        return new Placement(Optional.empty(), Set.of());
    }
}
