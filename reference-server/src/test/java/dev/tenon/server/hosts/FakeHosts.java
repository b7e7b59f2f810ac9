package dev.tenon.server.hosts;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenantId;
import dev.tenon.baremetal.HostFacts;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Two hosts in memory: one that carries a member, and one that does not answer and has the only copy of an instance. */
public final class FakeHosts implements Hosts {
    public static final MemberRef MEMBER =
            new MemberRef(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), "m-1");
    private static final HostStatus.Room NOTHING = new HostStatus.Room(0, DataSize.bytes(0), DataSize.bytes(0));

    /** An address at which another machine answers. */
    public static final String IMPOSTOR = "192.0.2.99";

    private final Map<String, HostSpec> adopted = new LinkedHashMap<>();
    private final Map<String, HostStatus.Mode> modes =
            new LinkedHashMap<>(Map.of("db1", HostStatus.Mode.ENABLED, "db2", HostStatus.Mode.DISABLED));

    @Override
    public synchronized List<Host> list() {
        HostStatus.Mode mode = modes.getOrDefault("db1", HostStatus.Mode.ENABLED);
        List<Host> all = new ArrayList<>(List.of(
                new Host(
                        new HostStatus(
                                "db1",
                                "a",
                                Map.of("rack", "7"),
                                mode,
                                Optional.empty(),
                                Optional.of(new HostFacts(
                                        "Debian GNU/Linux 12",
                                        "6.1.0",
                                        "x86_64",
                                        8,
                                        DataSize.gib(16),
                                        new HostFacts.Disk("ext4", DataSize.gib(100), DataSize.gib(60), "/"),
                                        true,
                                        true,
                                        Duration.ofMillis(-12),
                                        "boot",
                                        List.of(),
                                        List.of())),
                                new HostStatus.Room(5_600, DataSize.gib(11), DataSize.gib(70)),
                                new HostStatus.Room(1_000, DataSize.gib(2), DataSize.gib(10)),
                                false,
                                List.of(MEMBER)),
                        mode == HostStatus.Mode.DRAINING
                                ? Map.of(MEMBER.instance(), "no other host has room")
                                : Map.of()),
                new Host(
                        new HostStatus(
                                "db2",
                                "b",
                                Map.of(),
                                modes.getOrDefault("db2", HostStatus.Mode.ENABLED),
                                Optional.of("connection refused"),
                                Optional.empty(),
                                NOTHING,
                                NOTHING,
                                false,
                                List.of()),
                        Map.of())));
        adopted.values()
                .forEach(spec -> all.add(new Host(
                        new HostStatus(
                                spec.name(),
                                spec.zone(),
                                spec.labels(),
                                modes.getOrDefault(spec.name(), HostStatus.Mode.ENABLED),
                                Optional.empty(),
                                Optional.empty(),
                                NOTHING,
                                NOTHING,
                                true,
                                List.of()),
                        Map.of())));
        return all;
    }

    @Override
    public synchronized Host adopt(Consumer<HostSpec.Builder> spec) {
        HostSpec.Builder builder = HostSpec.builder();
        spec.accept(builder);
        HostSpec host = builder.build();
        if (host.address().equals(IMPOSTOR)) {
            throw new ProviderException(ErrorCode.HOST_KEY_MISMATCH, "it shows another key");
        }
        if (list().stream().anyMatch(known -> known.status().name().equals(host.name()))) {
            throw new InvalidSpecException(ErrorCode.NAME_TAKEN, "host.name", "another host has the name");
        }
        adopted.put(host.name(), host);
        return get(host.name());
    }

    @Override
    public synchronized void remove(String name) {
        Host host = get(name);
        if (!host.status().members().isEmpty()) {
            throw new ConflictException(ErrorCode.NOT_EMPTY, name + " still carries m-1");
        }
        adopted.remove(name);
    }

    /** Returns how a host that was adopted is logged in to. */
    public synchronized HostSpec described(String name) {
        return Objects.requireNonNull(adopted.get(name));
    }

    @Override
    public synchronized void mode(String name, HostStatus.Mode mode) {
        modes.put(get(name).status().name(), mode);
    }

    @Override
    public void lost(String name, Set<InstanceId> accepted) {
        if (get(name).status().silent().isEmpty()) {
            throw new ConflictException(ErrorCode.ILLEGAL_STATE, name + " answers");
        }
        if (!accepted.containsAll(onlyCopies(name).keySet())) {
            throw new ConflictException(ErrorCode.ILLEGAL_STATE, "only " + name + " has the data of orders");
        }
        mode(name, HostStatus.Mode.LOST);
    }

    @Override
    public Map<InstanceId, String> onlyCopies(String name) {
        return get(name).status().silent().isEmpty() ? Map.of() : Map.of(MEMBER.instance(), "orders");
    }
}
