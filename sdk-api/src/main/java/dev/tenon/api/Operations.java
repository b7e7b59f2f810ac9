package dev.tenon.api;

import java.util.Optional;

/** Finds operations. Those of one tenant, or of all where the tenant is not fixed. Thread-safe. */
public interface Operations {
    /**
     * Finds an operation by its id.
     *
     * @throws NotFoundException if there is none here, or it belongs to another tenant
     */
    Operation<Void> get(OperationId id);

    /** Lists operations, newest first, optionally of one instance. */
    Page<OperationView> list(Optional<InstanceId> instance, PageRequest page);

    /**
     * Lets a change that waits for approval go on.
     *
     * @throws AccessDeniedException {@code SELF_APPROVAL} if the caller asked for it
     * @throws ConflictException {@code ILLEGAL_STATE} if it does not wait; {@code STALE} if the instance changed since, or
     *     the request is older than 72 hours
     */
    void approve(OperationId id);

    /** Ends a change that waits for approval; errors as for {@link #approve}. */
    void reject(OperationId id, String reason);
}
