package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** Which instances to list. What is absent does not restrict. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableInstanceFilter.class)
public interface InstanceFilter {
    /** Only in this lifecycle, by {@link Lifecycle#name()}; without it, all but {@code Deleted} and {@code Recycled}. */
    Optional<String> lifecycle();

    /** Only with this engine. */
    Optional<EngineId> engine();

    /** Only with all these tags. */
    Map<String, String> tags();

    /** Only where the technical or display name holds this text, ignoring case. */
    Optional<String> text();

    /** Returns a filter that restricts nothing. */
    static InstanceFilter none() {
        return builder().build();
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link InstanceFilter}. */
    final class Builder extends ImmutableInstanceFilter.Builder {
        Builder() {}
    }
}
