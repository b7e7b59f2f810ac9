package dev.tenon.api;

/** No such thing, or it belongs to another tenant: {@code NOT_FOUND}; or it was purged: {@code GONE}. */
public final class NotFoundException extends TenonException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure. */
    public NotFoundException(ErrorCode code, String message) {
        super(code, message, null);
    }

    /** Creates a {@code NOT_FOUND} failure. */
    public NotFoundException(String message) {
        this(ErrorCode.NOT_FOUND, message);
    }
}
