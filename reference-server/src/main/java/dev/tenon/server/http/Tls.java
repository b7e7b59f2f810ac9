package dev.tenon.server.http;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Makes TLS of a certificate and its key, and replaces both while connections go on. */
public final class Tls {
    private static final int MAX_PEM_BYTES = 256 * 1024;
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    private Tls() {}

    /**
     * What a server shows and proves.
     *
     * @param certificatePem the server's certificate, then intermediates
     * @param keyPem its key, PKCS #8
     */
    public record Material(String certificatePem, Secret keyPem) {}

    /** Reads PEM files; {@code SPEC_INVALID} if they cannot be read. */
    public static Material read(Path certificate, Path key) {
        return new Material(read("tls-cert", certificate), Secret.of(read("tls-key", key)));
    }

    /**
     * Makes the server's side.
     *
     * @throws InvalidSpecException if the key is not the certificate's, or the certificate has run out
     */
    public static SslContextFactory.Server of(Material material) {
        SslContextFactory.Server tls = new SslContextFactory.Server();
        tls.setKeyStore(store(material));
        tls.setKeyStorePassword("");
        tls.setIncludeProtocols("TLSv1.3", "TLSv1.2");
        return tls;
    }

    /** Shows another certificate from now on; errors as for {@link #of}, and then nothing has changed. */
    public static void replace(SslContextFactory.Server tls, Material material) {
        KeyStore store = store(material);
        try {
            tls.reload(ignored -> tls.setKeyStore(store));
        } catch (Exception e) {
            throw new ProviderException(ErrorCode.INTERNAL, "a certificate could not be taken into use", e);
        }
    }

    private static KeyStore store(Material material) {
        String certificatePem = material.certificatePem();
        try {
            List<? extends Certificate> chain = List.copyOf(CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(certificatePem.getBytes(StandardCharsets.UTF_8))));
            if (chain.isEmpty() || !(chain.get(0) instanceof X509Certificate leaf)) {
                throw invalid("tls-cert", "no certificate in it");
            }
            leaf.checkValidity();
            PrivateKey key = key(
                    material.keyPem().reveal(pem -> pem), leaf.getPublicKey().getAlgorithm());
            if (!belong(leaf.getPublicKey(), key)) {
                throw invalid("tls-key", "is not the key of the certificate");
            }
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("server", key, new char[0], chain.toArray(Certificate[]::new));
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw invalid("tls-cert", "cannot be used: " + e.getMessage());
        }
    }

    private static PrivateKey key(String pem, String algorithm) throws GeneralSecurityException {
        Matcher m = KEY.matcher(pem);
        if (!m.find()) {
            throw invalid("tls-key", "expected a PKCS #8 key that is not encrypted (BEGIN PRIVATE KEY)");
        }
        return KeyFactory.getInstance(algorithm)
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(m.group(1))));
    }

    private static boolean belong(PublicKey open, PrivateKey secret) throws GeneralSecurityException {
        String algorithm =
                switch (open.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> open.getAlgorithm();
                };
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(secret);
        signature.update((byte) 1);
        byte[] signed = signature.sign();
        signature.initVerify(open);
        signature.update((byte) 1);
        return signature.verify(signed);
    }

    private static String read(String field, Path path) {
        try {
            if (Files.size(path) > MAX_PEM_BYTES) {
                throw invalid(field, path + " is too large for a PEM file");
            }
            return Files.readString(path);
        } catch (IOException e) {
            throw invalid(field, "cannot read " + path);
        }
    }

    private static InvalidSpecException invalid(String field, String message) {
        return new InvalidSpecException(ErrorCode.SPEC_INVALID, field, message);
    }
}
