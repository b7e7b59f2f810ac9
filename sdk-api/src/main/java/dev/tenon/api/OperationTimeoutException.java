package dev.tenon.api;

/** The wait ended, not the operation: it is still running and can be awaited again. Code {@code TIMEOUT}. */
public final class OperationTimeoutException extends TenonException {
    private static final long serialVersionUID = 1L;

    private final OperationId operation;

    /** Creates the failure. */
    public OperationTimeoutException(OperationId operation, String message) {
        super(ErrorCode.TIMEOUT, message, null);
        this.operation = operation;
    }

    /** Returns the operation that is still running. */
    public OperationId operation() {
        return operation;
    }
}
