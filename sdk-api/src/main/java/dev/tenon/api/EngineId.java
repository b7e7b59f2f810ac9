package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.regex.Pattern;

/**
 * Names a database engine.
 *
 * @param value 1 to 32 characters of {@code a-z0-9}, a letter first
 */
public record EngineId(@JsonValue String value) {
    /** PostgreSQL. */
    public static final EngineId POSTGRESQL = new EngineId("postgresql");

    /** Dameng DM8. */
    public static final EngineId DM8 = new EngineId("dm8");

    /**
     * Checks the form.
     *
     * @throws InvalidSpecException {@code ENGINE_UNKNOWN} if the value cannot be an engine's name
     */
    @JsonCreator
    public EngineId {
        if (!Pattern.matches("[a-z][a-z0-9]{0,31}", value)) {
            throw new InvalidSpecException(
                    ErrorCode.ENGINE_UNKNOWN, "engine", "not an engine's name; expected 1 to 32 characters of a-z0-9");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
