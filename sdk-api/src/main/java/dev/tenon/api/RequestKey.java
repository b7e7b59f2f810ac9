package dev.tenon.api;

/**
 * Makes a change safe to ask for twice; see {@link Tenon#under}.
 *
 * @param key chosen by the caller, unique per change within a tenant: 1 to 255 printable ASCII characters
 * @param fingerprint stands for what is asked for, so that another request under the same key is noticed: 1 to 128 printable
 *     ASCII characters, such as a hash of the request
 */
public record RequestKey(String key, String fingerprint) {
    /**
     * Checks both texts.
     *
     * @throws InvalidSpecException {@code IDEMPOTENCY_KEY_INVALID} if one is empty, too long or has other characters
     */
    public RequestKey {
        check("requestKey", key, 255);
        check("requestKey.fingerprint", fingerprint, 128);
    }

    private static void check(String field, String text, int maxLength) {
        if (text.isEmpty() || text.length() > maxLength || !text.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw new InvalidSpecException(
                    ErrorCode.IDEMPOTENCY_KEY_INVALID,
                    field,
                    "expected 1 to " + maxLength + " printable ASCII characters");
        }
    }
}
