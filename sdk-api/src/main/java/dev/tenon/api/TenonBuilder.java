package dev.tenon.api;

import dev.tenon.spi.ControlPlaneProvider;
import dev.tenon.spi.ControlPlaneSettings;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.store.StateStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** Puts a {@link Tenon} together. Not thread-safe. */
public final class TenonBuilder {
    private Optional<Path> directory = Optional.empty();
    private Optional<StateStore> store = Optional.empty();
    private final List<DeliveryDriver> deliveries = new ArrayList<>();
    private final List<EngineDriver> engines = new ArrayList<>();
    private final List<Plan> plans = new ArrayList<>();
    private Clock clock = Clock.systemUTC();
    private Optional<RandomGenerator> random = Optional.empty();
    private Duration lease = Duration.ofSeconds(15);
    private Duration resync = Duration.ofSeconds(30);
    private Duration history = Duration.ofDays(90);
    private HealthCheck healthCheck = HealthCheck.builder().build();
    private double cpuOvercommit = 4;
    private double memoryOvercommit = 1;
    private int workers = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
    private int maxQueuedPerTenant = 1_000;

    TenonBuilder() {}

    /**
     * Sets the directory that holds everything: the embedded store, keys, the private authority, and the local delivery's members.
     * Made with mode 0700 if missing. Only one process may use it at a time. Without it nothing is kept: the store is in
     * memory, and a temporary directory goes with this process.
     */
    public TenonBuilder directory(Path directory) {
        this.directory = Optional.of(directory);
        return this;
    }

    /** Sets the store, for several control planes; defaults to SQLite in the directory. */
    public TenonBuilder store(StateStore store) {
        this.store = Optional.of(store);
        return this;
    }

    /** Adds a place; at least one is needed. The first is the default. */
    public TenonBuilder delivery(DeliveryDriver delivery) {
        deliveries.add(delivery);
        return this;
    }

    /** Adds an engine; without any, those on the class path are used. */
    public TenonBuilder engine(EngineDriver engine) {
        engines.add(engine);
        return this;
    }

    /** Adds a plan; without any, the catalogue has {@code micro}, {@code small}, {@code medium} and {@code large}. */
    public TenonBuilder plan(String name, Resources resources) {
        plans.add(new Plan(Names.label("plan", name), resources));
        return this;
    }

    /** Sets the wall clock; for tests. */
    public TenonBuilder clock(Clock clock) {
        this.clock = clock;
        return this;
    }

    /** Sets the source of identifiers and passwords; for tests. Defaults to a strong one. */
    public TenonBuilder random(RandomGenerator random) {
        this.random = Optional.of(random);
        return this;
    }

    /** Sets how long a control plane's leases last without renewal, 1 second to 5 minutes; defaults to 15 seconds. */
    public TenonBuilder lease(Duration lease) {
        this.lease = within("lease", lease, Duration.ofSeconds(1), Duration.ofMinutes(5));
        return this;
    }

    /** Sets how often every instance is looked at without any event, 100 ms to 1 hour; defaults to 30 seconds. */
    public TenonBuilder resync(Duration resync) {
        this.resync = within("resync", resync, Duration.ofMillis(100), Duration.ofHours(1));
        return this;
    }

    /**
     * Sets how running databases are asked whether they answer, and when one that does not is restarted.
     *
     * @throws InvalidSpecException if a value is outside its bounds
     */
    public TenonBuilder healthCheck(Consumer<HealthCheck.Builder> check) {
        HealthCheck.Builder builder = HealthCheck.builder();
        check.accept(builder);
        this.healthCheck = builder.build();
        return this;
    }

    /**
     * Sets how long what is over is kept, 1 day to 3,650 days; defaults to 90 days. Then finished operations go, and with each the key
     * of the request that started it; events; and what is left of purged instances, so that {@code GONE} becomes {@code NOT_FOUND}.
     * Of events the newest million is the most that is kept.
     */
    public TenonBuilder history(Duration history) {
        this.history = within("history", history, Duration.ofDays(1), Duration.ofDays(3_650));
        return this;
    }

    /** Sets how many instances are worked on at once, 1 to 256; defaults to twice the processors, at least 4. */
    public TenonBuilder workers(int workers) {
        if (workers < 1 || workers > 256) {
            throw new InvalidSpecException("workers", workers + "; expected 1 to 256");
        }
        this.workers = workers;
        return this;
    }

    /**
     * Sets how much of a place's processors and memory may be promised to its instances together, as multiples of what it has, 1 to
     * 100 each; defaults to 4 for processors, which wait for each other at worst, and 1 for memory. Storage is never promised twice. Orders
     * beyond are refused with {@code CAPACITY_EXCEEDED}. Must be the same for all control planes on one store.
     */
    public TenonBuilder overcommit(double cpus, double memory) {
        this.cpuOvercommit = within("overcommit.cpus", cpus);
        this.memoryOvercommit = within("overcommit.memory", memory);
        return this;
    }

    /** Sets how many unfinished operations one tenant may have before {@code TOO_MANY_REQUESTS}, 1 to 1,000,000; defaults to 1,000. */
    public TenonBuilder maxQueuedPerTenant(int max) {
        if (max < 1 || max > 1_000_000) {
            throw new InvalidSpecException("maxQueuedPerTenant", max + "; expected 1 to 1000000");
        }
        this.maxQueuedPerTenant = max;
        return this;
    }

    /**
     * Starts the control plane.
     *
     * @throws InvalidSpecException if there is no place
     * @throws ProviderException {@code STORE_LOCKED} if another process uses the directory; {@code WRONG_OWNER} if the directory is
     *     not ours
     */
    public Tenon build() {
        if (deliveries.isEmpty()) {
            throw new InvalidSpecException("delivery", "none; expected at least one, such as LocalDelivery.create()");
        }
        ControlPlaneProvider provider = ServiceLoader.load(
                        ControlPlaneProvider.class, TenonBuilder.class.getClassLoader())
                .findFirst()
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.SOFTWARE_MISSING, "no control plane on the class path; add tenon-core"));
        return provider.start(new ControlPlaneSettings(
                directory,
                store,
                deliveries,
                engines,
                plans,
                clock,
                random,
                lease,
                resync,
                healthCheck,
                cpuOvercommit,
                memoryOvercommit,
                history,
                workers,
                maxQueuedPerTenant));
    }

    private static double within(String field, double factor) {
        if (!(factor >= 1 && factor <= 100)) {
            throw new InvalidSpecException(field, factor + "; expected 1 to 100");
        }
        return factor;
    }

    private static Duration within(String field, Duration seen, Duration min, Duration max) {
        if (seen.compareTo(min) < 0 || seen.compareTo(max) > 0) {
            throw new InvalidSpecException(field, seen + "; expected " + min + " to " + max);
        }
        return seen;
    }
}
