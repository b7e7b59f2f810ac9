package dev.tenon.core.failover;

import java.time.Duration;

/**
 * Times and sizes of the protocol.
 *
 * @param silence how long no write gets through, and how long standbys have not heard the primary, before both together count as
 *     its loss; default 1.5 s
 * @param patience how long a step of a change may take before another way is tried; default 5 s
 * @param quiet least time between two automatic fail-overs of one instance; default 10 minutes
 * @param dropAfter how long a standby may be away before the primary no longer counts on it, if enough others are left; default 10 s
 * @param closeBy most bytes a standby may be behind to be counted on; default 16 MiB
 */
public record Limits(Duration silence, Duration patience, Duration quiet, Duration dropAfter, long closeBy) {
    /** The defaults. */
    public static final Limits DEFAULT = new Limits(
            Duration.ofMillis(1500), Duration.ofSeconds(5), Duration.ofMinutes(10), Duration.ofSeconds(10), 16L << 20);
}
