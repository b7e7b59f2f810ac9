package dev.tenon.core.cluster;

import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.core.change.InstanceSecrets;
import dev.tenon.core.change.Requests;
import dev.tenon.core.event.Told;
import dev.tenon.core.failover.Decision;
import dev.tenon.core.failover.FailoverPlanner;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Limits;
import dev.tenon.core.failover.Order;
import dev.tenon.core.failover.Request;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.failover.Wanted;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.instance.Members;
import dev.tenon.core.journal.Journal;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One instance's members, and the passes that make them what the record says. Only one thread makes passes at a time; tasks at the
 * members go on beside them, one at each. What is remembered here is lost with this process: the next one asks anew.
 */
public final class Cluster {
    private static final Logger log = LoggerFactory.getLogger(Cluster.class);
    private static final FailoverPlanner PLANNER = new FailoverPlanner(Limits.DEFAULT);
    /** How long a pass waits for answers: a member that does not give one by then holds up nobody. */
    private static final Duration ANSWERS = Duration.ofMillis(150);
    /** How old an answer may be to count as one. */
    private static final Duration FRESH = Duration.ofSeconds(1);
    /** A standby that runs and does not follow for so long, while the primary is well, is copied anew. */
    private static final Duration STUCK = Duration.ofSeconds(60);
    /** A change of the primary is carried through in one pass, if it goes well. */
    private static final Duration LONGEST = Duration.ofSeconds(2);

    private static final Duration AFTER_FAILURE = Duration.ofMillis(100);
    private static final Duration REACTION = Duration.ofMillis(10);
    private static final Duration BUSY_END = Duration.ofSeconds(70);
    private static final int ROUNDS = 400;
    private static final int CONFLICTS = 50;
    /** What {@link Durability#BALANCED} promises. */
    private static final Duration ALONE_AFTER = Duration.ofSeconds(10);
    /** What an asynchronous instance may lose without a person being asked. */
    private static final dev.tenon.core.failover.Durability ASYNC =
            new dev.tenon.core.failover.Durability.Async(16 << 20, Duration.ofSeconds(10));

    private final Clusters.World world;
    private final TenantId tenant;
    private final InstanceId id;
    private final Function<Boolean, Optional<String>> brake;
    private final Map<String, MemberLink> links = new TreeMap<>();
    private final AtomicBoolean woken = new AtomicBoolean(true);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Names of the members at which a task is at work. */
    private final Set<String> busy = new HashSet<>();
    /** Those at which that task only looks. */
    private final Set<String> looking = new HashSet<>();
    /** Members to which an order could not be sent, for a look was in the way: the order goes first next time. */
    private Set<String> owed = Set.of();
    /** Not before this are orders sent again to a member whose task failed. */
    private final Map<String, Long> pauses = new HashMap<>();

    private long ended;
    private long carriedOut;
    private boolean closed;
    private volatile boolean dead;
    private volatile boolean changing;
    /** What another control plane knew of the log of a primary that this one may never have seen. */
    private final List<Seen.Mark> remembered;

    private final String rememberedOf;

    Cluster(Clusters.World world, InstanceDoc doc, Function<Boolean, Optional<String>> brake) {
        this.world = world;
        this.tenant = doc.tenant();
        this.id = doc.id();
        this.brake = brake;
        this.remembered = Stakes.marks(doc.stakes());
        this.rememberedOf = doc.failover().map(FailoverRecord::primary).orElse("");
    }

    /**
     * What a pass shall reach.
     *
     * @param members all who shall be members
     * @param request what a person asked for
     * @param heldBack why there must be no automatic fail-over now
     * @param ends runs of members that shall end, by member: the members are started anew as what they are
     */
    public record Aim(
            Set<String> members, Optional<Request> request, Optional<String> heldBack, Map<String, String> ends) {
        /** Nothing but that the members there are go on. */
        public static Aim of(InstanceDoc doc) {
            return new Aim(Set.copyOf(doc.names()), Optional.empty(), Optional.empty(), Map.of());
        }
    }

