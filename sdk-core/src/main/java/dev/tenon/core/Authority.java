package dev.tenon.core;

import dev.tenon.api.InstanceId;
import dev.tenon.core.change.ServerCertificates;
import dev.tenon.core.pki.PrivateAuthority;
import dev.tenon.spi.engine.TlsMaterial;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The private authority, loaded when it is first needed: programs that use only ephemeral instances never need it. */
final class Authority implements ServerCertificates {
    private final Installation installation;
    private final Clock clock;
    private volatile @Nullable PrivateAuthority loaded;

    Authority(Installation installation, Clock clock) {
        this.installation = installation;
        this.clock = clock;
    }

    /** Loads what makes certificates; makes none that is kept. */
    void warmUp() {
        PrivateAuthority.inMemory(clock)
                .issue(new InstanceId(InstanceId.PREFIX + "a".repeat(20)), Set.of("localhost"), Set.of());
    }

    @Override
    public TlsMaterial issue(InstanceId instance, List<String> hosts) {
        Set<String> names = new HashSet<>();
        Set<String> addresses = new HashSet<>();
        hosts.forEach(host -> (address(host) ? addresses : names).add(host));
        return authority().issue(instance, names, addresses);
    }

    /** Two thirds of its life: the rest is time for a renewal that does not succeed at once. */
    @Override
    public Duration renewAfter() {
        return PrivateAuthority.LEAF_LIFE.multipliedBy(2).dividedBy(3);
    }

    /** Told apart by form alone: a name that had to be resolved for it could resolve to anything. */
    private static boolean address(String host) {
        return host.indexOf(':') >= 0 || host.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    }

    @Override
    public String authorityPem() {
        return authority().certificatePem();
    }

    @Override
    public Optional<String> authorityFile() {
        authority();
        return Optional.of(
                PrivateAuthority.certificateFile(installation.directory()).toString());
    }

    private PrivateAuthority authority() {
        PrivateAuthority present = loaded;
        return present == null ? load() : present;
    }

    private synchronized PrivateAuthority load() {
        PrivateAuthority present = loaded;
        if (present != null) {
            return present;
        }
        PrivateAuthority fresh;
        if (installation.kept()) {
            fresh = PrivateAuthority.ofInstallation(installation.directory(), clock);
        } else {
            fresh = PrivateAuthority.inMemory(clock);
            fresh.publish(PrivateAuthority.certificateFile(installation.directory()));
        }
        loaded = fresh;
        return fresh;
    }
}
