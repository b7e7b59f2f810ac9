package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;

/** Where an instance is in its life, as far as people decided. What is observed is {@link Health}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "state")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Lifecycle.Requested.class, name = "Requested"),
    @JsonSubTypes.Type(value = Lifecycle.PendingApproval.class, name = "PendingApproval"),
    @JsonSubTypes.Type(value = Lifecycle.Provisioning.class, name = "Provisioning"),
    @JsonSubTypes.Type(value = Lifecycle.Active.class, name = "Active"),
    @JsonSubTypes.Type(value = Lifecycle.Stopped.class, name = "Stopped"),
    @JsonSubTypes.Type(value = Lifecycle.Frozen.class, name = "Frozen"),
    @JsonSubTypes.Type(value = Lifecycle.Recycled.class, name = "Recycled"),
    @JsonSubTypes.Type(value = Lifecycle.Deleted.class, name = "Deleted"),
    @JsonSubTypes.Type(value = Lifecycle.Failed.class, name = "Failed")
})
public sealed interface Lifecycle {
    /** Accepted, nothing done yet. */
    record Requested() implements Lifecycle {}

    /** Waits for somebody else's approval. */
    record PendingApproval() implements Lifecycle {}

    /** Being made. */
    record Provisioning() implements Lifecycle {}

    /** Shall run. */
    record Active() implements Lifecycle {}

    /** Shall not run; can be started. */
    record Stopped() implements Lifecycle {}

    /** Data kept, no connection, no start until unfrozen. */
    record Frozen() implements Lifecycle {}

    /**
     * In the recycle bin (回收站): can be recovered until then.
     *
     * @param until when it is purged, by the store's clock
     */
    record Recycled(Instant until) implements Lifecycle {}

    /** Purged; only its history is left. */
    record Deleted() implements Lifecycle {}

    /**
     * Could not be made; nothing runs. Can be deleted.
     *
     * @param cause why, for people
     */
    record Failed(String cause) implements Lifecycle {}

    /** Returns the state's name, such as {@code Active}. */
    default String name() {
        return getClass().getSimpleName();
    }
}
