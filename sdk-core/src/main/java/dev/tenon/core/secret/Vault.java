package dev.tenon.core.secret;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts and decrypts bundles of secrets under the master key, with AES-256-GCM. What a bundle belongs to is authenticated with
 * it, so that one put in another's place, or an older one put back, is not opened. Thread-safe.
 */
public final class Vault {
    private static final int NONCE_LENGTH = 12;
    private static final int TAG_BITS = 128;
    private static final byte FORMAT = 1;

    private final SecretKey encryption;
    private final SecretKey signing;
    private final SecureRandom random = new SecureRandom();

    /** Derives its keys from the master key. */
    public Vault(MasterKey master) {
        this.encryption = new SecretKeySpec(derive(master, "tenon vault 1"), "AES");
        this.signing = new SecretKeySpec(derive(master, "tenon cursor 1"), "HmacSHA256");
    }

    /**
     * What a bundle belongs to.
     *
     * @param tenant the owner
     * @param kind kind of the document
     * @param id id of the document
     * @param version the document's version with this bundle in it
     */
    public record Place(String tenant, String kind, String id, long version) {
        private byte[] bytes() {
            return (tenant + "|" + kind + "|" + id + "|" + version).getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Encrypts secrets by name. */
    public String seal(Place place, Map<String, Secret> secrets) {
        Map<String, Object> clear = new LinkedHashMap<>();
        secrets.forEach((name, secret) -> clear.put(name, secret.<Object>reveal(text -> text)));
        byte[] plain = Json.write(clear).getBytes(StandardCharsets.UTF_8);
        byte[] nonce = new byte[NONCE_LENGTH];
        random.nextBytes(nonce);
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, encryption, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(place.bytes());
            byte[] sealed = cipher.doFinal(plain);
            byte[] out = ByteBuffer.allocate(1 + NONCE_LENGTH + sealed.length)
                    .put(FORMAT)
                    .put(nonce)
                    .put(sealed)
                    .array();
            return Json.write(Map.of("sealed", Base64.getEncoder().encodeToString(out)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM does not work in this Java runtime", e);
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    /**
     * Decrypts secrets.
     *
     * @throws ProviderException {@code INTERNAL} if the bundle was changed, belongs elsewhere, or was sealed under another key
     */
    public Map<String, Secret> open(Place place, String sealed) {
        try {
            byte[] in = Base64.getDecoder().decode(Json.read(sealed).text("sealed"));
            if (in.length < 1 + NONCE_LENGTH || in[0] != FORMAT) {
                throw new IllegalArgumentException("unknown format");
            }
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.DECRYPT_MODE, encryption, new GCMParameterSpec(TAG_BITS, in, 1, NONCE_LENGTH));
            cipher.updateAAD(place.bytes());
            byte[] plain = cipher.doFinal(in, 1 + NONCE_LENGTH, in.length - 1 - NONCE_LENGTH);
            Fields fields = Json.read(new String(plain, StandardCharsets.UTF_8));
            Arrays.fill(plain, (byte) 0);
            Map<String, Secret> secrets = new LinkedHashMap<>();
            fields.allTexts().forEach((name, text) -> secrets.put(name, Secret.of(text)));
            return secrets;
        } catch (GeneralSecurityException | RuntimeException e) {
            throw new ProviderException(
                    ErrorCode.INTERNAL,
                    "the secrets of " + place.kind() + " " + place.id()
                            + " cannot be opened: they were changed, or keys/master.key is not the one they were made with",
                    e);
        }
    }

    /** Returns a code that only this installation can make for a text. */
    public byte[] sign(String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(signing);
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HMAC-SHA-256 does not work in this Java runtime", e);
        }
    }

    /** One key per use, so that neither use can be turned against the other. */
    private static byte[] derive(MasterKey master, String use) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(master.bytes(), "HmacSHA256"));
            return mac.doFinal(use.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HMAC-SHA-256 does not work in this Java runtime", e);
        }
    }
}