    /**
     * What a pass found at its end.
     *
     * @param doc the instance as the pass left it
     * @param decision the last one, which recorded nothing
     */
    public record Pass(InstanceDoc doc, Wanted wanted, Seen seen, Decision decision) {
        /** Returns the record. */
        public FailoverRecord record() {
            return doc.failover().orElseThrow();
        }

        /** Returns whether the recorded primary leads. */
        public boolean leads() {
            Seen.Member primary = seen.of(record().primary());
            return record().steady() && primary.answers() && primary.state() == Seen.State.PRIMARY;
        }

        /** Returns the standbys that do not follow the primary. */
        public Set<String> apart() {
            Set<String> apart = new TreeSet<>(wanted.members());
            apart.remove(record().primary());
            apart.removeIf(name -> follows(name));
            return apart;
        }

        private boolean follows(String name) {
            Seen.Member member = seen.of(name);
            return record().steady()
                    && !record().stray(name)
                    && member.answers()
                    && member.state() == Seen.State.STANDBY
                    && member.receivesFrom().equals(Optional.of(record().primary()));
        }

        /** Returns whether commits wait as the owner wants it, and everything acknowledged before is as safe. */
        public boolean enforced() {
            return leads()
                    && record().guaranteed().equals(record().setting())
                    && record().setting().alone()
                            == (wanted.durability().standbysNeeded() == 0
                                    || wanted.members().size() == 1)
                    && wanted.members().containsAll(record().setting().members());
        }
    }

    /** Takes note that a place saw something: the next pass looks there, too. */
    void woken() {
        woken.set(true);
    }

    boolean looksDead() {
        return dead;
    }

    boolean underWay() {
        return changing;
    }

    /**
     * Looks at the members and does what follows from it, until there is nothing to do but wait.
     *
     * @param doc an instance with a record
     * @throws CommitRefusedException if the lease is lost
     */
    public Pass pass(InstanceDoc doc, Lease lease, Aim aim) {
        long end = world.ticker().nanos() + LONGEST.toNanos();
        InstanceDoc now = doc;
        link(aim.members(), now.failover().orElseThrow());
        look(now, lease, woken.getAndSet(false));
        for (int round = 1; ; round++) {
            FailoverRecord record = now.failover().orElseThrow();
            Wanted wanted = new Wanted(aim.members(), durability(now), aim.request());
            Seen seen = seen(now);
            changing = !record.steady();
            dead = PLANNER.lost(record, seen).isPresent();
            Optional<String> held = dead && aim.heldBack().isEmpty()
                    ? brake.apply(PLANNER.lost(record, seen).orElseThrow().proof())
                    : aim.heldBack();
            Decision decision = PLANNER.decide(record, wanted, seen, lease.epoch(), held);
            if (decision.record().isPresent()) {
                now = write(now, lease, record, decision);
                link(aim.members(), now.failover().orElseThrow());
                continue;
            }
            long before = ended();
            boolean waits = send(now, lease, decision) | restart(now, lease, aim.ends());
            boolean more = waits && awaitMore(before, REACTION);
            if (!more && (!waits || record.steady())
                    || round >= ROUNDS
                    || world.ticker().nanos() >= end) {
                return new Pass(now, wanted, seen, decision);
            }
        }
    }

    private void link(Set<String> members, FailoverRecord record) {
        Set<String> all = new TreeSet<>(members);
        all.add(record.primary());
        all.addAll(record.guaranteed().members());
        lock.lock();
        try {
            links.keySet().removeIf(name -> !all.contains(name) && !busy.contains(name));
            all.forEach(name -> links.computeIfAbsent(
                    name,
                    n -> new MemberLink(new MemberRef(tenant, id, n), world.ticker(), () -> world.store()
                            .now())));
        } finally {
            lock.unlock();
        }
    }

