package dev.tenon.server.auth;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The server's own secret, made on the first start and kept in a private file. Thread-safe. */
public final class ServerKey {
    private static final int BYTES = 32;
    private final SecretKeySpec key;

    /** Reads the file, or makes it. */
    public ServerKey(Path path, SecureRandom random) {
        PrivateFile file = new PrivateFile(path);
        byte[] secret = file.read().filter(k -> k.length == BYTES).orElseGet(() -> {
            byte[] fresh = new byte[BYTES];
            random.nextBytes(fresh);
            file.write(fresh);
            return fresh;
        });
        this.key = new SecretKeySpec(secret, "HmacSHA256");
    }

    /** Returns the keyed hash of a text, bound to what it is for. */
    public byte[] mac(String purpose, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            mac.update(purpose.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0);
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java 17 has HmacSHA256", e);
        }
    }

    /** Returns the same in lower-case hexadecimal. */
    public String macHex(String purpose, String text) {
        return HexFormat.of().formatHex(mac(purpose, text));
    }
}
