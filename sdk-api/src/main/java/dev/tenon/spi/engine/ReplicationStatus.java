package dev.tenon.spi.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How a member takes part in replication, as its server sees it.
 *
 * @param role what it is
 * @param position how far its log reaches: written by a primary, received or replayed by a standby; a number of bytes that grows
 * @param replayed how far it has replayed the log; the same as {@code position} for a primary
 * @param standbys who follows it now
 * @param synchronous names of the standbys of which its commits wait for one
 * @param outrun names of the standbys for which it no longer keeps the log they need, so that they can only be made anew
 */
public record ReplicationStatus(
        EngineSession.Role role,
        long position,
        long replayed,
        List<Standby> standbys,
        Set<String> synchronous,
        Set<String> outrun) {
    /**
     * A standby that follows.
     *
     * @param member its name
     * @param state the engine's own word
     * @param sync the engine's own word for whether commits wait for it
     * @param replayed how far it has replayed
     * @param lag between a commit and its replay there, while there are commits
     */
    public record Standby(String member, String state, String sync, long replayed, Optional<Duration> lag) {}

    /** Copies the collections. */
    public ReplicationStatus {
        standbys = List.copyOf(standbys);
        synchronous = Set.copyOf(synchronous);
        outrun = Set.copyOf(outrun);
    }

    /** Returns whether a member follows, up to date or on its way. */
    public boolean followed(String member) {
        return standbys.stream().anyMatch(standby -> standby.member().equals(member));
    }
}
