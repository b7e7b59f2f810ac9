package dev.tenon.core.change;

import dev.tenon.api.Secret;
import dev.tenon.spi.engine.TlsMaterial;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The secrets of one instance: its owner's password, what its engine needs, its server's key. Immutable.
 *
 * @param owner the owner's password
 * @param engine passwords by the names the engine gave them
 * @param tls what the server needs to speak TLS, where encryption is on
 * @param hosts the names and addresses in the server's certificate
 */
public record InstanceSecrets(Secret owner, Map<String, Secret> engine, Optional<TlsMaterial> tls, List<String> hosts) {
    private static final String OWNER = "owner";
    private static final String ENGINE = "engine.";
    private static final String CERTIFICATE = "tls.certificate";
    private static final String KEY = "tls.key";
    private static final String AUTHORITY = "tls.authority";
    private static final String HOSTS = "tls.hosts";

    /** Copies the collections. */
    public InstanceSecrets {
        engine = Map.copyOf(engine);
        hosts = List.copyOf(hosts);
    }

    /** Returns the same with another owner's password. */
    public InstanceSecrets withOwner(Secret password) {
        return new InstanceSecrets(password, engine, tls, hosts);
    }

    /** Returns the same with one more password for the engine. */
    public InstanceSecrets withEngine(String name, Secret password) {
        Map<String, Secret> more = new LinkedHashMap<>(engine);
        more.put(name, password);
        return new InstanceSecrets(owner, more, tls, hosts);
    }

    /** Returns the same with another certificate. */
    public InstanceSecrets withTls(TlsMaterial material, List<String> names) {
        return new InstanceSecrets(owner, engine, Optional.of(material), names);
    }

    /** Returns them by name, to be sealed. */
    public Map<String, Secret> bundle() {
        Map<String, Secret> bundle = new LinkedHashMap<>();
        bundle.put(OWNER, owner);
        engine.forEach((name, secret) -> bundle.put(ENGINE + name, secret));
        tls.ifPresent(material -> {
            bundle.put(CERTIFICATE, Secret.of(material.certificatePem()));
            bundle.put(KEY, material.privateKeyPem());
            bundle.put(AUTHORITY, Secret.of(material.authorityPem()));
            bundle.put(HOSTS, Secret.of(String.join(" ", hosts)));
        });
        return bundle;
    }

    /** Reads them from an opened bundle. */
    public static InstanceSecrets of(Map<String, Secret> bundle) {
        Map<String, Secret> engine = new LinkedHashMap<>();
        bundle.forEach((name, secret) -> {
            if (name.startsWith(ENGINE)) {
                engine.put(name.substring(ENGINE.length()), secret);
            }
        });
        Secret owner = bundle.get(OWNER);
        if (owner == null) {
            throw new IllegalStateException("an instance's secrets lack its owner's password");
        }
        Secret certificate = bundle.get(CERTIFICATE);
        Secret key = bundle.get(KEY);
        Secret authority = bundle.get(AUTHORITY);
        Secret hosts = bundle.get(HOSTS);
        if (certificate == null || key == null || authority == null || hosts == null) {
            return new InstanceSecrets(owner, engine, Optional.empty(), List.of());
        }
        return new InstanceSecrets(
                owner,
                engine,
                Optional.of(new TlsMaterial(clear(certificate), key, clear(authority))),
                hosts.reveal(text -> List.of(text.split(" "))));
    }

    private static String clear(Secret secret) {
        return secret.reveal(text -> text);
    }
}
