package dev.tenon.api;

import java.util.Optional;

/**
 * Which page of a list.
 *
 * @param size 1 to 500
 * @param cursor from the page before; absent for the first
 */
public record PageRequest(int size, Optional<String> cursor) {
    /** Checks the size. */
    public PageRequest {
        if (size < 1 || size > 500) {
            throw new InvalidSpecException(ErrorCode.PAGE_INVALID, "size", size + "; expected 1 to 500");
        }
    }

    /** Returns a request for the first {@code size} items. */
    public static PageRequest first(int size) {
        return new PageRequest(size, Optional.empty());
    }
}
