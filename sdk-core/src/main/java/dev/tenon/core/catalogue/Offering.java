package dev.tenon.core.catalogue;

import dev.tenon.api.Catalogue;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.Plan;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.delivery.SoftwareOffer;
import dev.tenon.spi.engine.EngineDescription;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Engines, places and plans of this installation. Thread-safe. */
public final class Offering implements Catalogue {
    private static final List<Plan> DEFAULT_PLANS = List.of(
            new Plan("micro", Resources.of(0.5, DataSize.mib(512), DataSize.gib(5))),
            new Plan("small", Resources.of(1, DataSize.gib(1), DataSize.gib(20))),
            new Plan("medium", Resources.of(2, DataSize.gib(4), DataSize.gib(100))),
            new Plan("large", Resources.of(4, DataSize.gib(16), DataSize.gib(500))));
    /** Asking a place what it has may look at disks; a new answer every few seconds is new enough to refuse what cannot fit. */
    private static final long FRESH = Duration.ofSeconds(5).toNanos();

    private static final Duration TOOL_TIMEOUT = Duration.ofSeconds(30);

    private record Seen<T>(T value, long at) {}

    private record Build(String delivery, EngineId engine, String build) {}

    private final Map<String, DeliveryDriver> deliveries = new LinkedHashMap<>();
    private final Map<EngineId, EngineDriver> engines = new LinkedHashMap<>();
    private final List<Plan> plans;
    private final Ticker ticker;
    private final Map<String, Seen<PlaceCapacity>> capacities = new ConcurrentHashMap<>();
    private final Map<String, Seen<List<SoftwareOffer>>> software = new ConcurrentHashMap<>();
    private final Map<Build, ParameterCatalogue> parameters = new ConcurrentHashMap<>();

    /** Collects what the builder was given. */
    public Offering(List<DeliveryDriver> deliveries, List<EngineDriver> engines, List<Plan> plans, Ticker ticker) {
        for (DeliveryDriver delivery : deliveries) {
            if (this.deliveries.put(delivery.id(), delivery) != null) {
                throw new InvalidSpecException("delivery", "two places have the id " + delivery.id());
            }
        }
        for (EngineDriver engine : engines) {
            this.engines.putIfAbsent(engine.id(), engine);
        }
        this.plans = (plans.isEmpty() ? DEFAULT_PLANS : plans)
                .stream()
                        .sorted(Comparator.comparing(
                                        (Plan plan) -> plan.resources().memory())
                                .thenComparing(plan -> plan.resources().cpus()))
                        .toList();
        this.ticker = ticker;
    }

