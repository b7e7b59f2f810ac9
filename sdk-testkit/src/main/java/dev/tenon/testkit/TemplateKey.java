package dev.tenon.testkit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names a content by the hash of what made it. */
final class TemplateKey {
    /** What a new database holds before anything filled it. */
    static final String EMPTY = "";

    private final MessageDigest digest;

    TemplateKey() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Adds one part; its length goes first, so that no two lists of parts look alike. */
    TemplateKey add(String part) {
        return add(part.getBytes(StandardCharsets.UTF_8));
    }

    TemplateKey add(byte[] part) {
        digest.update(Integer.toString(part.length).getBytes(StandardCharsets.US_ASCII));
        digest.update((byte) ':');
        digest.update(part);
        return this;
    }

    /** Returns 20 hexadecimal digits. */
    String text() {
        return HexFormat.of().formatHex(digest.digest(), 0, 10);
    }
}
