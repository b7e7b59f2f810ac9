package dev.tenon.core.pki;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.spi.engine.TlsMaterial;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;

/**
 * The private certificate authority of one installation: EC P-256, made once, its key in a file that only its owner reads.
 *
 * <p>Thread-safe. Loading an existing authority needs the JDK only; BouncyCastle is loaded by the first certificate made.
 */
public final class PrivateAuthority {
    /** How long an instance's certificate is valid. */
    public static final Duration LEAF_LIFE = Duration.ofDays(90);

    private static final Duration AUTHORITY_LIFE = Duration.ofDays(3_650);

    /** Clients whose clocks are a little behind must not refuse a new certificate. */
    private static final Duration SKEW = Duration.ofMinutes(5);

    /** Key and certificate in one file, so that there is never one without the other. */
    private static final String FILE = "authority.pem";

    private static final String KEY_LABEL = "PRIVATE KEY";
    private static final String CERTIFICATE_LABEL = "CERTIFICATE";

    private final PrivateKey key;
    private final X509Certificate certificate;
    private final String certificatePem;
    private final Clock clock;
    private final SecureRandom random;

    private PrivateAuthority(PrivateKey key, X509Certificate certificate, Clock clock, SecureRandom random) {
        this.key = key;
        this.certificate = certificate;
        this.clock = clock;
        this.random = random;
        try {
            this.certificatePem = Pem.write(CERTIFICATE_LABEL, certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a parsed certificate has an encoding", e);
        }
    }

    /**
     * Loads the authority of a directory, or makes it if there is none. Of several processes that do so at once one makes it, and
     * all get that one.
     *
     * @param directory an existing directory of the control plane
     * @throws ProviderException {@code WRONG_OWNER} if others may read the key, {@code PROVIDER_FAILED} if the file is damaged or
     *     cannot be written
     */
    public static PrivateAuthority inDirectory(Path directory, Clock clock) {
        Path file = directory.resolve(FILE);
        SecureRandom random = new SecureRandom();
        try {
            if (!Files.exists(file)) {
                createOnce(directory, file, made(clock, random));
            }
            return load(file, clock, random);
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED, "the authority's file " + file + " cannot be read or written", e);
        }
    }

    /**
     * Loads or makes the authority of an installation, as {@link #inDirectory} does, and lays a copy of its certificate where clients
     * on this machine find it.
     *
     * @param installation the control plane's directory
     */
    public static PrivateAuthority ofInstallation(Path installation, Clock clock) {
        PrivateAuthority authority = inDirectory(installation.resolve("keys"), clock);
        authority.publish(certificateFile(installation));
        return authority;
    }

    /** Returns where the copy of the certificate lies; it is no secret. */
    public static Path certificateFile(Path installation) {
        return installation.resolve("authority.crt");
    }

    /** Makes an authority that ends with this object, for control planes that keep nothing. */
    public static PrivateAuthority inMemory(Clock clock) {
        return made(clock, new SecureRandom());
    }

    /** Returns the authority's certificate, for clients that verify. */
    public String certificatePem() {
        return certificatePem;
    }

