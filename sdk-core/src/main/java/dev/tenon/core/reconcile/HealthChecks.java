package dev.tenon.core.reconcile;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.HealthCheck;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Reason;
import dev.tenon.api.TenonException;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.InstanceSecrets;
import dev.tenon.core.change.Requests;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lease.Leases;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.time.Threads;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks running members in a session whether they answer, and remembers which do not. A place sees only processes; one that is
 * stopped or stuck looks well to it. In threads of its own, so that silent servers hold up nothing else. What it remembers is lost
 * with this process: the next one asks anew. Thread-safe.
 */
final class HealthChecks implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HealthChecks.class);
    private static final int THREADS = 4;
    private static final int BURSTS = 60;
    /** Failures on this side: they say nothing about the server. */
    private static final Set<ErrorCode> NOBODY_ASKED =
            Set.of(ErrorCode.STORE_UNAVAILABLE, ErrorCode.UNSUPPORTED, ErrorCode.SOFTWARE_MISSING);

    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);

    private final HealthCheck policy;
    private final Journal journal;
    private final Fleet fleet;
    private final Offering offering;
    private final Leases leases;
    private final Generator generator;
    private final Clock clock;
    private final Ticker ticker;
    private final Consumer<WorkQueue.Key> changed;
    private final WorkQueue queue;
    private final List<Thread> threads = new ArrayList<>();
    /** What was last seen of the members of each instance that is being watched. */
    private final Map<InstanceId, List<ObservedMember>> watched = new ConcurrentHashMap<>();

    private final Map<InstanceId, Map<MemberRef, Silence>> silences = new ConcurrentHashMap<>();

    /**
     * Does not start yet.
     *
     * @param changed told when an instance began or ceased to answer, or is still silent
     */
    HealthChecks(
            HealthCheck policy,
            Journal journal,
            Fleet fleet,
            Offering offering,
            Leases leases,
            Generator generator,
            Clock clock,
            Ticker ticker,
            Consumer<WorkQueue.Key> changed) {
        this.policy = policy;
        this.journal = journal;
        this.fleet = fleet;
        this.offering = offering;
        this.leases = leases;
        this.generator = generator;
        this.clock = clock;
        this.ticker = ticker;
        this.changed = changed;
        this.queue = new WorkQueue(ticker);
    }

    void start() {
        for (int i = 1; i <= THREADS; i++) {
            Thread thread = new Thread(this::work, "tenon-health-" + i);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
    }

    /** Takes note of an instance that shall run and of what its place sees; the first time its questions are spread out. */
    void saw(InstanceDoc doc, List<ObservedMember> members) {
        if (watched.put(doc.id(), List.copyOf(members)) == null) {
            queue.wakeAfter(
                    new WorkQueue.Key(doc.tenant(), doc.id()),
                    1 + (long) (policy.interval().toNanos() * generator.jitter()));
        }
    }

    /** Returns which of the members that are seen now have not answered. */
    Map<MemberRef, Silence> of(InstanceId id, List<ObservedMember> members) {
        Map<MemberRef, Silence> known = silences.getOrDefault(id, Map.of());
        if (known.isEmpty()) {
            return Map.of();
        }
        Map<MemberRef, Silence> out = new HashMap<>();
        for (ObservedMember member : members) {
            Silence silence = known.get(member.ref());
            // One that was started again since is asked again before it is judged.
            if (silence != null && silence.incarnation().equals(member.incarnation())) {
                out.put(member.ref(), silence);
            }
        }
        return out;
    }

    private void work() {
        try {
            WorkQueue.@Nullable Key key;
            while ((key = queue.take()) != null) {
                try {
                    check(key);
                } catch (RuntimeException e) {
                    log.error("a defect while asking {} for its health", key.instance(), e);
                    queue.wakeAfter(key, policy.interval().toNanos());
                } finally {
                    queue.done(key);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void check(WorkQueue.Key key) {
        InstanceId id = key.instance();
        Optional<InstanceDoc> found = fleet.peek(id)
                .filter(doc -> doc.phase() == Phase.ACTIVE)
                .filter(doc -> leases.of(InstanceDoc.shard(id)).isPresent());
        if (found.isEmpty()) {
            watched.remove(id);
            silences.remove(id);
            return;
        }
        InstanceDoc doc = found.get();
        Duration pause = policy.interval();
        // While something is done to it, its answers say nothing.
        if (doc.head().isEmpty()) {
            Map<MemberRef, Silence> before = silences.getOrDefault(id, Map.of());
            Map<MemberRef, Silence> now = ask(doc, before);
            if (now.isEmpty()) {
                silences.remove(id);
            } else {
                silences.put(id, now);
                pause = again(now);
            }
            if (!now.equals(before)) {
                changed.accept(key);
            }
        }
        queue.wakeAfter(key, together(pause.toNanos()));
    }

    /** Returns a little less: a fleet's questions are asked in so many bursts in an interval, not with a wake-up for each. */
    private long together(long pause) {
        long now = ticker.nanos();
        long slot = pause / BURSTS;
        return Math.floorDiv(now + pause, slot) * slot - now;
    }

    /** Asks sooner first, so that it is soon known whether it was chance. */
    private Duration again(Map<MemberRef, Silence> silent) {
        int missed = silent.values().stream().mapToInt(Silence::missed).max().orElse(1);
        Duration pause = policy.timeout().multipliedBy(1L << Math.min(missed - 1, 10));
        return pause.compareTo(policy.interval()) < 0 ? pause : policy.interval();
    }

    private Map<MemberRef, Silence> ask(InstanceDoc doc, Map<MemberRef, Silence> before) {
        Map<MemberRef, Silence> silent = new HashMap<>();
        for (ObservedMember member : watched.getOrDefault(doc.id(), List.of())) {
            if (member.state() == MemberState.RUNNING && member.admin().isPresent()) {
                Optional<Silence> present = Optional.ofNullable(before.get(member.ref()))
                        .filter(s -> s.incarnation().equals(member.incarnation()));
                ask(doc, member, present).ifPresent(silence -> silent.put(member.ref(), silence));
            }
        }
        return silent;
    }

    private Optional<Silence> ask(InstanceDoc doc, ObservedMember member, Optional<Silence> before) {
        try {
            EngineRequest request = Requests.of(
                    doc,
                    journal.secrets(doc.tenant(), doc.id().value())
                            .map(bundle -> InstanceSecrets.of(bundle.secrets())));
            try (EngineSession session = offering.engine(doc.spec().engine())
                    .connect(request, member.admin().orElseThrow(), policy.timeout())) {
                log.trace("{} answers as {}", member.ref(), session.role());
            }
            return Optional.empty();
        } catch (TenonException e) {
            if (NOBODY_ASKED.contains(e.code())) {
                return before;
            }
            boolean timedOut = e.code() == ErrorCode.TIMEOUT;
            return Optional.of(Silence.after(
                    before,
                    member.incarnation(),
                    !timedOut,
                    Reason.error(
                            e.code(),
                            timedOut ? "no answer within " + policy.timeout().toMillis() + " ms" : Runner.text(e)),
                    cpuTime(doc, member.ref()),
                    policy.restartAfter(),
                    clock.instant(),
                    ticker.nanos()));
        }
    }

    private Optional<Duration> cpuTime(InstanceDoc doc, MemberRef ref) {
        try {
            DeliveryDriver delivery = offering.delivery(doc.delivery());
            return Optional.of(delivery.metrics(ref).cpuTime());
        } catch (ProviderException e) {
            log.debug("what {} uses is not known: {}", ref, e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        queue.close();
        Threads.join(threads, CLOSE_GRACE);
    }
}
