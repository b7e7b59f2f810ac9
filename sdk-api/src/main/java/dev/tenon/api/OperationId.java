package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Identifies an operation for ever: never reused, safe in paths, file names and logs.
 *
 * @param value {@code op-} followed by 20 characters of {@code a-z2-7}
 */
public record OperationId(@JsonValue String value) {
    /** Prefix of every identifier of this kind. */
    public static final String PREFIX = "op-";

    /**
     * Checks the form.
     *
     * @throws InvalidSpecException {@code ID_INVALID} if the value has another form
     */
    @JsonCreator
    public OperationId {
        Ids.check(PREFIX, value);
    }

    @Override
    public String toString() {
        return value;
    }
}
