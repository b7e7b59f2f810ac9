package dev.tenon.spi.store;

import dev.tenon.api.SdkStyle;
import java.util.Optional;
import java.util.Set;
import org.immutables.value.Value;

/** Which documents to list. What is absent does not restrict. */
@Value.Immutable
@SdkStyle
public interface Query {
    /** How documents are ordered: identifiers are random, so order by id is only for paging through everything. */
    enum Order {
        /** By id. */
        ID,
        /** By creation, newest first, then id. */
        NEWEST
    }

    /** The kind; always given. */
    String kind();

    /** The owner. */
    Optional<String> tenant();

    /** The document they belong to. */
    Optional<String> parent();

    /** One of these states; empty for any. */
    Set<String> states();

    /** One of these shards; empty for any. */
    Set<Integer> shards();

    /** Only those behind this document in the order: its id. The document itself may be gone only in order {@code ID}. */
    Optional<String> after();

    /** The order; defaults to {@code ID}. */
    @Value.Default
    default Order order() {
        return Order.ID;
    }

    /** At most so many, 1 to 10,000; defaults to 1,000. */
    @Value.Default
    default int limit() {
        return 1_000;
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Returns a new builder for a kind. */
    static Builder of(String kind) {
        return new Builder().kind(kind);
    }

    /** Builds a {@link Query}. */
    final class Builder extends ImmutableQuery.Builder {
        Builder() {}
    }
}
