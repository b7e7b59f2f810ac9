package dev.tenon.api;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Checks that several specifications share. */
final class Specs {
    private static final Pattern TAG_KEY = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");

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
}
