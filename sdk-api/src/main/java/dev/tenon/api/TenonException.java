package dev.tenon.api;

import org.jspecify.annotations.Nullable;

/**
 * The root of every failure this SDK reports. Unchecked; branch on {@link #code()}.
 *
 * <p>Messages say what failed, what was seen and what is allowed. They hold no secret and no SQL literal.
 */
public abstract sealed class TenonException extends RuntimeException
        permits InvalidSpecException,
                NotFoundException,
                ConflictException,
                AccessDeniedException,
                OperationFailedException,
                OperationTimeoutException,
                ProviderException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    TenonException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** Returns why the call failed. */
    public final ErrorCode code() {
        return code;
    }

    /** Returns whether the same call may succeed later without anybody changing anything. */
    public final boolean retryable() {
        return code.retryable();
    }
}
