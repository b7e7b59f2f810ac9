package dev.tenon.api;

/** The call clashes with the present state, a quota, or another caller. */
public final class ConflictException extends TenonException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure. */
    public ConflictException(ErrorCode code, String message) {
        super(code, message, null);
    }
}
