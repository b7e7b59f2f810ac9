package dev.tenon.api;

import java.time.Instant;
import java.util.Optional;

/**
 * A client's session in an instance. The statement's text is left out: it may hold what only its owner should see.
 *
 * @param id the server's number for it
 * @param account who
 * @param database where
 * @param client from where, absent for a local socket
 * @param application what the client calls itself
 * @param state the engine's own word, such as {@code active} or {@code idle}
 * @param startedAt since when
 */
public record Session(
        long id,
        String account,
        String database,
        Optional<String> client,
        String application,
        String state,
        Instant startedAt) {}
