package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import java.nio.charset.StandardCharsets;

/** The one function that puts a name into SQL text. */
final class Identifiers {
    /** NAMEDATALEN - 1: the server cuts off the rest silently, which would make two names one. */
    private static final int MAX_BYTES = 63;

    private Identifiers() {}

    /**
     * Quotes a name. Also for names that tenants made themselves, which follow no rule of ours.
     *
     * @throws InvalidSpecException {@code NAME_INVALID} for what no PostgreSQL name can be
     */
    static String quote(String name) {
        if (name.isEmpty()
                || name.indexOf('\0') >= 0
                || name.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES
                || name.chars().anyMatch(c -> Character.isSurrogate((char) c))
                        && !name.equals(new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID, "name", "expected 1 to " + MAX_BYTES + " bytes of UTF-8 without NUL");
        }
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
