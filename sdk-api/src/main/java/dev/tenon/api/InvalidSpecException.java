package dev.tenon.api;

/** The caller's input is wrong. Names the field, what was seen and what is allowed; nothing was stored or started. */
public final class InvalidSpecException extends TenonException {
    private static final long serialVersionUID = 1L;

    private final String field;

    /**
     * Creates the failure.
     *
     * @param code a code of category {@code USER}
     * @param field path of the wrong field, such as {@code resources.memory}
     * @param message what was seen and what is allowed, without the field's name in front
     */
    public InvalidSpecException(ErrorCode code, String field, String message) {
        super(code, field + ": " + message, null);
        this.field = field;
    }

    /** Creates a {@code SPEC_INVALID} failure. */
    public InvalidSpecException(String field, String message) {
        this(ErrorCode.SPEC_INVALID, field, message);
    }

    /** Returns the path of the wrong field. */
    public String field() {
        return field;
    }
}
