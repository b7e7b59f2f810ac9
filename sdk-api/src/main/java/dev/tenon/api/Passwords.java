package dev.tenon.api;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The rule for passwords, in one place. */
public final class Passwords {
    private static final Pattern HASHED = Pattern.compile("(?i)SCRAM-SHA-256\\$.*|md5[0-9a-f]{32}");
    private static final Set<String> LEAKED = Set.of(
            "123456789012",
            "password1234",
            "passwordpassword",
            "qwertyuiop12",
            "1q2w3e4r5t6y",
            "administrator",
            "sysdba123456",
            "postgres1234",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "letmein12345",
            "changeme1234");

    private static final int LONGEST = 16_384;

    private Passwords() {}

    /**
     * Checks a password: 12 to 16,384 characters, because their classes matter less than the length (NIST SP 800-63B, 5.1.1), not
     * the user's name, not well known, no NUL and not a hash.
     *
     * @throws InvalidSpecException {@code PASSWORD_POLICY}
     */
    public static void check(String field, String user, Secret password) {
        String problem = password.reveal(text -> {
            if (text.indexOf('\0') >= 0) {
                return "holds a NUL character";
            }
            int length = text.codePointCount(0, text.length());
            if (length < 12 || length > LONGEST) {
                return "expected 12 to 16,384 characters";
            }
            String lower = text.toLowerCase(Locale.ROOT);
            if (lower.equals(user.toLowerCase(Locale.ROOT)) || LEAKED.contains(lower)) {
                return "is the user's name or a well-known password";
            }
            return HASHED.matcher(text).matches() ? "is a hash already; expected clear text" : "";
        });
        if (!problem.isEmpty()) {
            throw new InvalidSpecException(ErrorCode.PASSWORD_POLICY, field, problem);
        }
    }
}
