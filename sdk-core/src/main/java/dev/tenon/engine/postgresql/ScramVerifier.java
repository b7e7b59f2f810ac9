package dev.tenon.engine.postgresql;

import dev.tenon.api.Secret;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What PostgreSQL stores of a password: {@code SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>}. Computed here, so
 * that the clear password is never in SQL text, a log or an audit record.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5802">RFC 5802, section 3</a>
 * @see <a href="https://www.postgresql.org/docs/current/catalog-pg-authid.html">PostgreSQL: pg_authid</a>
 */
public final class ScramVerifier {
    /** The least that RFC 7677 (section 4) allows, and the server's own default; each log-in of a client pays for it. */
    static final int ITERATIONS = 4_096;

    /** The length the server itself uses. */
    public static final int SALT_LENGTH = 16;

    private ScramVerifier() {}

    /**
     * Returns the verifier of a password.
     *
     * @param salt random bytes, {@link #SALT_LENGTH} of them
     * @param iterations each makes guessing a password dearer, and logging in, too; at least 4,096 for one that a person chose
     */
    public static String of(Secret password, byte[] salt, int iterations) {
        byte[] salted = password.reveal(text -> saltedPassword(SaslPrep.prepare(text), salt, iterations));
        byte[] clientKey = hmac(salted, "Client Key".getBytes(StandardCharsets.US_ASCII));
        byte[] serverKey = hmac(salted, "Server Key".getBytes(StandardCharsets.US_ASCII));
        Base64.Encoder base64 = Base64.getEncoder();
        return "SCRAM-SHA-256$" + iterations + ":" + base64.encodeToString(salt) + "$"
                + base64.encodeToString(sha256(clientKey)) + ":" + base64.encodeToString(serverKey);
    }

    /** {@code Hi} of RFC 5802: PBKDF2 with one block. Done by hand because the JDK's PBKDF2 takes no empty password. */
    private static byte[] saltedPassword(String password, byte[] salt, int iterations) {
        try {
            Mac mac = mac(password.getBytes(StandardCharsets.UTF_8));
            mac.update(salt);
            mac.update(new byte[] {0, 0, 0, 1});
            byte[] block = mac.doFinal();
            byte[] result = block.clone();
            for (int i = 1; i < iterations; i++) {
                mac.update(block);
                mac.doFinal(block, 0);
                for (int k = 0; k < result.length; k++) {
                    result[k] ^= block[k];
                }
            }
            return result;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }

    private static byte[] hmac(byte[] key, byte[] text) {
        try {
            return mac(key).doFinal(text);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }

    private static Mac mac(byte[] key) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        // A key of zeros: HMAC pads every key with zeros, so this is the same key as the empty one, which Java refuses.
        mac.init(new SecretKeySpec(key.length == 0 ? new byte[1] : key, "HmacSHA256"));
        return mac;
    }

    private static byte[] sha256(byte[] data) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(data);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
