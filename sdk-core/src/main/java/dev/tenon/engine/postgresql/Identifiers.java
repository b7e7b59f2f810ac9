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
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        // A lone surrogate has no UTF-8 form and would come back as another character.
        boolean text = name.equals(new String(bytes, StandardCharsets.UTF_8));
        if (name.isEmpty() || name.indexOf('\0') >= 0 || bytes.length > MAX_BYTES || !text) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID, "name", "expected 1 to " + MAX_BYTES + " bytes of UTF-8 without NUL");
        }
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
