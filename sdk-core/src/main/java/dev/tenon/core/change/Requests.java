package dev.tenon.core.change;

import dev.tenon.api.Durability;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Resources;
import dev.tenon.core.failover.Order;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Stance;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Placement;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Says to an engine what instance is meant. */
public final class Requests {
    private Requests() {}

    /** Returns the request for an instance as it shall be. */
    public static EngineRequest of(
            InstanceDoc doc,
            InstanceSpec spec,
            Resources resources,
            List<String> members,
            Optional<InstanceSecrets> secrets) {
        EngineRequest.Builder builder = EngineRequest.builder()
                .tenant(doc.tenant())
                .instance(doc.id())
                .name(spec.name())
                .version(spec.version())
                .topology(spec.topology())
                .members(members)
                .stances(stances(doc, spec.topology().durability(), members))
                .resources(resources)
                .parameters(spec.parameters())
                .atLeast(doc.atLeast())
                .whitelist(spec.whitelist())
                .ephemeral(spec.ephemeral())
                .zone(spec.zone());
        secrets.ifPresent(s -> builder.tls(s.tls()).secrets(s.engine()));
        return builder.build();
    }

    /** Returns the request for an instance as it is. */
    public static EngineRequest of(InstanceDoc doc, Optional<InstanceSecrets> secrets) {
        // While members are added or taken away, those that are there count.
        InstanceSpec spec = doc.failover().isEmpty()
                ? doc.spec()
                : InstanceSpec.builder()
                        .from(doc.spec())
                        .topology(doc.spec().topology().withStandbys(doc.names().size() - 1))
                        .build();
        return of(doc, spec, doc.resources(), doc.names(), secrets);
    }

    /**
     * Returns the members' workloads, in start order, as this place can carry them.
     *
     * @param rolled members that have something else than the request says
     */
    public static List<MemberWorkload> workloads(
            EngineDriver engine,
            DeliveryDriver delivery,
            EngineRequest request,
            Map<String, InstanceDoc.Rolled> rolled) {
        // Where there is one host, members are on it together; whoever asked for them was told so.
        boolean together = !delivery.capabilities().contains(Capability.SEVERAL_HOSTS);
        return described(engine, request, rolled)
                .map(workload -> together
                        ? MemberWorkload.builder()
                                .from(workload)
                                .placement(new Placement(workload.placement().zone(), Set.of()))
                                .build()
                        : workload)
                .sorted(Comparator.comparingInt(MemberWorkload::startOrder))
                .toList();
    }

    private static Stream<MemberWorkload> described(
            EngineDriver engine, EngineRequest request, Map<String, InstanceDoc.Rolled> rolled) {
        if (rolled.isEmpty()) {
            return engine.workloads(request).stream();
        }
        // Whoever leads may have more than was thought when the others were told what they need at least.
        String first = request.members().get(0);
        EngineRequest of = EngineRequest.builder()
                .from(request)
                .atLeast(engine.standbysNeed(
                        request.version(),
                        Stream.of(request.atLeast(), settings(engine, own(request, rolled.get(first))))
                                .filter(settings -> !settings.isEmpty())
                                .toList()))
                .build();
        return engine.workloads(of).stream().map(workload -> {
            String name = workload.ref().member();
            return rolled.containsKey(name)
                    ? engine.workloads(own(of, rolled.get(name))).stream()
                            .filter(one -> one.ref().member().equals(name))
                            .findFirst()
                            .orElseThrow()
                    : workload;
        });
    }

    private static EngineRequest own(EngineRequest request, InstanceDoc.@Nullable Rolled rolled) {
        return rolled == null
                ? request
                : EngineRequest.builder()
                        .from(request)
                        .parameters(rolled.parameters())
                        .resources(rolled.resources())
                        .build();
    }

    private static Map<String, String> settings(EngineDriver engine, EngineRequest request) {
        return ChangePlanner.settings(engine.sizing(request.version(), request.resources(), request.parameters()));
    }

    /** What the record says each member shall be; nothing where there is none. */
    private static Map<String, Stance> stances(InstanceDoc doc, Durability durability, List<String> members) {
        Map<String, Stance> stances = new TreeMap<>();
        doc.failover()
                .ifPresent(record -> members.forEach(name -> {
                    Order order = Order.of(record, name);
                    if (order instanceof Order.Lead lead) {
                        stances.put(
                                name,
                                new Stance(
                                        record.revision(),
                                        EngineSession.Role.PRIMARY,
                                        Optional.empty(),
                                        lead.setting().members(),
                                        lead.setting().needed()));
                    } else {
                        Optional<String> source = order instanceof Order.Follow follow
                                ? Optional.of(follow.primary())
                                : order instanceof Order.Remake remake
                                        ? Optional.of(remake.primary())
                                        : Optional.empty();
                        // A standby never waits for nobody, so that none of its processes has to learn to wait when it
                        // is promoted.
                        Set<String> others = new TreeSet<>(members);
                        others.remove(name);
                        boolean waits = durability != Durability.ASYNC && !others.isEmpty();
                        stances.put(
                                name,
                                new Stance(
                                        record.revision(),
                                        EngineSession.Role.STANDBY,
                                        source,
                                        waits ? others : Set.of(),
                                        waits ? 1 : 0));
                    }
                }));
        return stances;
    }
}
