package dev.tenon.baremetal.internal.ssh;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.util.security.SecurityUtils;

/**
 * A host to connect to.
 *
 * @param name what people call it
 * @param address name or address
 * @param port where its SSH server listens
 * @param user who logs in
 * @param keys what may prove who we are, best first
 * @param password what proves it otherwise
 * @param hostKeys the host must show that it holds one of these
 */
public record Target(
        String name,
        String address,
        int port,
        String user,
        List<KeyPair> keys,
        Optional<Secret> password,
        List<PublicKey> hostKeys) {
    /** Copies the lists. */
    public Target {
        keys = List.copyOf(keys);
        hostKeys = List.copyOf(hostKeys);
    }

    /**
     * Reads a private key in any form that OpenSSH writes, without a passphrase.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID}; says nothing of the key
     */
    public static List<KeyPair> privateKey(String field, Secret pem) {
        List<KeyPair> found = new ArrayList<>();
        try {
            Iterable<KeyPair> read = SecurityUtils.loadKeyPairIdentities(
                    null,
                    NamedResource.ofName(field),
                    new ByteArrayInputStream(pem.reveal(text -> text.getBytes(StandardCharsets.UTF_8))),
                    null);
            if (read != null) {
                read.forEach(found::add);
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            // The parser's words may quote the key.
            throw unreadable(field);
        }
        if (found.isEmpty()) {
            throw unreadable(field);
        }
        return found;
    }

    private static InvalidSpecException unreadable(String field) {
        return new InvalidSpecException(
                ErrorCode.SPEC_INVALID,
                field,
                "cannot be read; expected a private key without passphrase, as OpenSSH or PEM");
    }

    /**
     * Reads a public key as a line of {@code ssh_host_*_key.pub} has it.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID}
     */
    public static PublicKey publicKey(String field, String line) {
        try {
            PublicKeyEntry entry = PublicKeyEntry.parsePublicKeyEntry(line.strip());
            PublicKey key = entry == null ? null : entry.resolvePublicKey(null, null, null);
            if (key != null) {
                return key;
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            throw new InvalidSpecException(
                    ErrorCode.SPEC_INVALID,
                    field,
                    "cannot be read (" + e.getMessage() + "); expected a line such as: ssh-ed25519 AAAA…");
        }
        throw new InvalidSpecException(
                ErrorCode.SPEC_INVALID, field, "is empty; expected a line such as: ssh-ed25519 AAAA…");
    }

    @Override
    public String toString() {
        return name + " (" + user + "@" + address + ":" + port + ")";
    }
}
