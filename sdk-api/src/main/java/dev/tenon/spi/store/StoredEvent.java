package dev.tenon.spi.store;

import java.time.Instant;

/**
 * An event of the outbox.
 *
 * @param sequence grows with every event; readers never see a lower one appear after a higher one
 * @param at the store's time
 * @param tenant see {@link Commit.Event}
 * @param subject see {@link Commit.Event}
 * @param type see {@link Commit.Event}
 * @param body JSON
 */
public record StoredEvent(long sequence, Instant at, String tenant, String subject, String type, String body) {}
