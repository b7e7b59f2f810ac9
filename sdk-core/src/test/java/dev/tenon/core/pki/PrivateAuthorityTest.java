package dev.tenon.core.pki;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.TenonException;
import dev.tenon.spi.engine.TlsMaterial;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateAuthorityTest {
    private static final InstanceId INSTANCE = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa");
    private static final Instant NOW = Instant.parse("2026-11-22T09:00:00Z");
    private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);

    @TempDir
    Path directory;

    @Test
    void issue_namesAndAddresses_areExactlyTheSubjectAlternativeNames() throws Exception {
        PrivateAuthority authority = PrivateAuthority.inMemory(CLOCK);
        TlsMaterial tls = authority.issue(INSTANCE, Set.of("localhost", "db.example"), Set.of("127.0.0.1", "::1"));
        X509Certificate leaf = certificate(tls.certificatePem());

        leaf.verify(certificate(authority.certificatePem()).getPublicKey());
        assertThat(leaf.getSubjectAlternativeNames().stream().map(name -> name.get(0) + " " + name.get(1)))
                .containsExactly(
                        "6 urn:tenon:instance:" + INSTANCE,
                        "2 db.example",
                        "2 localhost",
                        "7 127.0.0.1",
                        "7 0:0:0:0:0:0:0:1");
        assertThat(leaf.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.1");
        assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
        assertThat(leaf.getNotAfter().toInstant()).isEqualTo(NOW.plus(Duration.ofDays(90)));
        assertThat(leaf.getNotBefore().toInstant()).isEqualTo(NOW.minus(Duration.ofMinutes(5)));
        assertThat(tls.authorityPem()).isEqualTo(authority.certificatePem());
        assertThat(certificate(authority.certificatePem()).getBasicConstraints())
                .isZero();
    }

    @Test
    void issue_key_fitsTheCertificateAndIsSecret() throws Exception {
        TlsMaterial tls = PrivateAuthority.inMemory(CLOCK).issue(INSTANCE, Set.of(), Set.of("127.0.0.1"));
        byte[] pkcs8 =
                tls.privateKeyPem().reveal(pem -> Pem.read("PRIVATE KEY", pem).orElseThrow());
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8)));
        signature.update("text".getBytes(StandardCharsets.UTF_8));
        byte[] signed = signature.sign();
        signature.initVerify(certificate(tls.certificatePem()));
        signature.update("text".getBytes(StandardCharsets.UTF_8));

        assertThat(signature.verify(signed)).isTrue();
        assertThat(tls.toString()).doesNotContain("PRIVATE KEY");
    }

    @Test
    void inDirectory_again_loadsTheSameAuthority() throws Exception {
        PrivateAuthority first = PrivateAuthority.inDirectory(directory, CLOCK);
        PrivateAuthority again = PrivateAuthority.inDirectory(directory, CLOCK);

        assertThat(again.certificatePem()).isEqualTo(first.certificatePem());
        TlsMaterial tls = again.issue(INSTANCE, Set.of("localhost"), Set.of());
        certificate(tls.certificatePem())
                .verify(certificate(first.certificatePem()).getPublicKey());
        try (var files = Files.list(directory)) {
            assertThat(files.map(Path::getFileName).map(Path::toString)).containsExactly("authority.pem");
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("authority.pem"))))
                .isEqualTo("rw-------");
    }

    @Test
    void inDirectory_severalAtOnce_allGetOneAuthority() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            CountDownLatch go = new CountDownLatch(1);
            List<Future<String>> authorities = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                authorities.add(threads.submit(() -> {
                    go.await();
                    return PrivateAuthority.inDirectory(directory, CLOCK).certificatePem();
                }));
            }
            go.countDown();
            List<String> seen = new ArrayList<>();
            for (Future<String> authority : authorities) {
                seen.add(authority.get(30, TimeUnit.SECONDS));
            }
            assertThat(Set.copyOf(seen)).hasSize(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void inDirectory_othersMayReadTheKey_isRefused() throws Exception {
        PrivateAuthority.inDirectory(directory, CLOCK);
        Files.setPosixFilePermissions(directory.resolve("authority.pem"), PosixFilePermissions.fromString("rw-r-----"));

        assertThatThrownBy(() -> PrivateAuthority.inDirectory(directory, CLOCK))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.WRONG_OWNER))
                .hasMessageContaining("0600");
    }

    @Test
    void inDirectory_damagedFile_isNeverReplaced() throws Exception {
        Path file = directory.resolve("authority.pem");
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));

        assertThatThrownBy(() -> PrivateAuthority.inDirectory(directory, CLOCK))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_FAILED));
        assertThat(file).isEmptyFile();
    }

    @Test
    void renewalDue_isAtTwoThirdsOfTheLife() throws Exception {
        PrivateAuthority.inDirectory(directory, CLOCK);
        String pem = PrivateAuthority.inDirectory(directory, CLOCK)
                .issue(INSTANCE, Set.of(), Set.of())
                .certificatePem();

        assertThat(at(Duration.ofDays(59)).renewalDue(pem)).isFalse();
        assertThat(at(Duration.ofDays(60)).renewalDue(pem)).isTrue();
        assertThat(at(Duration.ofDays(200)).renewalDue(pem)).isTrue();
    }

    @Test
    void renewalDue_signedByAnotherAuthority_isDue() {
        String pem = PrivateAuthority.inMemory(CLOCK)
                .issue(INSTANCE, Set.of(), Set.of())
                .certificatePem();

        assertThat(PrivateAuthority.inMemory(CLOCK).renewalDue(pem)).isTrue();
        assertThatThrownBy(() -> PrivateAuthority.inMemory(CLOCK).renewalDue("nothing"))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_FAILED));
    }

    private PrivateAuthority at(Duration later) {
        return PrivateAuthority.inDirectory(directory, Clock.offset(CLOCK, later));
    }

    private static X509Certificate certificate(String pem) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
    }
}
