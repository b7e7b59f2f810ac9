package dev.tenon.server.auth;

import dev.tenon.api.Passwords;
import dev.tenon.api.Secret;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * A password that can be checked but not read: PBKDF2 with HMAC-SHA-256.
 *
 * <p>600,000 iterations as the OWASP Password Storage Cheat Sheet asks for; the number is stored with each hash, so that it can
 * be raised later.
 */
final class PasswordHash {
    private static final String SCHEME = "pbkdf2-sha256";
    private static final int ITERATIONS = 600_000;
    private static final int SALT_BYTES = 16;
    private static final int HASH_BYTES = 32;

    private final int iterations;
    private final byte[] salt;
    private final byte[] hash;

    private PasswordHash(int iterations, byte[] salt, byte[] hash) {
        this.iterations = iterations;
        this.salt = salt;
        this.hash = hash;
    }

    /** Checks the policy and hashes. */
    static PasswordHash of(String user, Secret password, SecureRandom random) {
        Passwords.check("password", user, password);
        byte[] salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        return new PasswordHash(ITERATIONS, salt, derive(password, salt, ITERATIONS));
    }

    /** Returns a hash that no password matches, so that a login of nobody takes as long as one of somebody. */
    static PasswordHash ofNobody() {
        return new PasswordHash(ITERATIONS, new byte[SALT_BYTES], new byte[HASH_BYTES]);
    }

    static PasswordHash parse(String text) {
        String[] parts = text.split("\\$", -1);
        if (parts.length != 4 || !parts[0].equals(SCHEME)) {
            throw new IllegalArgumentException("not a password hash of this server");
        }
        Base64.Decoder decoder = Base64.getDecoder();
        return new PasswordHash(Integer.parseInt(parts[1]), decoder.decode(parts[2]), decoder.decode(parts[3]));
    }

    String text() {
        Base64.Encoder encoder = Base64.getEncoder().withoutPadding();
        return SCHEME + "$" + iterations + "$" + encoder.encodeToString(salt) + "$" + encoder.encodeToString(hash);
    }

    boolean matches(Secret password) {
        return MessageDigest.isEqual(hash, derive(password, salt, iterations));
    }

    private static byte[] derive(Secret password, byte[] salt, int iterations) {
        return password.reveal(text -> {
            PBEKeySpec spec = new PBEKeySpec(text.toCharArray(), salt, iterations, 8 * HASH_BYTES);
            try {
                return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                        .generateSecret(spec)
                        .getEncoded();
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every Java 17 has PBKDF2WithHmacSHA256", e);
            } finally {
                spec.clearPassword();
            }
        });
    }
}
