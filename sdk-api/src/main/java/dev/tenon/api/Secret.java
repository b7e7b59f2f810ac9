package dev.tenon.api;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.function.Function;

/**
 * A value that must not be seen: a password, a private key. {@code toString} prints nothing of it, Jackson cannot write it
 * (it has no properties), and it has no {@code equals} that leaks by timing.
 */
public final class Secret {
    private final byte[] utf8;

    private Secret(byte[] utf8) {
        this.utf8 = utf8;
    }

    /** Wraps a text. */
    public static Secret of(String text) {
        return new Secret(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Hands the clear text to {@code use} and returns its answer; the one way to read it, so that uses can be found. */
    public <T> T reveal(Function<String, T> use) {
        return use.apply(new String(utf8, StandardCharsets.UTF_8));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret secret && MessageDigest.isEqual(utf8, secret.utf8);
    }

    @Override
    public int hashCode() {
        return Secret.class.hashCode();
    }

    @Override
    public String toString() {
        return "***";
    }
}
