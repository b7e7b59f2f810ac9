package dev.tenon.spi.store;

import java.time.Instant;

/**
 * A document of the control plane.
 *
 * @param kind what it is: {@code tenant}, {@code instance}, {@code operation}, {@code secret}, …; 1 to 32 characters
 * @param id unique within the kind; 1 to 128 characters
 * @param tenant the owner's id, or {@code -} for what belongs to the installation
 * @param parent id of the document it belongs to (an operation's instance), or empty
 * @param state a short word to select by: a lifecycle, an operation's state
 * @param shard 0 to 255, to share work between control planes
 * @param version raised by one with every write; compared by {@link Commit.Put#expectedVersion()}
 * @param updatedAt the store's time of the last write
 * @param body JSON
 */
public record Document(
        String kind,
        String id,
        String tenant,
        String parent,
        String state,
        int shard,
        long version,
        Instant updatedAt,
        String body) {}
