package dev.tenon.spi.store;

import java.time.Instant;
import java.util.List;

/**
 * What a commit did.
 *
 * @param versions new versions of the documents written, in order
 * @param sequences sequence numbers of the events appended, in order
 * @param at the store's time
 */
public record CommitResult(List<Long> versions, List<Long> sequences, Instant at) {}
