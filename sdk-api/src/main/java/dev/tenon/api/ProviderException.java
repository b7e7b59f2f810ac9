package dev.tenon.api;

/** A delivery, an engine, a store or another backend failed. Wraps the foreign exception once, at that border. */
public final class ProviderException extends TenonException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure. */
    public ProviderException(ErrorCode code, String message) {
        super(code, message, null);
    }

    /** Creates the failure with the foreign exception that caused it. */
    public ProviderException(ErrorCode code, String message, Throwable cause) {
        super(code, message, cause);
    }
}
