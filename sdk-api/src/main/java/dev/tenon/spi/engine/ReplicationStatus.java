package dev.tenon.spi.engine;

import dev.tenon.api.SdkStyle;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.immutables.value.Value;

/** How a member takes part in replication, as its server sees it. */
@Value.Immutable
@SdkStyle
public interface ReplicationStatus {
    /** What it is. */
    EngineSession.Role role();

    /** Revision of the {@link Stance} that new sessions have in force; 0 if there never was one. */
    @Value.Default
    default long revision() {
        return 0;
    }

    /** How far its log reaches on its own disk; a number of bytes that grows. */
    long position();

    /** How far it has replayed the log; the same as {@link #position()} for a primary. */
    long replayed();

    /** The timeline of its last position. */
    @Value.Default
    default int timeline() {
        return 1;
    }

    /**
     * Of a standby, whom it receives from; {@code "?"} while that is not certain: a receiver that begins or ends, or a log that was not
     * read to its end since the start. Empty means that it receives from nobody and will not without another order.
     */
    Optional<String> receivesFrom();

    /** Of a standby that receives, how long it has not heard its source. */
    Optional<Duration> unheard();

    /** Of a standby, whether it replays no more until it is started anew: the primary has more of something than it. */
    @Value.Default
    default boolean held() {
        return false;
    }

    /** Of a primary, the position at which each earlier timeline of its history ended. */
    Map<Integer, Long> forks();

    /** Who follows it now. */
    List<Standby> standbys();

    /** Names of the standbys for which it no longer keeps the log they need, so that they can only be made anew. */
    Set<String> outrun();

    /**
     * A standby that follows.
     *
     * @param member its name
     * @param state the engine's own word
     * @param sync the engine's own word for whether commits wait for it
     * @param flushed how far it has the log on its disk
     * @param replayed how far it has replayed
     * @param lag between a commit and its replay there, while there are commits
     */
    record Standby(String member, String state, String sync, long flushed, long replayed, Optional<Duration> lag) {}

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link ReplicationStatus}. */
    final class Builder extends ImmutableReplicationStatus.Builder {
        Builder() {}
    }
}
