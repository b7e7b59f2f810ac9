package dev.tenon.spi.workload;

import java.util.Optional;
import java.util.Set;

/**
 * Where a member may be.
 *
 * @param zone the zone it must be in, if any
 * @param apartFrom names of members of the same instance that must be on other hosts
 * @param otherZones whether they must be in other zones, too
 */
public record Placement(Optional<String> zone, Set<String> apartFrom, boolean otherZones) {
    /** Copies the set. */
    public Placement {
        apartFrom = Set.copyOf(apartFrom);
    }

    /** Creates a placement that asks for other hosts, but not for other zones. */
    public Placement(Optional<String> zone, Set<String> apartFrom) {
        this(zone, apartFrom, false);
    }

    /** Returns no constraint. */
    public static Placement anywhere() {
        return new Placement(Optional.empty(), Set.of());
    }
}