    /** Returns the place of an id; an instance's stored place may have been left out of the builder since. */
    public DeliveryDriver delivery(String id) {
        DeliveryDriver delivery = deliveries.get(id);
        if (delivery == null) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "the place " + id + " is not given to this control plane; it has " + deliveries.keySet());
        }
        return delivery;
    }

    /** Returns the place that an order names, or the default one. */
    public DeliveryDriver ordered(Optional<String> id) {
        if (id.isEmpty()) {
            return deliveries.values().iterator().next();
        }
        DeliveryDriver delivery = deliveries.get(id.get());
        if (delivery == null) {
            throw new InvalidSpecException("delivery", "no such place; expected one of " + deliveries.keySet());
        }
        return delivery;
    }

    /** Returns all places. */
    public List<DeliveryDriver> deliveries() {
        return List.copyOf(deliveries.values());
    }

    /** Returns the engine of an id. */
    public EngineDriver engine(EngineId id) {
        EngineDriver engine = engines.get(id);
        if (engine == null) {
            throw new InvalidSpecException(
                    ErrorCode.ENGINE_UNKNOWN, "engine", id + " is not known here; expected one of " + engines.keySet());
        }
        return engine;
    }

    /** Returns the size of a plan. */
    public Resources plan(String name) {
        return plans.stream()
                .filter(plan -> plan.name().equals(name))
                .map(Plan::resources)
                .findFirst()
                .orElseThrow(() -> new InvalidSpecException(
                        ErrorCode.PLAN_UNKNOWN,
                        "plan",
                        "not in the catalogue; expected one of "
                                + plans.stream().map(Plan::name).toList()));
    }

    /** Returns the build that a place offers of a version. */
    public SoftwareOffer offer(DeliveryDriver delivery, EngineId engine, String version) {
        Software wanted = new Software(engine, version);
        List<SoftwareOffer> offers = software(delivery);
        return offers.stream()
                .filter(offer -> offer.software().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new InvalidSpecException(
                        ErrorCode.VERSION_UNKNOWN,
                        "version",
                        "the place " + delivery.id() + " has no " + engine + " " + version + "; it has "
                                + offers.stream()
                                        .filter(o -> o.software().engine().equals(engine))
                                        .map(o -> o.software().version())
                                        .distinct()
                                        .toList()));
    }

    private List<SoftwareOffer> software(DeliveryDriver delivery) {
        Seen<List<SoftwareOffer>> seen = software.get(delivery.id());
        if (seen == null || ticker.nanos() - seen.at() > FRESH) {
            seen = new Seen<>(delivery.software(), ticker.nanos());
            software.put(delivery.id(), seen);
        }
        return seen.value();
    }

    /** Returns what a place has, a few seconds old at most. */
    public PlaceCapacity capacity(DeliveryDriver delivery) {
        Seen<PlaceCapacity> seen = capacities.get(delivery.id());
        if (seen == null || ticker.nanos() - seen.at() > FRESH) {
            seen = new Seen<>(delivery.capacity(), ticker.nanos());
            capacities.put(delivery.id(), seen);
        }
        return seen.value();
    }

    /** Returns the parameters of the build that a place has; read once per build. */
    public ParameterCatalogue parameters(DeliveryDriver delivery, EngineId engine, String version) {
        SoftwareOffer offer = offer(delivery, engine, version);
        Build key = new Build(delivery.id(), engine, offer.build());
        ParameterCatalogue known = parameters.get(key);
        if (known == null) {
            // Not computeIfAbsent: a program runs meanwhile, and other versions must not wait for it.
            known = engine(engine).parameters(version, argv -> run(delivery, offer.software(), argv));
            parameters.put(key, known);
        }
        return known;
    }

    private static String run(DeliveryDriver delivery, Software software, List<String> argv) {
        ExecResult result = delivery.runTool(
                software,
                Command.of(TOOL_TIMEOUT, argv.stream().map(Template::text).toArray(Template[]::new)));
        if (result.exitCode() != 0) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    argv.get(0) + " ended with " + result.exitCode() + ": "
                            + result.stderr().strip());
        }
        return result.stdout();
    }

    @Override
    public List<Offer> offers() {
        List<Offer> offers = new ArrayList<>();
        for (EngineDriver engine : engines.values()) {
            EngineDescription description = engine.describe();
            List<Version> versions = new ArrayList<>();
            for (String version : description.versions()) {
                List<String> places = new ArrayList<>();
                Optional<String> build = Optional.empty();
                for (DeliveryDriver delivery : deliveries.values()) {
                    Optional<SoftwareOffer> offer = software(delivery).stream()
                            .filter(o -> o.software().equals(new Software(description.id(), version)))
                            .findFirst();
                    if (offer.isPresent()) {
                        places.add(delivery.id());
                        build = build.or(() -> offer.map(SoftwareOffer::build));
                    }
                }
                build.ifPresent(b -> versions.add(new Version(version, b, places)));
            }
            if (!versions.isEmpty()) {
                offers.add(new Offer(description.id(), description.displayName(), versions, description.topologies()));
            }
        }
        return offers;
    }

    @Override
    public List<Plan> plans() {
        return plans;
    }

    @Override
    public List<Place> places() {
        return deliveries.values().stream()
                .map(delivery -> new Place(
                        delivery.id(),
                        names(delivery.capabilities()),
                        capacity(delivery).hosts().stream()
                                .map(host -> new Host(
                                        host.location().zone(),
                                        host.location().host(),
                                        host.cpuMillis(),
                                        host.memory(),
                                        host.storage()))
                                .toList()))
                .toList();
    }

    private static Set<String> names(Set<Capability> capabilities) {
        return capabilities.stream().map(Enum::name).collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public ParameterCatalogue parameters(EngineId engine, String version) {
        engine(engine);
        for (DeliveryDriver delivery : deliveries.values()) {
            if (software(delivery).stream().anyMatch(o -> o.software().equals(new Software(engine, version)))) {
                return parameters(delivery, engine, version);
            }
        }
        throw new InvalidSpecException(ErrorCode.VERSION_UNKNOWN, "version", "no place has " + engine + " " + version);
    }
}
