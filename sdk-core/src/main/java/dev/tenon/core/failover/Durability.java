package dev.tenon.core.failover;

import dev.tenon.api.InvalidSpecException;
import java.time.Duration;

/** What the owner prefers when standbys are missing. */
public sealed interface Durability {
    /**
     * Writes stall rather than risk.
     *
     * @param needed standbys that must have flushed a commit before it is acknowledged; at least 1
     */
    record Strict(int needed) implements Durability {
        /** Checks the number. */
        public Strict {
            atLeastOne(needed);
        }
    }

    /**
     * As strict, but the primary gets leave to run alone after a while without enough standbys.
     *
     * @param needed standbys that must have flushed a commit before it is acknowledged; at least 1
     * @param aloneAfter how long writes stall before leave is given
     */
    record Balanced(int needed, Duration aloneAfter) implements Durability {
        /** Checks the number. */
        public Balanced {
            atLeastOne(needed);
        }
    }

    /**
     * Commits wait for nobody. A fail-over may lose the latest; one that may lose more than this needs a person.
     *
     * @param mostBytes most bytes of log known to be missing
     * @param mostTime longest time before the fail-over whose commits may be missing
     */
    record Async(long mostBytes, Duration mostTime) implements Durability {}

    /** Returns how many standbys must have a commit before it is acknowledged. */
    default int standbysNeeded() {
        if (this instanceof Strict strict) {
            return strict.needed();
        }
        return this instanceof Balanced balanced ? balanced.needed() : 0;
    }

    private static void atLeastOne(int needed) {
        if (needed < 1) {
            throw new InvalidSpecException("topology.durability.needed", needed + "; expected at least 1");
        }
    }
}
