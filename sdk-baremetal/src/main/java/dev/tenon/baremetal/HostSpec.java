package dev.tenon.baremetal;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.Secret;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** A host that is to carry members, and how to log in to it. */
@Value.Immutable
@SdkStyle
public interface HostSpec {
    /** Names the host; 1 to 32 characters of {@code a-z0-9-}, unique in its delivery. */
    String name();

    /** Names the zone (可用区) that it fails with; same form. Defaults to {@code default}. */
    @Value.Default
    default String zone() {
        return "default";
    }

    /** Name or address of its SSH server. */
    String address();

    /** Port of its SSH server. Defaults to 22. */
    @Value.Default
    default int port() {
        return 22;
    }

    /** User who logs in: {@code root}, or one who may run {@code sudo -n}. Defaults to {@code root}. */
    @Value.Default
    default String user() {
        return "root";
    }

    /** Private key of that user, as OpenSSH writes it, without passphrase. */
    Optional<Secret> privateKey();

    /** Password of that user, where no key is given or the host takes none. */
    Optional<Secret> password();

    /**
     * Keys of which the host must show one, each as a line of its {@code /etc/ssh/ssh_host_*_key.pub}. Nothing is sent to a host that
     * shows another one; there is no trust on first use.
     */
    List<String> hostKeys();

    /** Address that clients are told. Defaults to {@link #address()}. */
    @Value.Default
    default String clientAddress() {
        return address();
    }

    /**
     * Address at which members on other hosts reach its members, and from which its members' connections to them come. A name must
     * resolve to the address and the address to the name, on every host. Defaults to {@link #address()}.
     */
    @Value.Default
    default String memberAddress() {
        return address();
    }

    /** Address of the host that members listen on. Defaults to {@code 0.0.0.0}, all of its IPv4 addresses. */
    @Value.Default
    default String listen() {
        return "0.0.0.0";
    }

    /** For people; never sent to the host. */
    Map<String, String> labels();

    /** Whether new members may be placed on it; what runs there stays either way. Defaults to true. */
    @Value.Default
    default boolean enabled() {
        return true;
    }

    /** Checks the fields. */
    @Value.Check
    default void check() {
        HostedDelivery.name("host.name", name());
        HostedDelivery.name("host.zone", zone());
        address("host.address", address());
        address("host.clientAddress", clientAddress());
        address("host.memberAddress", memberAddress());
        refuse(port() < 1 || port() > 65_535, "host.port", port() + "; expected 1 to 65535");
        refuse(
                !user().matches("[a-z_][a-z0-9_-]{0,31}"),
                "host.user",
                "expected a user name of up to 32 characters of a-z0-9_-");
        refuse(!listen().matches("\\d{1,3}(\\.\\d{1,3}){3}"), "host.listen", "expected an IPv4 address");
        refuse(
                privateKey().isEmpty() && password().isEmpty(),
                "host.privateKey",
                "missing; expected a private key or a password");
        refuse(
                hostKeys().isEmpty(),
                "host.hostKeys",
                "none; expected at least one line of the host's /etc/ssh/ssh_host_*_key.pub");
    }

    private static void address(String field, String value) {
        refuse(!value.matches("[A-Za-z0-9.:_-]+"), field, "expected a host name or address");
    }

    private static void refuse(boolean wrong, String field, String words) {
        if (wrong) {
            throw new InvalidSpecException(field, words);
        }
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link HostSpec}. */
    final class Builder extends ImmutableHostSpec.Builder {
        Builder() {}
    }
}
