package dev.tenon.core.reconcile;

import dev.tenon.api.ConflictException;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.Submitter;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.lease.Leases;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.time.Threads;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens by the clock: leases are renewed, every owned instance is looked at, the recycle bin is emptied, approvals nobody
 * gave run out, and work that another control plane accepted is noticed. Thread-safe.
 */
public final class Housekeeping implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Housekeeping.class);
    private static final int BATCH = 500;
    /** How soon work is begun that another control plane accepted for one of our instances. */
    private static final Duration NOTICE = Duration.ofMillis(250);

    private static final Duration PLACES = Duration.ofSeconds(1);

    /** How often a part of the past is looked at for what can be forgotten. */
    private static final Duration TRIM = Duration.ofMinutes(1);

    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);

    private final StateStore store;
    private final Fleet fleet;
    private final Offering offering;
    private final Leases leases;
    private final Reconciler reconciler;
    private final Submitter submitter;
    private final Clock clock;
    private final Ticker ticker;
    private final List<Chore> chores = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean closed;

    /** Does not start yet. */
    public Housekeeping(
            StateStore store,
            Fleet fleet,
            Offering offering,
            Leases leases,
            Reconciler reconciler,
            Submitter submitter,
            Clock clock,
            Ticker ticker) {
        this.store = store;
        this.fleet = fleet;
        this.offering = offering;
        this.leases = leases;
        this.reconciler = reconciler;
        this.submitter = submitter;
        this.clock = clock;
        this.ticker = ticker;
    }

    /** Starts; the first sweep begins at once. */
    public void start(Duration lease, Duration resync, Duration history) {
        chores.add(new Chore("tenon-lease", lease.dividedBy(3), leases::tick));
        chores.add(new Chore("tenon-sweep", resync, this::sweep));
        chores.add(new Chore("tenon-history", TRIM, new History(store, leases, history)::trim));
        if (store.shared()) {
            chores.add(new Chore("tenon-notice", NOTICE, this::notice));
            chores.add(new Chore(
                    "tenon-places", PLACES, () -> offering.deliveries().forEach(DeliveryDriver::refresh)));
        }
        chores.forEach(chore -> chore.thread.start());
    }

    /** Looks at every owned instance once. */
    void sweep() {
        if (store.shared()) {
            fleet.load(Optional.of(leases.owned()));
        }
        expireApprovals();
        Instant now = store.now();
        Map<String, Boolean> alive = new HashMap<>();
        Map<String, List<InstanceDoc>> byPlace = new HashMap<>();
        for (var id : fleet.ids()) {
            Optional<InstanceDoc> found = fleet.peek(id);
            if (found.isEmpty() || leases.of(InstanceDoc.shard(id)).isEmpty()) {
                continue;
            }
            InstanceDoc doc = found.get();
            if (doc.head().isPresent()) {
                reconciler.wake(doc.tenant(), doc.id());
            }
            if (doc.owner().isPresent() && !alive.computeIfAbsent(doc.owner().get(), leases::alive)) {
                remove(doc, OperationKind.DELETE, "the process it belonged to has ended");
            } else if (doc.lifecycle() instanceof dev.tenon.api.Lifecycle.Recycled recycled
                    && doc.projectedPhase() == Phase.RECYCLED
                    && !recycled.until().isAfter(now)) {
                remove(doc, OperationKind.PURGE, "its time in the recycle bin is over");
            } else if (doc.head().isEmpty() && Reconciler.renewalDue(doc, clock.instant())) {
                reconciler.wake(doc.tenant(), doc.id());
            } else if (doc.head().isEmpty() && observable(doc.phase())) {
                byPlace.computeIfAbsent(doc.delivery(), place -> new ArrayList<>())
                        .add(doc);
            }
        }
        byPlace.forEach(this::look);
    }

    private static boolean observable(Phase phase) {
        return phase == Phase.ACTIVE || phase == Phase.STOPPED || phase == Phase.FROZEN;
    }

    private void remove(InstanceDoc doc, OperationKind kind, String reason) {
        try {
            submitter.remove(doc, kind, reason);
        } catch (CommitRefusedException | ConflictException e) {
            // Somebody changed it at this very moment, perhaps took it back: the next sweep sees what became of it.
            log.debug("{} was not removed: {}", doc.id(), e.getMessage());
        }
    }

    private void look(String place, List<InstanceDoc> docs) {
        DeliveryDriver delivery = offering.delivery(place);
        List<InstanceDoc> batch = new ArrayList<>();
        List<MemberRef> refs = new ArrayList<>();
        for (InstanceDoc doc : docs) {
            batch.add(doc);
            refs.addAll(doc.refs());
            if (refs.size() >= BATCH) {
                compare(delivery, batch, refs);
                batch.clear();
                refs.clear();
            }
        }
        if (!batch.isEmpty()) {
            compare(delivery, batch, refs);
        }
    }

    private void compare(DeliveryDriver delivery, List<InstanceDoc> docs, List<MemberRef> refs) {
        Map<MemberRef, ObservedMember> seen = new HashMap<>();
        delivery.observeAll(refs).forEach(member -> seen.put(member.ref(), member));
        for (InstanceDoc doc : docs) {
            List<MemberRef> own = doc.refs();
            if (doc.phase() == Phase.ACTIVE) {
                reconciler.saw(
                        doc,
                        own.stream().map(seen::get).filter(Objects::nonNull).toList());
            }
            for (int i = 0; i < own.size(); i++) {
                ObservedMember member = seen.get(own.get(i));
                if (member == null || !Reconciler.asRecorded(doc, member, i)) {
                    reconciler.wake(doc.tenant(), doc.id());
                    break;
                }
            }
        }
    }

    private void expireApprovals() {
        for (Document document : store.list(Query.of(OperationDoc.KIND)
                .states(Set.of(OperationState.PENDING_APPROVAL.name()))
                .build())) {
            OperationDoc operation = OperationCodec.read(document);
            if (operation.deadline().isBefore(clock.instant())) {
                try {
                    submitter.expire(operation);
                } catch (CommitRefusedException e) {
                    log.debug("{} was decided at the last moment", operation.id());
                }
            }
        }
    }

    /** Wakes our instances whose operations others accepted. */
    private void notice() {
        Set<Integer> owned = leases.owned();
        if (owned.isEmpty()) {
            return;
        }
        for (Document document : store.list(Query.of(OperationDoc.KIND)
                .states(Set.of(OperationState.QUEUED.name()))
                .shards(owned)
                .build())) {
            reconciler.wake(
                    new dev.tenon.api.TenantId(document.tenant()), new dev.tenon.api.InstanceId(document.parent()));
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Threads.join(chores.stream().map(chore -> chore.thread).toList(), CLOSE_GRACE);
    }

    /** Something done again and again, in a thread of its own so that a slow place does not cost a lease. */
    private final class Chore implements Runnable {
        private final Duration every;
        private final Runnable work;
        private final Thread thread;
        private boolean failing;

        Chore(String name, Duration every, Runnable work) {
            this.every = every;
            this.work = work;
            this.thread = new Thread(this, name);
            thread.setDaemon(true);
        }

        @Override
        public void run() {
            do {
                try {
                    work.run();
                    failing = false;
                } catch (RuntimeException e) {
                    if (!failing) {
                        log.warn("{} failed; it is tried again every {}", thread.getName(), every, e);
                    }
                    failing = true;
                }
            } while (pause());
        }

        private boolean pause() {
            lock.lock();
            try {
                long end = ticker.nanos() + every.toNanos();
                while (!closed && ticker.nanos() < end) {
                    changed.await(ticker.waitFor(end - ticker.nanos()), TimeUnit.NANOSECONDS);
                }
                return !closed;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } finally {
                lock.unlock();
            }
        }
    }
}