    /**
     * Writes the certificate to a file that everybody may read, unless it is there already.
     *
     * @throws ProviderException {@code DISK_FULL} if it cannot be written
     */
    public void publish(Path file) {
        try {
            if (Files.exists(file) && Files.readString(file).equals(certificatePem)) {
                return;
            }
            // A name of its own: the control plane and what is built around it may do this at once.
            Path next = Files.createTempFile(file.toAbsolutePath().getParent(), "authority", ".new");
            Files.writeString(next, certificatePem);
            Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.DISK_FULL, "the authority's certificate cannot be written to " + file + ": " + e, e);
        }
    }

    /**
     * Makes a key and a certificate for an instance's server, valid for {@link #LEAF_LIFE}. The names are exactly those given and
     * {@code urn:tenon:instance:<id>}; nothing is matched by pattern.
     *
     * @param names host names clients use
     * @param addresses IP addresses clients use
     */
    public TlsMaterial issue(InstanceId instance, Set<String> names, Set<String> addresses) {
        return issue(
                instance.value(), new Certificates.Names("urn:tenon:instance:" + instance.value(), names, addresses));
    }

    /** Makes a key and a certificate for what serves the control plane itself; as {@link #issue}, with {@code urn:tenon:server}. */
    public TlsMaterial issueForServer(Set<String> names, Set<String> addresses) {
        return issue("tenon", new Certificates.Names("urn:tenon:server", names, addresses));
    }

    private TlsMaterial issue(String commonName, Certificates.Names names) {
        try {
            KeyPair pair = keyPair(random);
            Instant now = clock.instant();
            Instant end = now.plus(LEAF_LIFE);
            Instant authorityEnd = certificate.getNotAfter().toInstant();
            byte[] leaf = Certificates.leaf(
                    new Certificates.Validity(now.minus(SKEW), end.isBefore(authorityEnd) ? end : authorityEnd),
                    random,
                    pair.getPublic(),
                    new Certificates.Issuer(certificate, key),
                    commonName,
                    names);
            return new TlsMaterial(
                    Pem.write(CERTIFICATE_LABEL, leaf),
                    Secret.of(Pem.write(KEY_LABEL, pair.getPrivate().getEncoded())),
                    certificatePem);
        } catch (GeneralSecurityException | IOException e) {
            throw new ProviderException(ErrorCode.INTERNAL, "no certificate could be made for " + commonName, e);
        }
    }

    /**
     * Returns whether a certificate shall be replaced now: two thirds of its life are over, or this authority did not sign it.
     *
     * @param pem what {@link #issue} returned once
     * @throws ProviderException {@code PROVIDER_FAILED} if it is no certificate
     */
    public boolean renewalDue(String pem) {
        try {
            X509Certificate leaf = parse(pem);
            Instant from = leaf.getNotBefore().toInstant();
            Duration life = Duration.between(from, leaf.getNotAfter().toInstant());
            if (!clock.instant().isBefore(from.plus(life.multipliedBy(2).dividedBy(3)))) {
                return true;
            }
            leaf.verify(certificate.getPublicKey());
            return false;
        } catch (java.security.SignatureException | java.security.InvalidKeyException e) {
            return true;
        } catch (GeneralSecurityException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "a stored certificate cannot be read", e);
        }
    }

    private static PrivateAuthority made(Clock clock, SecureRandom random) {
        try {
            KeyPair pair = keyPair(random);
            Instant now = clock.instant();
            byte[] der = Certificates.authority(
                    new Certificates.Validity(now.minus(SKEW), now.plus(AUTHORITY_LIFE)), random, pair);
            return new PrivateAuthority(pair.getPrivate(), parse(Pem.write(CERTIFICATE_LABEL, der)), clock, random);
        } catch (GeneralSecurityException | IOException e) {
            throw new ProviderException(ErrorCode.INTERNAL, "no certificate authority could be made", e);
        }
    }

    /** A hard link appears with its whole content and fails where one exists: the first of several processes wins. */
    private static void createOnce(Path directory, Path file, PrivateAuthority made) throws IOException {
        String text = made.certificatePem + Pem.write(KEY_LABEL, made.key.getEncoded());
        Path own = Files.createTempFile(
                directory,
                FILE,
                ".new",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            try (FileChannel channel = FileChannel.open(own, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.createLink(file, own);
        } catch (FileAlreadyExistsException e) {
            // Another process was first; its authority is loaded.
        } finally {
            Files.deleteIfExists(own);
        }
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    private static PrivateAuthority load(Path file, Clock clock, SecureRandom random) throws IOException {
        Set<PosixFilePermission> others = Set.copyOf(Files.getPosixFilePermissions(file));
        if (others.stream().anyMatch(p -> !p.name().startsWith("OWNER_"))) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    "the authority's key " + file + " may be read by others (mode "
                            + PosixFilePermissions.toString(others) + "); set it to 0600 if nobody has taken it, "
                            + "else delete it, so that a new authority is made, and restart the instances");
        }
        String text = Files.readString(file, StandardCharsets.US_ASCII);
        try {
            byte[] encoded = Pem.read(KEY_LABEL, text).orElseThrow(() -> new IOException("no key"));
            PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
            return new PrivateAuthority(key, parse(text), clock, random);
        } catch (GeneralSecurityException e) {
            throw new IOException("not a key and a certificate", e);
        }
    }

    private static X509Certificate parse(String pem) throws GeneralSecurityException {
        byte[] der = Pem.read(CERTIFICATE_LABEL, pem)
                .orElseThrow(() -> new java.security.cert.CertificateException("no certificate in the text"));
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    private static KeyPair keyPair(SecureRandom random) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"), random);
        return generator.generateKeyPair();
    }
}
