package dev.tenon.core.reconcile;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.HealthCheck;
import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.Reason;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.ServerCertificates;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.cluster.Clusters;
import dev.tenon.core.event.Told;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.instance.Members;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lease.Leases;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.time.Threads;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Works on instances: a pass at a time each, as many at once as there are workers. A pass runs what is queued, or looks whether the
 * instance is as it shall be. It trusts no wake-up's content and starts from the store alone. Thread-safe.
 */
public final class Reconciler implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Reconciler.class);
    private static final Duration AFTER_DEFECT = Duration.ofSeconds(5);
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(30);
    /** How often the members of a cluster are asked; each time the primary writes a sign of life. */
    private static final Duration CLUSTER_LOOK = Duration.ofMillis(500);
    /** How often when one of them does not answer. */
    private static final Duration CLUSTER_DOUBT = Duration.ofMillis(100);

    private static final Duration CLUSTER_CHANGES = Duration.ofMillis(20);
    /** While these are carried out, members rest because they were told to. */
    private static final Set<OperationKind> RESTING =
            EnumSet.of(OperationKind.STOP, OperationKind.FREEZE, OperationKind.DELETE, OperationKind.PURGE);

    /** With one of these, a member may be about to leave. */
    private static final Set<OperationKind> LEAVING = EnumSet.of(OperationKind.STANDBY_REMOVE, OperationKind.HEAL);

    private static final Set<Capability> ELSEWHERE = EnumSet.of(Capability.SEVERAL_HOSTS, Capability.GIVE_UP);
    /** Each copies a whole database and holds up a worker meanwhile; more would slow down the hosts that are left. */
    private static final int REPLACED_AT_ONCE = 2;

    private final Journal journal;
    private final Fleet fleet;
    private final Offering offering;
    private final Leases leases;
    private final Runner runner;
    private final Diary diary;
    private final Clock clock;
    private final HealthChecks checks;
    private final Optional<Duration> replaceAfter;
    /** Instances for which this control plane has begun to make a standby instead of a lost one, until nothing is queued for them. */
    private final Set<InstanceId> replacing = ConcurrentHashMap.newKeySet();

    private final WorkQueue queue;
    private final Clusters clusters;
    private final List<Thread> workers = new ArrayList<>();

    /** Does not start yet. */
    public Reconciler(
            StateStore store,
            Journal journal,
            Fleet fleet,
            Offering offering,
            ServerCertificates certificates,
            Leases leases,
            Generator generator,
            Diary diary,
            HealthCheck healthCheck,
            Clock clock,
            Ticker ticker) {
        this.journal = journal;
        this.fleet = fleet;
        this.offering = offering;
        this.leases = leases;
        this.diary = diary;
        this.clock = clock;
        this.queue = new WorkQueue(ticker);
        this.clusters = new Clusters(
                store,
                journal,
                fleet,
                offering,
                ticker,
                (tenant, instance) -> queue.wake(new WorkQueue.Key(tenant, instance)));
        this.runner = new Runner(store, journal, fleet, offering, certificates, clusters, generator, clock, diary);
        this.replaceAfter = healthCheck.replaceAfter();
        this.checks =
                new HealthChecks(healthCheck, journal, fleet, offering, leases, generator, clock, ticker, queue::wake);
    }

    /** Starts so many workers. */
    public void start(int count) {
        for (int i = 1; i <= count; i++) {
            Thread worker = new Thread(this::work, "tenon-reconcile-" + i);
            worker.setDaemon(true);
            workers.add(worker);
            worker.start();
        }
        checks.start();
    }

    /** Takes note of what the sweep saw of an instance that shall run, to ask it now and then whether it answers. */
    void saw(InstanceDoc doc, List<ObservedMember> members) {
        checks.saw(doc, members);
    }

    /** Asks for a look at an instance. */
    public void wake(TenantId tenant, InstanceId instance) {
        clusters.woken(instance);
        queue.wake(new WorkQueue.Key(tenant, instance));
    }

    /** Returns whether nothing is to be done now. */
    public boolean idle() {
        return queue.idle();
    }

    private void work() {
        try {
            WorkQueue.@Nullable Key key;
            while ((key = queue.take()) != null) {
                try {
                    pass(key);
                } finally {
                    queue.done(key);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pass(WorkQueue.Key key) {
        try {
            Outcome outcome = look(key.instance());
            if (outcome instanceof Outcome.LookAgain) {
                queue.wake(key);
            } else if (outcome instanceof Outcome.Later later) {
                queue.wakeAfter(key, later.pause().toNanos());
            }
        } catch (CommitRefusedException e) {
            if (e.condition() != CommitRefusedException.Condition.LEASE) {
                queue.wake(key);
            }
        } catch (TenonException e) {
            if (!e.retryable()) {
                log.error("cannot work on {}: {}", key.instance(), e.getMessage(), e);
            }
            diary.note(
                    key.instance(), Reason.of(Reason.Code.CANNOT_WORK).because(Reason.error(e.code(), Runner.text(e))));
            queue.wakeAfter(key, AFTER_DEFECT.toNanos());
        } catch (RuntimeException e) {
            log.error("a defect while working on {}", key.instance(), e);
            diary.note(
                    key.instance(),
                    Reason.of(Reason.Code.CANNOT_WORK).because(Reason.error(ErrorCode.INTERNAL, "a defect: " + e)));
            queue.wakeAfter(key, AFTER_DEFECT.toNanos());
        }
    }

    /** Returns when an instance that is not as it shall be may be healed, at the earliest; empty if at once, or if there is nothing to heal. */
    public static Optional<Instant> healsAt(InstanceDoc doc) {
        return doc.health() instanceof Health.Healthy
                ? Optional.empty()
                : HealthPlanner.notBefore(doc.heals(), doc.healedAt());
    }

    private Outcome look(InstanceId id) {
        Optional<Lease> lease = leases.of(InstanceDoc.shard(id));
        if (lease.isEmpty()) {
            replacing.remove(id);
            clusters.letGo(id);
            return new Outcome.NotOurs();
        }
        Optional<InstanceDoc> doc = fleet.find(id);
        if (doc.isEmpty()) {
            return new Outcome.Settled();
        }
        Optional<InstanceDoc.Queued> head = doc.get().head();
        if (head.isEmpty()) {
            replacing.remove(id);
        }
        if (doc.get().phase() == Phase.ACTIVE
                && doc.get().failover().isPresent()
                && head.filter(queued -> RESTING.contains(queued.kind())).isEmpty()) {
            return cluster(doc.get(), head, lease.get());
        }
        if (head.isPresent()) {
            return runner.run(doc.get(), head.get(), lease.get());
        }
        return observe(doc.get(), lease.get());
    }

    private Outcome observe(InstanceDoc doc, Lease lease) {
        Phase phase = doc.phase();
        if (phase != Phase.ACTIVE && phase != Phase.STOPPED && phase != Phase.FROZEN) {
            return new Outcome.Settled();
        }
        List<ObservedMember> seen = offering.delivery(doc.delivery()).observeAll(doc.refs());
        Map<MemberRef, Silence> silent = checks.of(doc.id(), seen);
        HealthPlanner.Decision decision = HealthPlanner.decide(new HealthPlanner.Seen(
                phase,
                seen,
                silent,
                doc.observedGeneration() == doc.generation(),
                renewalDue(doc, clock.instant()),
                doc.heals(),
                doc.healedAt(),
                clock.instant()));
        Health health = doc.phase().running()
                ? HealthPlanner.health(seen, silent, doc.health(), clock.instant())
                : doc.health();
        InstanceDoc after = doc.but()
                .members(Members.statuses(doc, seen, Optional.empty()))
                .health(health)
                .build();
        if (decision instanceof HealthPlanner.Decision.Heal heal) {
            heal(doc, after, lease, heal);
            return new Outcome.LookAgain();
        }
        record(doc, after, lease);
        if (decision instanceof HealthPlanner.Decision.Wait wait) {
            diary.note(doc.id(), Reason.of(Reason.Code.WAITS).because(wait.reason()));
            return new Outcome.Later(wait.pause());
        }
        return new Outcome.Settled();
    }

    /** Members that follow each other: what comes of a lost one is the fail-over protocol's to say, before anything else is done. */
    private Outcome cluster(InstanceDoc doc, Optional<InstanceDoc.Queued> head, Lease lease) {
        Cluster cluster = clusters.of(doc);
        Cluster.Pass pass = cluster.pass(doc, lease, aim(doc, head));
        diary.note(doc.id(), ClusterHealth.why(pass.decision()));
        List<ObservedMember> places = cluster.places();
        checks.of(doc.id(), places).forEach((ref, silence) -> {
            if (silence.hung()) {
                diary.note(doc.id(), Reason.of(Reason.Code.HEALS).because(silence.reason(ref.member())));
                cluster.kill(pass.doc(), lease, ref.member());
            }
        });
        LossPlanner.Decision losses = LossPlanner.decide(LossPlanner.Seen.of(
                pass,
                places,
                replaceAfter,
                offering.delivery(doc.delivery()).capabilities().containsAll(ELSEWHERE),
                clock.instant()));
        if (!losses.unseen().equals(doc.unseen())) {
            losses.reasons().values().forEach(reason -> diary.note(doc.id(), reason));
        }
        InstanceDoc after = cluster.withStatuses(pass.doc())
                .but()
                .health(ClusterHealth.of(pass, places, losses.reasons(), doc.health(), clock.instant()))
                .stakes(cluster.stakes(pass))
                .unseen(losses.unseen())
                .build();
        boolean whole = pass.enforced() && pass.apart().isEmpty();
        if (head.isPresent()) {
            InstanceDoc now = record(pass.doc(), after, lease);
            boolean forced = head.get().kind() == OperationKind.FAILOVER;
            if (!pass.leads() && !forced && !Runner.overdue(journal, head.get(), clock.instant())) {
                return new Outcome.Later(CLUSTER_DOUBT);
            }
            // The members are looked at while an operation waits for its next try, too.
            Outcome outcome = runner.run(now, head.get(), lease);
            return outcome instanceof Outcome.Later later && later.pause().compareTo(CLUSTER_LOOK) > 0
                    ? new Outcome.Later(CLUSTER_LOOK)
                    : outcome;
        }
        if (losses.due().isPresent()
                && HealthPlanner.wait(doc.heals(), doc.healedAt(), clock.instant())
                        .isEmpty()
                && (replacing.contains(doc.id()) || replacing.size() < REPLACED_AT_ONCE)) {
            replacing.add(doc.id());
            replace(pass.doc(), after, lease, losses.due().get());
            return new Outcome.LookAgain();
        }
        if (whole
                && HealthPlanner.decide(new HealthPlanner.Seen(
                                doc.phase(),
                                places,
                                Map.of(),
                                doc.observedGeneration() == doc.generation(),
                                renewalDue(doc, clock.instant()),
                                doc.heals(),
                                doc.healedAt(),
                                clock.instant()))
                        instanceof HealthPlanner.Decision.Heal heal) {
            heal(pass.doc(), after, lease, heal);
            return new Outcome.LookAgain();
        }
        record(pass.doc(), after, lease);
        if (!pass.record().steady()) {
            return new Outcome.Later(CLUSTER_CHANGES);
        }
        return new Outcome.Later(whole ? CLUSTER_LOOK : CLUSTER_DOUBT);
    }

    /** Who is leaving is no member for the protocol either, or it would be taken in again between two tries. */
    private Cluster.Aim aim(InstanceDoc doc, Optional<InstanceDoc.Queued> head) {
        Set<String> members = new HashSet<>(doc.names());
        head.filter(queued -> LEAVING.contains(queued.kind()))
                .flatMap(queued -> journal.operation(queued.id()))
                .flatMap(OperationDoc::leaving)
                .ifPresent(members::remove);
        return new Cluster.Aim(members, Optional.empty(), Optional.empty(), Map.of());
    }

    private void heal(InstanceDoc doc, InstanceDoc seen, Lease lease, HealthPlanner.Decision.Heal heal) {
        diary.note(doc.id(), Reason.of(Reason.Code.HEALS).because(heal.reason()));
        queue(
                doc,
                seen,
                lease,
                runner.healing(doc, heal.reason(), heal.hung()),
                Told.warning("instance.down", doc.spec().name() + " is not as it shall be: " + heal.reason())
                        .because(heal.reason()));
    }

    /** Begins to make a standby elsewhere instead of one that is lost with its host. */
    private void replace(InstanceDoc doc, InstanceDoc seen, Lease lease, String lost) {
        Reason reason = Reason.of(Reason.Code.MEMBER_LOST, lost);
        diary.note(doc.id(), Reason.of(Reason.Code.HEALS).because(reason));
        Map<String, String> about = new HashMap<>(Map.of("member", lost));
        seen.members().stream()
                .map(InstanceDoc.MemberStatus::member)
                .filter(member -> member.name().equals(lost))
                .forEach(member -> member.host().ifPresent(host -> about.put("host", host)));
        queue(
                doc,
                seen,
                lease,
                runner.replacing(doc, reason, lost),
                Told.warning("standby.lost", doc.spec().name() + ": " + reason)
                        .with(about)
                        .because(reason));
    }

    /** Queues a healing: it is journalled like everything else that has an effect. */
    private void queue(InstanceDoc doc, InstanceDoc seen, Lease lease, OperationDoc operation, Told told) {
        List<InstanceDoc.Queued> queued = new ArrayList<>(doc.queue());
        queued.add(new InstanceDoc.Queued(operation.id(), operation.kind(), Optional.empty(), false, false));
        journal.entry(doc.tenant())
                .guard(lease)
                .operation(null, operation)
                .instance(doc, seen.but().queue(queued).build())
                .event(Optional.of(doc.id()), Optional.of(operation.id()), told)
                .commit();
    }

    /** Writes what was seen, only if something but the time changed; returns what is stored now. */
    private InstanceDoc record(InstanceDoc doc, InstanceDoc seen, Lease lease) {
        if (seen.equals(doc)) {
            return doc;
        }
        Health now = seen.health();
        Journal.Entry entry = journal.entry(doc.tenant()).guard(lease).instance(doc, seen);
        if (!now.name().equals(doc.health().name())) {
            diary.note(doc.id(), Reason.of(Reason.Code.HEALTH, now.name()));
            entry.event(
                    Optional.of(doc.id()),
                    Optional.empty(),
                    new Told(
                            "instance.health_changed",
                            now instanceof Health.Healthy ? Event.Severity.INFO : Event.Severity.WARNING,
                            doc.spec().name() + " is " + described(now),
                            Map.of("health", now.name()),
                            now.reasons()));
        }
        return entry.commit().instance().orElse(seen);
    }

    private static String described(Health health) {
        String causes = Told.joined(health.reasons());
        return causes.isEmpty() ? health.name() : health.name() + ": " + causes;
    }

    /** Returns whether the certificate of an instance is to be replaced. */
    static boolean renewalDue(InstanceDoc doc, Instant now) {
        return doc.phase().running()
                && doc.renewAt().map(at -> !at.isAfter(now)).orElse(false);
    }

    /** Returns whether what was seen of an idle instance is what is recorded, so that no pass is needed. */
    static boolean asRecorded(InstanceDoc doc, ObservedMember seen, int index) {
        InstanceDoc.MemberStatus status = doc.members().get(index);
        boolean expected = doc.phase().running()
                ? seen.state() == MemberState.RUNNING
                : seen.state() != MemberState.RUNNING
                        && seen.state() != MemberState.STARTING
                        && seen.state() != MemberState.UNKNOWN;
        // Whether standbys follow is not to be seen from outside.
        return expected
                && (!doc.phase().running() || doc.members().size() == 1)
                && (!doc.phase().running()
                        || (doc.health() instanceof Health.Healthy
                                && doc.observedGeneration() == doc.generation()
                                && status.incarnation().equals(seen.incarnation())));
    }

    /** Waits for running steps; what is queued stays in the store. */
    @Override
    public void close() {
        checks.close();
        queue.close();
        clusters.close();
        for (Thread worker : Threads.join(workers, CLOSE_GRACE)) {
            log.warn("{} does not end; its step is repeated by the next control plane", worker.getName());
            worker.interrupt();
        }
    }
}
