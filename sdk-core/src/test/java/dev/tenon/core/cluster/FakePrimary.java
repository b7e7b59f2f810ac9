package dev.tenon.core.cluster;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.Resources;
import dev.tenon.api.Topology;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.Software;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** A primary that runs, has every order at once, and is followed as a test says. */
final class FakePrimary {
    private static final long POSITION = 1_000;

    /** How far each standby that is connected has confirmed the log. */
    final Map<String, Long> flushed = new TreeMap<>();
    /** Standbys whose connection was told to end. */
    final Set<String> ended = new TreeSet<>();

    private final MemberRef ref;

    FakePrimary(MemberRef ref) {
        this.ref = ref;
    }

    Job job(FailoverRecord record) {
        EngineRequest request = EngineRequest.builder()
                .tenant(ref.tenant())
                .instance(ref.instance())
                .name("orders")
                .version("17")
                .topology(Topology.single())
                .addMembers("m-1", "m-2", "m-3")
                .resources(Resources.of(1, DataSize.gib(1), DataSize.gib(1)))
                .ephemeral(false)
                .build();
        EngineSession session = answering(
                EngineSession.class,
                Map.of(
                        "replication", args -> status(record.revision()),
                        "revision", args -> record.revision(),
                        "beat", args -> POSITION,
                        "admitStandbys", args -> POSITION,
                        "disconnectStandbys", args -> ended.addAll(names(args[0])),
                        "close", args -> POSITION));
        EngineDriver engine = answering(
                EngineDriver.class, Map.of("connect", args -> session, "workloads", args -> List.of(workload())));
        ObservedMember running = ObservedMember.builder()
                .ref(ref)
                .state(MemberState.RUNNING)
                .admin(new AdminAddress.Unix(Path.of("/nowhere")))
                .build();
        DeliveryDriver delivery = answering(
                DeliveryDriver.class,
                Map.of("observe", args -> running, "prepare", args -> running, "capabilities", args -> Set.of()));
        return new Job(record, request, Map.of(), engine, delivery, new Epoch(1));
    }

    private static List<String> names(Object members) {
        return ((Set<?>) members).stream().map(String.class::cast).toList();
    }

    private ReplicationStatus status(long revision) {
        ReplicationStatus.Builder status = ReplicationStatus.builder()
                .role(EngineSession.Role.PRIMARY)
                .revision(revision)
                .position(POSITION)
                .replayed(POSITION);
        flushed.forEach((member, position) -> status.addStandbys(
                new ReplicationStatus.Standby(member, "streaming", "quorum", position, position, Optional.empty())));
        return status.build();
    }

    private MemberWorkload workload() {
        return MemberWorkload.builder()
                .ref(ref)
                .software(new Software(EngineId.POSTGRESQL, "17"))
                .resources(Resources.of(1, DataSize.gib(1), DataSize.gib(1)))
                .ready(new Probe.Running())
                .build();
    }

    /** Answers the calls that it knows, by name; any other one is a mistake of the test. */
    private static <T> T answering(Class<T> type, Map<String, Function<Object[], Object>> answers) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            Function<Object[], Object> answer = answers.get(method.getName());
            if (answer == null) {
                throw new AssertionError("nobody expected " + method);
            }
            Object given = answer.apply(args);
            return method.getReturnType() == void.class ? null : given;
        }));
    }
}
