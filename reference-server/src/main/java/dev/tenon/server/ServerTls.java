package dev.tenon.server;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import dev.tenon.core.pki.PrivateAuthority;
import dev.tenon.server.http.Tls;
import dev.tenon.spi.engine.TlsMaterial;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate this server shows. It is replaced while the server runs: one of the own authority when two thirds of its life are
 * over, one from files when they have changed. Thread-safe.
 */
final class ServerTls implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ServerTls.class);
    private static final long LOOK_MINUTES = 60;

    private final Supplier<Tls.Material> source;
    private final SslContextFactory.Server factory;
    private final ScheduledExecutorService looks = Executors.newSingleThreadScheduledExecutor(run -> {
        Thread thread = new Thread(run, "tenon-https-renewal");
        thread.setDaemon(true);
        return thread;
    });
    private Tls.Material shown;
    private Optional<String> complaint = Optional.empty();

    private ServerTls(Supplier<Tls.Material> source) {
        this.source = source;
        this.shown = source.get();
        this.factory = Tls.of(shown);
        looks.scheduleWithFixedDelay(this::look, LOOK_MINUTES, LOOK_MINUTES, TimeUnit.MINUTES);
    }

    /**
     * Finds the certificate that the settings ask for.
     *
     * @param settings of the server, whose directory is an installation's already
     * @throws InvalidSpecException if files cannot be used
     */
    static ServerTls of(ServerSettings settings, ServerSettings.Tls tls, Clock clock) {
        if (tls instanceof ServerSettings.Tls.Files files) {
            return new ServerTls(() -> Tls.read(files.certificate(), files.key()));
        }
        return new ServerTls(new Own(PrivateAuthority.ofInstallation(settings.directory(), clock), settings));
    }

    SslContextFactory.Server factory() {
        return factory;
    }

    /** Takes the next certificate if there is one; keeps showing the last good one otherwise. Connections that are open go on. */
    synchronized void look() {
        try {
            Tls.Material next = source.get();
            if (!next.equals(shown)) {
                Tls.replace(factory, next);
                shown = next;
                log.info("shows a new certificate");
            }
            complaint = Optional.empty();
        } catch (TenonException e) {
            // Once per change of state: this runs every hour, and a person has a month to mend it.
            Optional<String> reason = Optional.of(String.valueOf(e.getMessage()));
            if (!complaint.equals(reason)) {
                complaint = reason;
                log.warn("keeps the certificate it has: {}", reason.get());
            }
        }
    }

    @Override
    public void close() {
        looks.shutdownNow();
    }

    /** Certificates of this installation's own authority; kept in memory only, as each start may have other names. */
    private static final class Own implements Supplier<Tls.Material> {
        private final PrivateAuthority authority;
        private final ServerSettings settings;
        private Optional<Tls.Material> current = Optional.empty();

        Own(PrivateAuthority authority, ServerSettings settings) {
            this.authority = authority;
            this.settings = settings;
        }

        @Override
        public Tls.Material get() {
            if (current.map(c -> authority.renewalDue(c.certificatePem())).orElse(true)) {
                ServerNames names = ServerNames.of(settings.host(), settings.hostNames());
                TlsMaterial made = authority.issueForServer(names.names(), names.addresses());
                current = Optional.of(new Tls.Material(made.certificatePem(), made.privateKeyPem()));
            }
            return current.orElseThrow();
        }
    }
}
