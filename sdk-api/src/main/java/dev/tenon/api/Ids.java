package dev.tenon.api;

/** The form that all identifiers share: a prefix and 100 random bits in lower-case base 32 (RFC 4648). */
final class Ids {
    private static final int RANDOM_LENGTH = 20;

    private Ids() {}

    static void check(String prefix, String value) {
        if (value.length() != prefix.length() + RANDOM_LENGTH
                || !value.startsWith(prefix)
                || !value.chars()
                        .skip(prefix.length())
                        .allMatch(c -> (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'))) {
            throw new InvalidSpecException(
                    ErrorCode.ID_INVALID,
                    "id",
                    "not an identifier of this kind; expected " + prefix + " and " + RANDOM_LENGTH
                            + " characters of a-z2-7");
        }
    }
}
