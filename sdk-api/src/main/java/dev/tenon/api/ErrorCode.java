package dev.tenon.api;

/**
 * Why a call failed. The names are API: codes are added, never renamed. Callers branch on the code or on
 * {@link #retryable()}, never on a message.
 */
public enum ErrorCode {
    /** A name breaks its rule: length, characters, or form. */
    NAME_INVALID(ErrorCategory.USER),
    /** A name that the system keeps for itself. */
    RESERVED(ErrorCategory.USER),
    /** CPU, memory or storage is not a number, has no unit, or lies outside the bounds. */
    SIZE_INVALID(ErrorCategory.USER),
    /** Any other field of a specification is wrong. */
    SPEC_INVALID(ErrorCategory.USER),
    /** An identifier is not of its kind's form. */
    ID_INVALID(ErrorCategory.USER),
    /** The engine is not known here. */
    ENGINE_UNKNOWN(ErrorCategory.USER),
    /** The engine is known, but no place here has this version. */
    VERSION_UNKNOWN(ErrorCategory.USER),
    /** The plan is not in the catalogue. */
    PLAN_UNKNOWN(ErrorCategory.USER),
    /** The engine has no such parameter, or the value has the wrong type, unit or range. */
    PARAMETER_INVALID(ErrorCategory.USER),
    /** The parameter exists, but tenants may not set it. */
    PARAM_FORBIDDEN(ErrorCategory.USER),
    /** A password is too weak, equals the user's name, or is already hashed. */
    PASSWORD_POLICY(ErrorCategory.USER),
    /** A privilege is not one of those that can be granted. */
    PRIVILEGE_INVALID(ErrorCategory.USER),
    /** A whitelist entry is not an address or a CIDR block. */
    CIDR_INVALID(ErrorCategory.USER),
    /** A page size or cursor is out of bounds or not ours. */
    PAGE_INVALID(ErrorCategory.USER),
    /** A request body, header or query cannot be read. */
    REQUEST_INVALID(ErrorCategory.USER),
    /** An idempotency key is too long or has characters outside printable ASCII. */
    IDEMPOTENCY_KEY_INVALID(ErrorCategory.USER),
    /** The idempotency key was used before with another request. */
    IDEMPOTENCY_MISMATCH(ErrorCategory.USER),
    /** The driver declares that it cannot do this. */
    UNSUPPORTED(ErrorCategory.USER),
    /** No valid credential came with the call. */
    UNAUTHENTICATED(ErrorCategory.USER),
    /** The caller is known but may not do this. */
    FORBIDDEN(ErrorCategory.USER),
    /** The requester of a change may not approve it. */
    SELF_APPROVAL(ErrorCategory.USER),
    /** No such thing, or it belongs to another tenant. */
    NOT_FOUND(ErrorCategory.USER),
    /** It existed and was purged. */
    GONE(ErrorCategory.USER),
    /** Another thing of this kind has the name. */
    NAME_TAKEN(ErrorCategory.CONFLICT),
    /** The state forbids this operation; the message says which states allow it. */
    ILLEGAL_STATE(ErrorCategory.CONFLICT),
    /** Storage grows, it never shrinks. */
    SHRINK_UNSUPPORTED(ErrorCategory.CONFLICT),
    /** Deletion protection is on. */
    DELETION_PROTECTED(ErrorCategory.CONFLICT),
    /** The thing changed since the caller last saw it. */
    VERSION_CONFLICT(ErrorCategory.CONFLICT),
    /** The world moved since the preview or the request for approval was made. */
    STALE(ErrorCategory.CONFLICT),
    /** The tenant still owns instances, or the host still carries members. */
    NOT_EMPTY(ErrorCategory.CONFLICT),
    /** The operation was cancelled. */
    CANCELLED(ErrorCategory.CONFLICT),
    /** The tenant's quota does not allow it; the message has the numbers. */
    QUOTA_EXCEEDED(ErrorCategory.CAPACITY),
    /** The place has no room for it; the message has the numbers. */
    CAPACITY_EXCEEDED(ErrorCategory.CAPACITY),
    /** The place's disk is full. */
    DISK_FULL(ErrorCategory.CAPACITY),
    /** Too many operations wait already; try again later. */
    TOO_MANY_REQUESTS(ErrorCategory.TRANSIENT),
    /** Not done in the time given; the outcome is not known. */
    TIMEOUT(ErrorCategory.TRANSIENT),
    /** A delivery, engine or other backend did not answer. */
    PROVIDER_UNAVAILABLE(ErrorCategory.TRANSIENT),
    /** The control plane's store did not answer. */
    STORE_UNAVAILABLE(ErrorCategory.TRANSIENT),
    /** A newer control plane owns this; what an older one says is refused. */
    FENCED(ErrorCategory.TRANSIENT),
    /** Another process holds the store's file. */
    STORE_LOCKED(ErrorCategory.INTERNAL),
    /** Another process has taken the port that this member owns. */
    PORT_TAKEN(ErrorCategory.INTERNAL),
    /** The engine's programs are not on this place. */
    SOFTWARE_MISSING(ErrorCategory.INTERNAL),
    /** The engine's programs or a prepared template are damaged. */
    SOFTWARE_CORRUPT(ErrorCategory.INTERNAL),
    /** A directory belongs to another user or has the wrong mode. */
    WRONG_OWNER(ErrorCategory.INTERNAL),
    /** A host does not show the key that was pinned for it; nothing was sent to it. */
    HOST_KEY_MISMATCH(ErrorCategory.INTERNAL),
    /** A backend refused or failed in a way that repeating does not mend. */
    PROVIDER_FAILED(ErrorCategory.INTERNAL),
    /** A defect of Tenon itself. */
    INTERNAL(ErrorCategory.INTERNAL);

    private final ErrorCategory category;

    ErrorCode(ErrorCategory category) {
        this.category = category;
    }

    /** Returns who can mend this failure. */
    public ErrorCategory category() {
        return category;
    }

    /** Returns whether the same call may succeed later without anybody changing anything. */
    public boolean retryable() {
        return category == ErrorCategory.TRANSIENT;
    }
}
