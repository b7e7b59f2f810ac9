package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Tenon;
import dev.tenon.core.pki.PrivateAuthority;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.spi.engine.TlsMaterial;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Encryption with the own authority's certificates and with files. */
class HttpsIT {
    /** Begins in the past: clients judge certificates by their own clock. */
    private final AtomicReference<Instant> now =
            new AtomicReference<>(Clock.systemUTC().instant().minus(Duration.ofDays(62)));

    private final Clock clock =
            Clock.tick(((java.time.InstantSource) now::get).withZone(ZoneOffset.UTC), Duration.ofMillis(1));

    @TempDir
    Path directory;

    @TempDir
    Path elsewhere;

    @Test
    void ownAuthority_namesOfLoopback_areVerifiedByClients() throws Exception {
        try (Server server = start(own().addHostNames("tenon.example", "192.0.2.7"))) {
            String authority = Files.readString(PrivateAuthority.certificateFile(directory));

            for (String host : new String[] {"127.0.0.1", "localhost"}) {
                HttpResponse<String> answer = get(authority, host, server.port());
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(answer.headers().firstValue("Strict-Transport-Security"))
                        .isEmpty();
            }
            assertThat(shown(authority, server.port()).getSubjectAlternativeNames().stream()
                            .map(name -> name.get(1).toString()))
                    .contains("urn:tenon:server", "localhost", "127.0.0.1", "tenon.example", "192.0.2.7");
            String another = PrivateAuthority.inMemory(clock).certificatePem();
            assertThatThrownBy(() -> get(another, "127.0.0.1", server.port()))
                    .isInstanceOf(SSLHandshakeException.class);
        }
    }

    @Test
    void ownAuthority_allAddresses_everyOneIsNamed() {
        ServerNames names = ServerNames.of("0.0.0.0", java.util.List.of());

        assertThat(names.addresses()).contains("127.0.0.1");
        assertThat(names.names()).contains("localhost");
    }

    @Test
    void ownAuthority_twoThirdsOfTheLifeOver_anotherIsShownWithoutARestart() throws Exception {
        try (Server server = start(own())) {
            String authority = Files.readString(PrivateAuthority.certificateFile(directory));
            X509Certificate first = shown(authority, server.port());

            server.tls().orElseThrow().look();
            assertThat(shown(authority, server.port())).isEqualTo(first);

            now.updateAndGet(t -> t.plus(Duration.ofDays(61)));
            server.tls().orElseThrow().look();

            X509Certificate next = shown(authority, server.port());
            assertThat(next.getSerialNumber()).isNotEqualTo(first.getSerialNumber());
            assertThat(next.getNotAfter()).isAfter(first.getNotAfter());
        }
    }

    @Test
    void files_areShown_andAgainWhenTheyChanged() throws Exception {
        PrivateAuthority authority = PrivateAuthority.inMemory(clock);
        write(authority.issueForServer(Set.of("localhost"), Set.of("127.0.0.1")));
        try (Server server = start(files())) {
            X509Certificate first = shown(authority.certificatePem(), server.port());
            assertThat(get(authority.certificatePem(), "localhost", server.port())
                            .headers()
                            .firstValue("Strict-Transport-Security"))
                    .isPresent();

            Files.writeString(elsewhere.resolve("key.pem"), "half a file");
            server.tls().orElseThrow().look();
            assertThat(shown(authority.certificatePem(), server.port())).isEqualTo(first);

            write(authority.issueForServer(Set.of("localhost"), Set.of("127.0.0.1")));
            server.tls().orElseThrow().look();
            assertThat(shown(authority.certificatePem(), server.port())).isNotEqualTo(first);
        }
    }

    @Test
    void files_notUsable_areRefusedWithTheCause() throws Exception {
        PrivateAuthority authority = PrivateAuthority.inMemory(clock);
        TlsMaterial one = authority.issueForServer(Set.of("localhost"), Set.of());
        TlsMaterial other = authority.issueForServer(Set.of("localhost"), Set.of());
        write(new TlsMaterial(one.certificatePem(), other.privateKeyPem(), one.authorityPem()));
        assertThatThrownBy(() -> start(files()))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("is not the key of the certificate");

        Clock longAgo = Clock.offset(clock, Duration.ofDays(-200));
        write(PrivateAuthority.inMemory(longAgo).issueForServer(Set.of("localhost"), Set.of()));
        assertThatThrownBy(() -> start(files()))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("NotAfter");

        Files.delete(elsewhere.resolve("key.pem"));
        assertThatThrownBy(() -> start(files()))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("cannot read");
        // What failed to start holds nothing: the next try works.
        write(one);
        start(files()).close();
    }

    private ServerSettings.Builder settings() {
        return ServerSettings.builder().directory(directory).port(0);
    }

    private ServerSettings.Builder own() {
        return settings().tls(new ServerSettings.Tls.Own());
    }

    private ServerSettings.Builder files() {
        return settings()
                .tls(new ServerSettings.Tls.Files(elsewhere.resolve("cert.pem"), elsewhere.resolve("key.pem")));
    }

    private void write(TlsMaterial material) throws Exception {
        Files.writeString(elsewhere.resolve("cert.pem"), material.certificatePem());
        Files.writeString(elsewhere.resolve("key.pem"), material.privateKeyPem().<String>reveal(pem -> pem));
    }

    private Server start(ServerSettings.Builder settings) {
        SimulatedPlace place = SimulatedPlace.create();
        Tenon tenon = Tenon.builder()
                .directory(directory)
                .delivery(SimulatedDelivery.on(place))
                .engine(SimulatedEngine.on(place))
                .build();
        return Server.start(settings.build(), tenon, Hosts.NONE, clock, System::nanoTime, new SecureRandom());
    }

    private static SSLContext trusting(String authorityPem) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry(
                "authority",
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(authorityPem.getBytes(StandardCharsets.US_ASCII))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** Verifies the chain and the host's name. */
    private static HttpResponse<String> get(String authorityPem, String host, int port) throws Exception {
        HttpClient http = HttpClient.newBuilder()
                .sslContext(trusting(authorityPem))
                .connectTimeout(Duration.ofSeconds(10))
                .build();
        return http.send(
                HttpRequest.newBuilder(URI.create("https://" + host + ":" + port + "/health"))
                        .timeout(Duration.ofSeconds(10))
                        .build(),
                BodyHandlers.ofString());
    }

    private static X509Certificate shown(String authorityPem, int port) throws Exception {
        return (X509Certificate)
                get(authorityPem, "127.0.0.1", port).sslSession().orElseThrow().getPeerCertificates()[0];
    }
}
