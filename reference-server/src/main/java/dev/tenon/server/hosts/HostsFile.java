package dev.tenon.server.hosts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.server.auth.PrivateFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The description of the hosts, as an administrator writes it; holds the names of files with secrets instead of the secrets. */
public final class HostsFile {
    private static final String OPTION = "--hosts";

    private record Content(@Nullable List<Entry> hosts) {}

    /** Fields as {@link HostFields} has them, and where the secrets are. */
    private record Entry(
            @Nullable String name,
            Optional<String> zone,
            @Nullable String address,
            Optional<Integer> port,
            Optional<String> user,
            Optional<Path> privateKeyFile,
            Optional<Path> passwordFile,
            @Nullable List<String> hostKeys,
            Optional<String> clientAddress,
            Optional<String> memberAddress,
            Optional<String> listen,
            @Nullable Map<String, String> labels) {}

    private final Path file;

    /** Reads {@code file} when asked; names of files in it are meant from where it lies. */
    public HostsFile(Path file) {
        this.file = file.toAbsolutePath();
    }

    /**
     * Adds what it describes to a delivery.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if it cannot be read or a host is not as it must be; the message names the host
     */
    public SshDelivery.Builder describe(SshDelivery.Builder delivery, JsonMapper json) {
        List<Entry> hosts = read(json).hosts();
        if (hosts == null || hosts.isEmpty()) {
            throw new InvalidSpecException(OPTION, file + " has no hosts; expected {\"hosts\": [{\"name\": …}, …]}");
        }
        for (int i = 0; i < hosts.size(); i++) {
            Entry entry = hosts.get(i);
            try {
                delivery.host(spec -> describe(spec, entry));
            } catch (TenonException e) {
                throw new InvalidSpecException(
                        OPTION,
                        file + ", host " + Optional.ofNullable(entry.name()).orElse("number " + (i + 1)) + ": "
                                + e.getMessage());
            }
        }
        return delivery;
    }

    private Content read(JsonMapper json) {
        try {
            return json.readValue(Files.readAllBytes(file), Content.class);
        } catch (JsonProcessingException e) {
            throw new InvalidSpecException(
                    OPTION,
                    file + ", line "
                            + (e.getLocation() == null ? 1 : e.getLocation().getLineNr()) + ": "
                            + e.getOriginalMessage());
        } catch (IOException e) {
            throw new InvalidSpecException(OPTION, "cannot read " + file + ": " + e);
        }
    }

    private void describe(HostSpec.Builder spec, Entry entry) {
        new HostFields(
                        entry.name(),
                        entry.zone(),
                        entry.address(),
                        entry.port(),
                        entry.user(),
                        entry.hostKeys(),
                        entry.clientAddress(),
                        entry.memberAddress(),
                        entry.listen(),
                        entry.labels())
                .describe(spec);
        entry.privateKeyFile().map(this::secret).ifPresent(spec::privateKey);
        entry.passwordFile().map(this::secret).map(HostsFile::line).ifPresent(spec::password);
    }

    private Secret secret(Path named) {
        Path secret = Objects.requireNonNull(file.getParent()).resolve(named);
        return new PrivateFile(secret)
                .read()
                .map(bytes -> Secret.of(new String(bytes, StandardCharsets.UTF_8)))
                .orElseThrow(() -> new InvalidSpecException("host.privateKeyFile", "there is no " + secret));
    }

    private static Secret line(Secret text) {
        return text.reveal(t -> Secret.of(t.strip()));
    }
}
