package dev.tenon.server.hosts;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.baremetal.HostSpec;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What administrators write of a host, without its secrets; fields as those of {@link HostSpec}, which checks them. */
public record HostFields(
        @Nullable String name,
        Optional<String> zone,
        @Nullable String address,
        Optional<Integer> port,
        Optional<String> user,
        @Nullable List<String> hostKeys,
        Optional<String> clientAddress,
        Optional<String> memberAddress,
        Optional<String> listen,
        @Nullable Map<String, String> labels) {
    /**
     * Writes them into a description.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if one that must be there is not
     */
    public void describe(HostSpec.Builder spec) {
        spec.name(required("host.name", name)).address(required("host.address", address));
        zone.ifPresent(spec::zone);
        port.ifPresent(spec::port);
        user.ifPresent(spec::user);
        if (hostKeys != null) {
            spec.hostKeys(whole("host.hostKeys", hostKeys));
        }
        clientAddress.ifPresent(spec::clientAddress);
        memberAddress.ifPresent(spec::memberAddress);
        listen.ifPresent(spec::listen);
        if (labels != null) {
            whole("host.labels", labels.values());
            spec.labels(labels);
        }
    }

    private static Collection<String> whole(String field, Collection<String> values) {
        if (values.stream().anyMatch(Objects::isNull)) {
            throw new InvalidSpecException(field, "holds null; expected text");
        }
        return values;
    }

    private static String required(String field, @Nullable String value) {
        if (value == null) {
            throw new InvalidSpecException(field, "is missing");
        }
        return value;
    }
}
