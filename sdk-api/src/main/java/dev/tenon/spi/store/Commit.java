package dev.tenon.spi.store;

import dev.tenon.api.SdkStyle;
import java.util.List;
import java.util.Optional;
import org.immutables.value.Value;

/** Conditions and writes, applied whole or not at all. Conditions are checked first, in the order below. */
@Value.Immutable
@SdkStyle
public interface Commit {
    /**
     * Writes a document.
     *
     * @param kind see {@link Document}
     * @param id see {@link Document}
     * @param tenant see {@link Document}
     * @param parent see {@link Document}
     * @param state see {@link Document}
     * @param shard see {@link Document}
     * @param expectedVersion the version it must have now; 0 if it must not exist
     * @param body see {@link Document}
     */
    record Put(
            String kind,
            String id,
            String tenant,
            String parent,
            String state,
            int shard,
            long expectedVersion,
            String body) {}

    /**
     * Deletes a document.
     *
     * @param expectedVersion the version it must have now, or -1 for any, also none
     */
    record Delete(String kind, String id, long expectedVersion) {}

    /**
     * Requires that a document still has a version.
     *
     * @param expectedVersion the version; 0 if it must not exist
     */
    record Check(String kind, String id, long expectedVersion) {}

    /**
     * Takes a unique key for an owner. Holds if it is free or has this owner already.
     *
     * @param scope what it is unique in, such as {@code instance-name:t-…}
     * @param key the key
     * @param owner an id
     */
    record Claim(String scope, String key, String owner) {}

    /** Gives a unique key back if this owner has it. */
    record Unclaim(String scope, String key, String owner) {}

    /**
     * Changes a counter.
     *
     * @param scope whose counter, such as {@code quota:t-…}
     * @param name which one
     * @param delta what is added
     * @param max the sum may not be above this if {@code delta} is positive
     */
    record Add(String scope, String name, long delta, long max) {}

    /**
     * Appends an event.
     *
     * @param tenant the tenant who may see it, or {@code -}
     * @param subject the instance or other thing it is about, or empty
     * @param type its type
     * @param body JSON
     */
    record Event(String tenant, String subject, String type, String body) {}

    /** The lease under which the writer acts: refused unless it is still held under this epoch. */
    Optional<Lease> guard();

    /** Versions that must still hold. */
    List<Check> checks();

    /** Documents to write. */
    List<Put> puts();

    /** Documents to delete. */
    List<Delete> deletes();

    /** Keys to give back, before {@link #claims()} are taken. */
    List<Unclaim> unclaims();

    /** Keys to take. */
    List<Claim> claims();

    /** Counters to change. */
    List<Add> adds();

    /** Events to append. */
    List<Event> events();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link Commit}. */
    final class Builder extends ImmutableCommit.Builder {
        Builder() {}
    }
}
