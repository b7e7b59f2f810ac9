package dev.tenon.api;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One server process of an instance with its storage, as last observed.
 *
 * @param name name within the instance, such as {@code m-1}
 * @param role {@code primary}, {@code standby}, {@code monitor}, or {@code unknown} while it does not run
 * @param state what the place sees: {@code ABSENT}, {@code STOPPED}, {@code STARTING}, {@code RUNNING}, {@code UNKNOWN}
 * @param zone the zone it is in, once placed
 * @param host the host it is on, once placed
 * @param startedAt when its main process was started, while it runs
 * @param replication how a standby follows, while its primary knows
 */
public record Member(
        String name,
        String role,
        String state,
        Optional<String> zone,
        Optional<String> host,
        Optional<Instant> startedAt,
        Optional<Replication> replication) {
    /**
     * How a standby follows its primary.
     *
     * @param state the engine's own word: {@code streaming} when it is up to date but for what is under way, {@code catchup}
     *     before that
     * @param sync the engine's own word for whether commits wait for it, such as {@code quorum} or {@code async}
     * @param lagBytes bytes of log it has not replayed yet; only in the view of one instance, not in lists
     * @param lag time between a commit on the primary and its replay here, while there are commits; as above
     */
    public record Replication(String state, String sync, OptionalLong lagBytes, Optional<Duration> lag) {}

    /** Creates a member that follows nobody. */
    public Member(
            String name,
            String role,
            String state,
            Optional<String> zone,
            Optional<String> host,
            Optional<Instant> startedAt) {
        this(name, role, state, zone, host, startedAt, Optional.empty());
    }

    /** Returns the same member, following like this. */
    public Member following(Optional<Replication> now) {
        return new Member(name, role, state, zone, host, startedAt, now);
    }
}
