package dev.tenon.api;

import java.time.Instant;
import java.util.Optional;

/**
 * One server process of an instance with its storage, as last observed.
 *
 * @param name name within the instance, such as {@code m-1}
 * @param role {@code primary}, {@code standby}, {@code monitor}, or {@code unknown} while it does not run
 * @param state what the place sees: {@code ABSENT}, {@code STOPPED}, {@code STARTING}, {@code RUNNING}, {@code UNKNOWN}
 * @param zone the zone it is in, once placed
 * @param host the host it is on, once placed
 * @param startedAt when its main process was started, while it runs
 */
public record Member(
        String name,
        String role,
        String state,
        Optional<String> zone,
        Optional<String> host,
        Optional<Instant> startedAt) {}
