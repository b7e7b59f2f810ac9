package dev.tenon.core;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.catalogue.PlaceLedger;
import dev.tenon.core.catalogue.PlaceNotes;
import dev.tenon.core.change.Submitter;
import dev.tenon.core.event.EventHub;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lease.Leases;
import dev.tenon.core.lease.ShardLeases;
import dev.tenon.core.lease.SoleLease;
import dev.tenon.core.operation.OperationHub;
import dev.tenon.core.reconcile.Diary;
import dev.tenon.core.reconcile.Housekeeping;
import dev.tenon.core.reconcile.Reconciler;
import dev.tenon.core.secret.Cursors;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.secret.MasterKey;
import dev.tenon.core.secret.Vault;
import dev.tenon.core.store.MemoryStore;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.core.tenancy.TenantRegister;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.ControlPlaneSettings;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything a running control plane consists of, put together and taken apart in order. */
final class ControlPlane implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ControlPlane.class);

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    final Clock clock;
    final StateStore store;
    final Offering offering;
    final Fleet fleet;
    final Journal journal;
    final OperationHub operations;
    final EventHub events;
    final TenantRegister tenants;
    final Submitter submitter;
    final Cursors cursors;
    final Generator generator;
    final Authority authority;
    final Diary diary;
    final Views views;
    private final Reconciler reconciler;
    private final Leases leases;

    private ControlPlane(ControlPlaneSettings settings) {
        try {
            clock = settings.clock();
            Ticker ticker = Ticker.of(clock);
            Installation installation = opened(Installation.open(settings.directory()));
            authority = new Authority(installation, clock);
            List<EngineDriver> engines = engines(settings);
            List<Runnable> warmUps = new ArrayList<>();
            if (installation.kept()) {
                warmUps.add(authority::warmUp);
            }
            engines.forEach(engine -> warmUps.add(engine::warmUp));
            opened(new WarmUp(warmUps));
            RandomGenerator random = settings.random().orElseGet(SecureRandom::new);
            generator = new Generator(random);
            boolean keeps = installation.kept();
            Vault vault = new Vault(keeps ? MasterKey.open(installation.keys()) : MasterKey.unkept());
            cursors = new Cursors(vault);
            store = settings.store()
                    .orElseGet(() -> keeps ? SqliteStore.file(installation.store(), clock) : new MemoryStore(clock));
            if (settings.store().isPresent() && store.shared() && !keeps) {
                throw new InvalidSpecException(
                        "directory",
                        "a shared store needs one: every control plane must have the same keys/master.key in its directory");
            }
            store.open();
            opened(store);
            events = opened(new EventHub(store));
            offering = new Offering(settings.deliveries(), engines, settings.plans(), ticker);
            tenants = new TenantRegister(store, generator, cursors, events);
            fleet = new Fleet(store, cursors);
            PlaceLedger places =
                    new PlaceLedger(store, offering, settings.cpuOvercommit(), settings.memoryOvercommit());
            operations = opened(new OperationHub());
            journal = new Journal(
                    store, fleet, operations, events, tenants, places, vault, settings.maxQueuedPerTenant());
            diary = new Diary(clock);
            String node = generator.node();
            leases = opened(
                    store.shared()
                            ? new ShardLeases(store, ticker, node, settings.lease(), InstanceDoc.SHARDS, this::gained)
                            : new SoleLease(store, ticker, node, settings.lease(), InstanceDoc.SHARDS));
            for (DeliveryDriver delivery : settings.deliveries()) {
                delivery.start(new DeliveryContext(
                        installation.delivery(delivery.id()),
                        clock,
                        this::wake,
                        new PlaceNotes(store, vault, delivery.id())));
                opened(delivery);
            }
            reconciler = opened(new Reconciler(
                    store,
                    journal,
                    fleet,
                    offering,
                    authority,
                    leases,
                    generator,
                    diary,
                    settings.healthCheck(),
                    clock,
                    ticker));
            submitter = new Submitter(
                    store,
                    journal,
                    fleet,
                    tenants,
                    offering,
                    places,
                    authority,
                    generator,
                    clock,
                    node,
                    reconciler::wake);
            views = new Views(offering, fleet, authority);
            running.set(reconciler);
            if (!store.shared()) {
                fleet.load(Optional.empty());
            }
            leases.start();
            Housekeeping housekeeping =
                    opened(new Housekeeping(store, fleet, offering, leases, reconciler, submitter, clock, ticker));
            reconciler.start(settings.workers());
            housekeeping.start(settings.lease(), settings.resync(), settings.history());
        } catch (RuntimeException | Error e) {
            closeAll();
            throw e;
        }
    }

    /** Set once everything a wake-up needs is there; deliveries may call earlier. */
    private final AtomicReference<Reconciler> running = new AtomicReference<>();

    static ControlPlane start(ControlPlaneSettings settings) {
        return new ControlPlane(settings);
    }

    private <T extends AutoCloseable> T opened(T part) {
        open.push(part);
        return part;
    }

    private static List<EngineDriver> engines(ControlPlaneSettings settings) {
        if (!settings.engines().isEmpty()) {
            return settings.engines();
        }
        List<EngineDriver> found = new ArrayList<>();
        ServiceLoader.load(EngineDriver.class, ControlPlane.class.getClassLoader())
                .forEach(found::add);
        return found;
    }

    private void wake(MemberRef ref) {
        Reconciler target = running.get();
        if (target != null) {
            target.wake(ref.tenant(), ref.instance());
        }
    }

    private void gained(Set<Integer> shards) {
        fleet.load(Optional.of(shards));
        for (var id : fleet.ids()) {
            if (shards.contains(InstanceDoc.shard(id))) {
                fleet.peek(id).ifPresent(doc -> reconciler.wake(doc.tenant(), doc.id()));
            }
        }
    }

    boolean healthy() {
        try {
            store.now();
            store.counter("health", "none");
            offering.deliveries().forEach(offering::capacity);
            return !closed.get();
        } catch (TenonException e) {
            log.warn("not healthy: {}", e.getMessage());
            return false;
        }
    }

    void requireOpen() {
        if (closed.get()) {
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "this control plane is closed");
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closeAll();
        }
    }

    private void closeAll() {
        while (!open.isEmpty()) {
            AutoCloseable part = open.pop();
            try {
                part.close();
            } catch (Exception e) {
                log.warn("{} did not close cleanly", part.getClass().getSimpleName(), e);
            }
        }
    }
}
