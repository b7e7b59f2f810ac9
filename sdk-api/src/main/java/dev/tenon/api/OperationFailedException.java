package dev.tenon.api;

/** An operation ended without doing what it was asked to. The code is the cause's. */
public final class OperationFailedException extends TenonException {
    private static final long serialVersionUID = 1L;

    private final OperationId operation;

    /** Creates the failure. */
    public OperationFailedException(OperationId operation, ErrorCode code, String message) {
        super(code, message, null);
        this.operation = operation;
    }

    /** Returns the operation that failed. */
    public OperationId operation() {
        return operation;
    }
}