    private static dev.tenon.core.failover.Durability durability(InstanceDoc doc) {
        return switch (doc.spec().topology().durability()) {
            case STRICT -> new dev.tenon.core.failover.Durability.Strict(1);
            case BALANCED -> new dev.tenon.core.failover.Durability.Balanced(1, ALONE_AFTER);
            case ASYNC -> ASYNC;
        };
    }

    // ---- what was seen ----

    private void look(InstanceDoc doc, Lease lease, boolean atPlaces) {
        Job job = job(doc, lease);
        Set<String> asked = new HashSet<>();
        for (MemberLink link : links.values()) {
            if (!owed.contains(link.name()) && begin(link, () -> link.look(job, atPlaces), false)) {
                asked.add(link.name());
            }
        }
        awaitIdle(asked, ANSWERS);
    }

    private Seen seen(InstanceDoc doc) {
        FailoverRecord record = doc.failover().orElseThrow();
        MemberLink leader = links.get(record.primary());
        Optional<ReplicationStatus> primary = leader == null
                ? Optional.empty()
                : leader.status().filter(said -> said.role() == EngineSession.Role.PRIMARY);
        Map<String, Seen.Member> members = new HashMap<>();
        links.forEach(
                (name, link) -> members.put(name, link.seen(name.equals(record.primary()), primary, FRESH, STUCK)));
        List<Seen.Mark> marks = leader == null ? List.of() : leader.marks();
        boolean known = !marks.isEmpty() || !record.primary().equals(rememberedOf);
        return new Seen(world.store().now(), members, known ? marks : remembered);
    }

    /** Returns what each standby that could lead has, if the primary is lost and only a person may decide. */
    public Map<String, InstanceDoc.Stake> stakes(Pass pass) {
        return Stakes.of(PLANNER, pass);
    }

    /** Returns how the last task at each member failed, if it did. */
    public Map<String, TenonException> failures() {
        Map<String, TenonException> failures = new TreeMap<>();
        links.forEach((name, link) -> link.failure().ifPresent(failure -> failures.put(name, failure)));
        return failures;
    }

    /** Returns how far a standby had replayed the log when the primary was asked last. */
    public OptionalLong replayed(String primary, String standby) {
        MemberLink leader = links.get(primary);
        return leader == null ? OptionalLong.empty() : leader.replayedBy(standby);
    }

