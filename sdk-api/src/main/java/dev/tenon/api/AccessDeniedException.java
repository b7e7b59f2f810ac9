package dev.tenon.api;

/** The caller may not do this, or did not say who it is. */
public final class AccessDeniedException extends TenonException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure. */
    public AccessDeniedException(ErrorCode code, String message) {
        super(code, message, null);
    }
}
