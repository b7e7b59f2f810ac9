package dev.tenon.core.failover;

import java.util.Optional;

/**
 * Holds automatic fail-overs back when much of the fleet looks dead at once: then it is more likely the network, a rack or the
 * control plane itself.
 *
 * @param least looks only at fleets in which at least so many look dead; default 5
 * @param share of all instances with standbys, above which nothing fails over on suspicion; default 0.2
 * @param atOnce most fail-overs under way at the same time, also with proof; default 20
 */
public record FleetBrake(int least, double share, int atOnce) {
    /** The defaults. */
    public static final FleetBrake DEFAULT = new FleetBrake(5, 0.2, 20);

    /**
     * Returns why an instance must not fail over now, or nothing.
     *
     * @param instances how many instances with standbys there are
     * @param lookDead how many primaries look dead, this one included
     * @param underWay how many fail-overs are under way
     * @param proof whether the place has proof that this primary is gone
     */
    public Optional<String> holds(int instances, int lookDead, int underWay, boolean proof) {
        if (underWay >= atOnce) {
            return Optional.of(underWay + " fail-overs are under way");
        }
        if (!proof && lookDead >= least && lookDead > share * instances) {
            return Optional.of(lookDead + " of " + instances + " primaries look dead at once, without proof");
        }
        return Optional.empty();
    }
}
