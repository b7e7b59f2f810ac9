package dev.tenon.spi.engine;

import java.util.Optional;
import java.util.Set;

/**
 * What one member of a cluster shall be, and by which order. An engine renders both into one file, so that a member has the whole
 * order or nothing of it, whatever breaks off in between.
 *
 * @param revision of the order; grows with every order, and a session shows which one is in force
 * @param role what it shall be
 * @param source the member that a standby receives from; empty to receive from nobody, also after a restart
 * @param synchronous standbys whose confirmations count before a commit is acknowledged; of a standby, those it begins with if it is
 *     promoted
 * @param needed how many of them; 0 to wait for nobody
 */
public record Stance(
        long revision, EngineSession.Role role, Optional<String> source, Set<String> synchronous, int needed) {
    /** Copies the set. */
    public Stance {
        synchronous = Set.copyOf(synchronous);
    }
}