    /** Returns how many orders' tasks have ended. */
    public long carriedOut() {
        lock.lock();
        try {
            return carriedOut;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until more orders' tasks have ended than there were, but no longer than this. */
    public void awaitCarriedOut(long before, Duration longest) {
        await(() -> carriedOut > before, longest);
    }

    /** Returns the time by which this waits. */
    public long nanos() {
        return world.ticker().nanos();
    }

    /** Returns whether a member is being copied now. */
    public boolean copies() {
        return links.values().stream().anyMatch(MemberLink::copies);
    }

    // ---- what is done ----

    /** Sends orders; returns whether it is worth to wait for what comes of them. */
    private boolean send(InstanceDoc doc, Lease lease, Decision decision) {
        Job job = job(doc, lease);
        boolean waits = false;
        Set<String> unsent = new HashSet<>();
        for (Map.Entry<String, Order> entry : decision.orders().entrySet()) {
            MemberLink link = links.get(entry.getKey());
            if (link == null || paused(link.name())) {
                continue;
            }
            Order order = entry.getValue();
            link.expect(job.record().revision());
            Optional<MemberLink> source =
                    Optional.ofNullable(links.get(job.record().primary()));
            if (begin(link, () -> link.carryOut(job, order, source), true)) {
                waits = true;
            } else {
                unsent.add(link.name());
                waits |= !link.copies();
                // Who is silent must not be kept from being ended by the question that it leaves unanswered.
                if (order instanceof Order.Rest rest && !rest.cleanly()) {
                    beside(link, () -> link.end(job));
                }
            }
        }
        owed = unsent;
        return waits;
    }

    /**
     * Ends the runs of members that shall end, and of standbys that replay no more before they are started anew. The protocol finds them
     * stopped and starts them. Returns whether any is being ended.
     */
    private boolean restart(InstanceDoc doc, Lease lease, Map<String, String> ends) {
        FailoverRecord record = doc.failover().orElseThrow();
        List<MemberLink> due = links.values().stream()
                .filter(link -> Optional.ofNullable(ends.get(link.name()))
                                .map(link::runs)
                                .orElse(false)
                        || link.held() && !link.name().equals(record.primary()))
                .filter(link -> record.steady() && !paused(link.name()))
                .toList();
        if (due.isEmpty()) {
            return false;
        }
        Job job = job(doc, lease);
        due.forEach(link -> begin(link, () -> link.stop(job), true));
        return true;
    }

    private boolean paused(String member) {
        lock.lock();
        try {
            return pauses.getOrDefault(member, Long.MIN_VALUE) > world.ticker().nanos();
        } finally {
            lock.unlock();
        }
    }

    /** Begins a task at a member unless one is at work there. */
    private boolean begin(MemberLink link, Runnable task, boolean order) {
        lock.lock();
        try {
            if (closed || !busy.add(link.name())) {
                return false;
            }
            if (!order) {
                looking.add(link.name());
            }
        } finally {
            lock.unlock();
        }
        return execute(link.name(), () -> run(link, task, order));
    }

    /** Does something at a member's place while a look at the member is under way, once. */
    private void beside(MemberLink link, Runnable task) {
        String key = link.name() + " beside";
        lock.lock();
        try {
            if (closed || !looking.contains(link.name()) || !busy.add(key)) {
                return;
            }
        } finally {
            lock.unlock();
        }
        execute(key, () -> {
            try {
                task.run();
            } catch (TenonException e) {
                log.debug("{} of {}: {}", link.name(), id, e.getMessage());
            } finally {
                finished(key, 0, false);
            }
        });
    }

    private boolean execute(String key, Runnable task) {
        try {
            world.threads().execute(task);
            return true;
        } catch (RejectedExecutionException e) {
            finished(key, 0, false);
            return false;
        }
    }

    private void run(MemberLink link, Runnable task, boolean order) {
        long pause = 0;
        try {
            task.run();
            if (order) {
                link.failure(Optional.empty());
            }
        } catch (TenonException e) {
            log.debug("{} of {}: {}", link.name(), id, e.getMessage());
            if (order) {
                link.failure(Optional.of(e));
                pause = AFTER_FAILURE.toNanos();
            }
        } catch (RuntimeException e) {
            log.error("a defect at {} of {}", link.name(), id, e);
            link.failure(Optional.of(new ProviderException(ErrorCode.INTERNAL, "a defect: " + e, e)));
            pause = AFTER_FAILURE.toNanos();
        } finally {
            finished(link.name(), pause, order);
            if (order) {
                world.wake().accept(tenant, id); // the pass that sent it may be over
            }
        }
    }

    /** Ends the processes of a member that hangs. */
    public void kill(InstanceDoc doc, Lease lease, String member) {
        Job job = job(doc, lease);
        Optional.ofNullable(links.get(member)).ifPresent(link -> {
            if (!begin(link, () -> link.end(job), true)) {
                beside(link, () -> link.end(job));
            }
        });
    }

    /** Returns what the places said of the members last. */
    public List<ObservedMember> places() {
        return links.values().stream().flatMap(link -> link.place().stream()).toList();
    }

    private void finished(String key, long pause, boolean order) {
        lock.lock();
        try {
            busy.remove(key);
            looking.remove(key);
            pauses.put(key, world.ticker().nanos() + pause);
            ended++;
            carriedOut += order ? 1 : 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private long ended() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until one more task has ended; returns false if none did in time. */
    private boolean awaitMore(long before, Duration longest) {
        return await(() -> ended > before, longest);
    }

    private void awaitIdle(Set<String> members, Duration longest) {
        await(() -> members.stream().noneMatch(busy::contains), longest);
    }

    private boolean await(BooleanSupplier so, Duration longest) {
        lock.lock();
        try {
            long left = longest.toNanos();
            while (!so.getAsBoolean()) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "the control plane is closing", e);
        } finally {
            lock.unlock();
        }
    }

    private Job job(InstanceDoc doc, Lease lease) {
        return new Job(
                doc.failover().orElseThrow(),
                Requests.of(doc, secrets()),
                doc.rolled(),
                world.offering().engine(doc.spec().engine()),
                world.offering().delivery(doc.delivery()),
                new Epoch(lease.epoch()));
    }

    // ---- what is recorded ----

    private InstanceDoc write(InstanceDoc doc, Lease lease, FailoverRecord before, Decision decision) {
        FailoverRecord next = decision.record().orElseThrow();
        InstanceDoc now = doc;
        for (int i = 0; ; i++) {
            if (!now.failover().equals(Optional.of(before))) {
                // Only who has the lease writes it.
                throw new CommitRefusedException(
                        CommitRefusedException.Condition.LEASE, InstanceDoc.KIND + " " + id, lease.epoch());
            }
            InstanceDoc after = after(now, next);
            try {
                Journal.Entry entry = world.journal().entry(tenant).guard(lease).instance(now, after);
                Instant time = world.store().now();
                for (Told told : Story.of(doc.spec().name(), before, next, decision.reason(), time)) {
                    entry.event(Optional.of(id), Optional.empty(), told);
                }
                InstanceDoc written = entry.commit().instance().orElse(after);
                log.info("{}: {}", id, decision.reason());
                return written;
            } catch (CommitRefusedException e) {
                if (e.condition() != CommitRefusedException.Condition.VERSION || i == CONFLICTS) {
                    throw e;
                }
                now = world.fleet().find(id).orElse(doc);
            }
        }
    }

    /** The primary comes first among the members, and is where clients go. */
    private InstanceDoc after(InstanceDoc doc, FailoverRecord next) {
        return next.primary().equals(doc.names().get(0))
                ? doc.but().failover(next).build()
                : withStatuses(doc.but()
                        .failover(next)
                        .members(doc.members().stream()
                                .sorted(Comparator.comparing(
                                        status -> !status.member().name().equals(next.primary())))
                                .toList())
                        .build());
    }

    /** Returns a document with what was last seen of its members and where clients go. */
    public InstanceDoc withStatuses(InstanceDoc doc) {
        Optional<ReplicationStatus> replication = Optional.ofNullable(
                        links.get(doc.names().get(0)))
                .flatMap(MemberLink::status)
                .filter(said -> said.role() == EngineSession.Role.PRIMARY);
        List<MemberWorkload> workloads = Requests.workloads(
                world.offering().engine(doc.spec().engine()),
                world.offering().delivery(doc.delivery()),
                Requests.of(doc, secrets()),
                doc.rolled());
        List<InstanceDoc.MemberStatus> members = Members.statuses(doc, places(), replication, workloads);
        InstanceDoc.Builder builder = doc.but().members(members);
        members.get(0).address().ifPresent(builder::address);
        return builder.build();
    }

    private Optional<InstanceSecrets> secrets() {
        return world.journal().secrets(tenant, id.value()).map(bundle -> InstanceSecrets.of(bundle.secrets()));
    }

    /** Waits until nothing is at work on the members; nothing new begins. */
    void close() {
        breakOff();
        if (!Thread.currentThread().isInterrupted()) {
            await(busy::isEmpty, BUSY_END);
        }
        disconnect();
    }

    /** Lets nothing new begin, and breaks copies off. */
    void breakOff() {
        lock.lock();
        try {
            closed = true;
        } finally {
            lock.unlock();
        }
        links.values().forEach(MemberLink::breakOff);
    }

    void disconnect() {
        links.values().forEach(MemberLink::disconnect);
    }
}
