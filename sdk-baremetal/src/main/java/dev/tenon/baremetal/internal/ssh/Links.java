package dev.tenon.baremetal.internal.ssh;

import java.security.PublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.auth.password.PasswordIdentityProvider;
import org.apache.sshd.client.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactoryFactory;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.threads.ThreadUtils;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.forward.RejectAllForwardingFilter;

/**
 * Makes links to hosts; owns the threads that they share. Reads nothing of the user's own SSH configuration: who a host must be and
 * who we are comes from the {@link Target} alone. Thread-safe.
 */
public final class Links implements AutoCloseable {
    /** What an attempt to connect expects and has seen. */
    record Attempt(List<PublicKey> expected, AtomicReference<PublicKey> refused) {
        static final AttributeRepository.AttributeKey<Attempt> KEY = new AttributeRepository.AttributeKey<>();
    }

    /** A host that answers but takes nothing for so long has a stuck disk; one that writes what it was sent may pause for some time. */
    private static final Duration STALL = Duration.ofMinutes(2);

    private final SshClient client;
    private final ScheduledExecutorService timers;
    private final Limits limits;
    private final LongSupplier nanos;

    /**
     * Starts the threads.
     *
     * @param name of the threads
     * @param limits what a link may take
     * @param nanos elapsed time
     */
    public Links(String name, Limits limits, LongSupplier nanos) {
        this.limits = limits;
        this.nanos = nanos;
        this.timers = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "tenon-" + name + "-ssh-timer");
            thread.setDaemon(true);
            return thread;
        });
        client = ClientBuilder.builder()
                .cipherFactories(List.of(
                        BuiltinCiphers.aes256gcm,
                        BuiltinCiphers.aes128gcm,
                        BuiltinCiphers.aes256ctr,
                        BuiltinCiphers.aes192ctr,
                        BuiltinCiphers.aes128ctr))
                .macFactories(List.of(
                        BuiltinMacs.hmacsha256etm,
                        BuiltinMacs.hmacsha512etm,
                        BuiltinMacs.hmacsha256,
                        BuiltinMacs.hmacsha512))
                .hostConfigEntryResolver(HostConfigEntryResolver.EMPTY)
                .serverKeyVerifier((session, address, key) -> known(session, key))
                .forwardingFilter(RejectAllForwardingFilter.INSTANCE)
                .build();
        client.setKeyIdentityProvider(KeyIdentityProvider.EMPTY_KEYS_PROVIDER);
        client.setPasswordIdentityProvider(PasswordIdentityProvider.EMPTY_PASSWORDS_PROVIDER);
        client.setUserAuthFactories(List.of(UserAuthPublicKeyFactory.INSTANCE, UserAuthPasswordFactory.INSTANCE));
        client.setScheduledExecutorService(timers);
        client.setIoServiceFactoryFactory(
                new Nio2ServiceFactoryFactory(() -> ThreadUtils.newCachedThreadPool("tenon-" + name + "-ssh")));
        client.addSessionListener(new SessionListener() {
            @Override
            public void sessionCreated(Session session) {
                askForKnownKeys(session);
            }
        });
        CoreModuleProperties.HEARTBEAT_INTERVAL.set(client, limits.heartbeat());
        CoreModuleProperties.HEARTBEAT_NO_REPLY_MAX.set(client, 3);
        CoreModuleProperties.AUTH_TIMEOUT.set(client, limits.connect());
        CoreModuleProperties.WAIT_FOR_SPACE_TIMEOUT.set(client, STALL);
        CoreModuleProperties.TCP_NODELAY.set(client, true);
        client.start();
    }

    /** Returns a link that connects when it is first used. */
    public HostLink to(Target target) {
        return new HostLink(client, target, limits, nanos);
    }

    private static Optional<Attempt> attempt(Session session) {
        AttributeRepository context = session instanceof ClientSession c ? c.getConnectionContext() : null;
        return Optional.ofNullable(context).map(c -> c.getAttribute(Attempt.KEY));
    }

    private static boolean known(ClientSession session, PublicKey key) {
        Optional<Attempt> attempt = attempt(session);
        boolean known = attempt.isPresent()
                && attempt.get().expected().stream().anyMatch(pinned -> KeyUtils.compareKeys(pinned, key));
        if (!known) {
            attempt.ifPresent(a -> a.refused().set(key));
        }
        return known;
    }

    /** A host has several keys; it must show one that we can compare. */
    private static void askForKnownKeys(Session session) {
        attempt(session).ifPresent(attempt -> {
            List<String> types =
                    attempt.expected().stream().map(KeyUtils::getKeyType).toList();
            List<NamedFactory<Signature>> wanted = new ArrayList<>(session.getSignatureFactories());
            wanted.removeIf(factory -> !types.contains(KeyUtils.getCanonicalKeyType(factory.getName())));
            if (!wanted.isEmpty()) {
                session.setSignatureFactories(wanted);
            }
        });
    }

    @Override
    public void close() {
        client.stop();
        timers.shutdownNow();
    }
}
