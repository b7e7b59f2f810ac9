package dev.tenon.baremetal.internal.ssh;

import java.time.Duration;

/**
 * What a link may take.
 *
 * @param connect to connect and log in
 * @param patience for a free channel
 * @param heartbeat time between two signs of life asked of a host; after three without an answer the connection counts as lost
 * @param rest how long a host that could not be reached is left alone; doubles up to half a minute
 * @param channelsPerConnection commands at the same time on one connection; OpenSSH allows 10
 * @param connections at the same time to one host
 * @param waiting callers that may wait for a channel to one host
 */
public record Limits(
        Duration connect,
        Duration patience,
        Duration heartbeat,
        Duration rest,
        int channelsPerConnection,
        int connections,
        int waiting) {
    /** For hosts in a data centre. */
    public static final Limits USUAL = new Limits(
            Duration.ofSeconds(10), Duration.ofSeconds(20), Duration.ofSeconds(1), Duration.ofSeconds(1), 8, 2, 64);
}
