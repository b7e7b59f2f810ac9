package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.immutables.value.Value;

/** Everything known of an instance at one moment. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableInstanceView.class)
public interface InstanceView {
    /** Its identity. */
    InstanceId id();

    /** Its owner. */
    TenantId tenant();

    /** What it shall be. */
    InstanceSpec spec();

    /** What each member gets: the plan's or its own. */
    Resources resources();

    /** Where it is in its life. */
    Lifecycle lifecycle();

    /** What was observed of it. */
    Health health();

    /** The operation that is queued or running, if any. */
    Optional<OperationId> operation();

    /**
     * Kinds of operation that may be asked for now, by what it is and what is queued already. Asking for another is refused with
     * {@code ILLEGAL_STATE}; one of these may still be refused for a reason of its own, such as deletion protection.
     */
    Set<OperationKind> allowed();

    /** Raised by one with every change of the specification. */
    long generation();

    /** The generation that the last completed pass carried out. */
    long observedGeneration();

    /** Raised by one with every write; the entity tag over HTTP. */
    long version();

    /** How to connect, once delivered. */
    Optional<Endpoint> endpoint();

    /** Its members as last observed. */
    List<Member> members();

    /** The place that carries it. */
    String delivery();

    /** The engine's exact version, once delivered. */
    Optional<String> serverVersion();

    /** Parameters whose new value waits for a restart. */
    Set<String> pendingRestart();

    /** When it was asked for. */
    Instant createdAt();

    /** When it was last written. */
    Instant updatedAt();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link InstanceView}. */
    final class Builder extends ImmutableInstanceView.Builder {
        Builder() {}
    }
}
