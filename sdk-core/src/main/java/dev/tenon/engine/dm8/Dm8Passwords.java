package dev.tenon.engine.dm8;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The first passwords of the built-in accounts, in a form that every build's policy takes and that needs no quoting in an
 * initialisation file or a connect string, whose quoting rules the manuals do not give.
 */
record Dm8Passwords(Secret sysdba, Secret sysauditor) {
    static final String SYSDBA = "sysdba";
    static final String SYSAUDITOR = "sysauditor";

    private static final Pattern FORM = Pattern.compile("(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9_-]{9,48}");

    static Dm8Passwords of(Map<String, Secret> secrets) {
        return new Dm8Passwords(checked(SYSDBA, secrets), checked(SYSAUDITOR, secrets));
    }

    private static Secret checked(String name, Map<String, Secret> secrets) {
        Secret secret = secrets.get(name);
        if (secret == null || !secret.reveal(text -> FORM.matcher(text).matches())) {
            throw new InvalidSpecException(
                    ErrorCode.PASSWORD_POLICY,
                    "secrets." + name,
                    "expected 9 to 48 characters of A-Z, a-z, 0-9, _ and -, with upper case, lower case and a digit");
        }
        return secret;
    }
}
