package dev.tenon.server;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.Secret;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.immutables.value.Value;

/** What the server needs to know before it starts. */
@Value.Immutable
@SdkStyle
public interface ServerSettings {
    /** Where to listen with TLS, and as whom. */
    sealed interface Tls {
        /** With a certificate of this installation's own authority. */
        record Own() implements Tls {}

        /**
         * With a certificate of somebody else.
         *
         * @param certificate PEM file of the certificate and its intermediates
         * @param key PEM file of the private key, PKCS #8, not encrypted
         */
        record Files(Path certificate, Path key) implements Tls {}
    }

    /** Directory of the control plane; also holds the server's accounts and keys. */
    Path directory();

    /** Address to listen on; defaults to {@code 127.0.0.1}. */
    @Value.Default
    default String host() {
        return "127.0.0.1";
    }

    /** Port to listen on, 0 for any that is free; defaults to 8080. */
    @Value.Default
    default int port() {
        return 8080;
    }

    /** How to encrypt; absent for plain HTTP. */
    Optional<Tls> tls();

    /** Names and addresses that clients use besides the one listened on, for a certificate of the own authority. */
    List<String> hostNames();

    /** Whether plain HTTP on an address other machines can reach is accepted; defaults to false. */
    @Value.Default
    default boolean insecureHttp() {
        return false;
    }

    /** Directories with engines installed by hand, beside those found. */
    List<Path> software();

    /** File that describes hosts to deliver to over SSH, besides this machine. */
    Optional<Path> hosts();

    /** How long what is over is kept; see {@link dev.tenon.api.TenonBuilder#history}, which also says what it is if absent. */
    Optional<Duration> history();

    /** How long a standby's host may be silent; see {@link dev.tenon.api.HealthCheck#replaceAfter}, which also says what it is if absent. */
    Optional<Duration> replaceAfter();

    /** Whether a tenant and an instance, both called {@code demo}, are made on the first start; defaults to false. */
    @Value.Default
    default boolean demo() {
        return false;
    }

    /** Password of {@code admin} on the first start; generated if absent. */
    Optional<Secret> adminPassword();

    /** Whether {@code /metrics} and {@code /health} answer callers from this machine without a login; defaults to true. */
    @Value.Default
    default boolean openMetricsOnLoopback() {
        return true;
    }

    /** Checks that nothing is sent in the clear by accident. */
    @Value.Check
    default void check() {
        if (port() < 0 || port() > 65_535) {
            throw new InvalidSpecException("port", port() + "; expected 0 to 65535");
        }
        if (!hostNames().isEmpty() && !(tls().orElse(null) instanceof Tls.Own)) {
            throw new InvalidSpecException("host-name", "is for a certificate of the own authority; add --https");
        }
        if (tls().isEmpty() && !insecureHttp() && !Loopback.is(host())) {
            throw new InvalidSpecException(
                    ErrorCode.SPEC_INVALID,
                    "host",
                    "other machines can reach " + host() + " and would send passwords in the clear; add --https, or"
                            + " --insecure-http if something in front of it encrypts");
        }
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds {@link ServerSettings}. */
    final class Builder extends ImmutableServerSettings.Builder {
        Builder() {}
    }
}
