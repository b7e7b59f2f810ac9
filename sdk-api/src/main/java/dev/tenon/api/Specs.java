package dev.tenon.api;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Checks that several specifications share. */
final class Specs {
    private static final Pattern TAG_KEY = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");
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

    private Specs() {}

    static void tags(Map<String, String> tags) {
        if (tags.size() > 32) {
            throw new InvalidSpecException("tags", tags.size() + "; expected at most 32");
        }
        tags.forEach((key, value) -> {
            if (!TAG_KEY.matcher(key).matches()) {
                throw new InvalidSpecException(
                        "tags", "a key has other than 1 to 63 characters of A-Z, a-z, 0-9, '.', '_' and '-'");
            }
            if (!value.isEmpty()) {
                Names.display("tags." + key, value, 128);
            }
        });
    }

    static void whitelist(List<Cidr> whitelist) {
        if (whitelist.isEmpty() || whitelist.size() > 256) {
            throw new InvalidSpecException(
                    ErrorCode.CIDR_INVALID, "whitelist", whitelist.size() + " entries; expected 1 to 256");
        }
        if (new HashSet<>(whitelist).size() != whitelist.size()) {
            throw new InvalidSpecException(ErrorCode.CIDR_INVALID, "whitelist", "an entry is there twice");
        }
    }

    /** At least 12 characters, because the classes of characters matter less than the length (NIST SP 800-63B, 5.1.1). */
    static void password(String field, String user, Secret password) {
        String problem = password.reveal(text -> {
            if (text.indexOf('\0') >= 0) {
                return "holds a NUL character";
            }
            int length = text.codePointCount(0, text.length());
            if (length < 12 || length > 1_024) {
                return "expected 12 to 1,024 characters";
            }
            if (text.isBlank()) {
                return "is blank";
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
