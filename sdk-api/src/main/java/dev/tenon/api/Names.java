package dev.tenon.api;

import java.text.Normalizer;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The rules for names, in one place. Each check returns the name or throws {@link InvalidSpecException}. */
public final class Names {
    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final Pattern DATABASE_OBJECT = Pattern.compile("[a-z_][a-z0-9_$]{0,62}");
    private static final Set<String> RESERVED = Set.of(
            "default",
            "kube-system",
            "kube-public",
            "postgres",
            "template0",
            "template1",
            "sys",
            "sysdba",
            "sysauditor",
            "syssso",
            "sysdbo",
            "replicator",
            "tenon",
            "public",
            "none",
            "current_user",
            "session_user",
            "system");

    private Names() {}

    /**
     * Checks a technical name of a tenant, instance or plan: a DNS-1123 label.
     *
     * @throws InvalidSpecException {@code NAME_INVALID} or {@code RESERVED}
     */
    public static String label(String field, String name) {
        if (!LABEL.matcher(name).matches()) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID, field, "expected 1 to 63 characters of a-z, 0-9 and -, no - at either end");
        }
        return notReserved(field, name);
    }

    /**
     * Checks a name inside a database: an account or a database. Lower case only, so that no engine folds two names into one;
     * 63 bytes at most, because PostgreSQL would cut off the rest silently.
     *
     * @throws InvalidSpecException {@code NAME_INVALID} or {@code RESERVED}
     */
    public static String databaseObject(String field, String name) {
        if (!DATABASE_OBJECT.matcher(name).matches()) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID,
                    field,
                    "expected a letter a-z or _, then up to 62 characters of a-z, 0-9, _ and $");
        }
        return notReservedObject(field, name);
    }

    /**
     * Checks that the name of something that already is in a database, perhaps made by the tenant in SQL and so outside our rule
     * of form, does not belong to the engine or the platform.
     *
     * @throws InvalidSpecException {@code RESERVED}
     */
    public static String notReservedObject(String field, String name) {
        if (name.startsWith("pg_") || name.startsWith("tenon_")) {
            throw new InvalidSpecException(
                    ErrorCode.RESERVED, field, "names that start with pg_ or tenon_ are reserved");
        }
        return notReserved(field, name);
    }

    /**
     * Checks a text for people and brings it into Unicode's composed form (NFC).
     *
     * @param maxLength most characters, in code points
     * @throws InvalidSpecException {@code NAME_INVALID} for control, format (such as right-to-left override and zero-width
     *     joiner), surrogate and private-use characters, or if it is too long or blank
     */
    public static String display(String field, String text, int maxLength) {
        String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
        boolean odd = composed.codePoints().anyMatch(c -> switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> true;
            default -> false;
        });
        if (odd || composed.isBlank() || composed.codePointCount(0, composed.length()) > maxLength) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID,
                    field,
                    "expected 1 to " + maxLength + " visible characters, no control or invisible ones");
        }
        return composed;
    }

    private static String notReserved(String field, String name) {
        if (RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
            throw new InvalidSpecException(ErrorCode.RESERVED, field, "this name is reserved");
        }
        return name;
    }
}
