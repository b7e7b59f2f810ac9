package dev.tenon.core.change;

import dev.tenon.api.InstanceId;
import dev.tenon.spi.engine.TlsMaterial;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The private authority as the control plane needs it. Thread-safe. */
public interface ServerCertificates {
    /** Returns a new certificate and key for an instance that clients reach under these names and addresses. */
    TlsMaterial issue(InstanceId instance, List<String> hosts);

    /** Returns how long after it was made a certificate is replaced. */
    Duration renewAfter();

    /** Returns the authority's certificate. */
    String authorityPem();

    /** Returns where the authority's certificate lies on this machine, for clients on it. */
    Optional<String> authorityFile();
}
