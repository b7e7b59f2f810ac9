package dev.tenon.core.cluster;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import dev.tenon.core.failover.Order;
import dev.tenon.core.failover.Quorum;
import dev.tenon.core.failover.Rebuild;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member as this control plane reaches it: a session that stays open, and what was last heard. At most one task is at work on a
 * member, so that orders reach it one after the other; a member that hangs holds up nobody but its own task.
 *
 * <p>{@link #look} and {@link #carryOut} are called by that task only; what they find is read by any thread.
 */
final class MemberLink {
    private static final Logger log = LoggerFactory.getLogger(MemberLink.class);
    /** Until then a primary that this control plane has never reached does not count as silent: one that has just come is slow itself. */
    static final Duration FIRST = Duration.ofSeconds(4);

    /** For a question; also how long a silent member holds its task. */
    private static final Duration QUESTION = Duration.ofSeconds(1);
    /** For what takes its time on a server that is busy. */
    private static final Duration WORK = Duration.ofSeconds(30);

    private static final Duration START = Duration.ofSeconds(60);
    private static final Duration SHOWN = Duration.ofSeconds(2);
    private static final Duration PROMOTED = Duration.ofSeconds(4);
    private static final Duration EFFECT = Duration.ofMillis(500);
    private static final Duration LOOK = Duration.ofMillis(2);
    private static final Duration SELDOM = Duration.ofMillis(20);
    private static final int MARKS = 64;

    private final MemberRef ref;
    private final Ticker ticker;
    private final Supplier<Instant> now;
    private @Nullable EngineSession session;
    private volatile @Nullable InputStream copying;
    private final ArrayDeque<Seen.Mark> marks = new ArrayDeque<>();

    // What was last heard.
    private volatile Optional<ObservedMember> place = Optional.empty();
    private volatile Optional<ReplicationStatus> status = Optional.empty();
    private volatile long answeredAt;
    private volatile long wroteAt;
    private volatile long heardAt;
    private volatile long streamedAt;
    private volatile long accepted;
    private volatile long base;
    private volatile long proved;
    /** How many members were placed that this one lets in when it is told to lead once more. */
    private final AtomicInteger newcomers = new AtomicInteger();
    /** The revision of the latest order that is on its way here. */
    private volatile long expected;

    private volatile boolean unfit;
    private volatile Set<String> admitted = Set.of();
    /** From where the log was kept for those who are being made, when it was told to lead last. */
    private volatile Kept kept = new Kept(0, Map.of());

    private volatile OptionalLong end = OptionalLong.empty();
    private volatile Optional<TenonException> failure = Optional.empty();

    /** @param revision of the record by which it led */
    private record Kept(long revision, Map<String, Long> from) {
        boolean reaches(String member, Rebuild rebuild, long position) {
            Long first = from.get(member);
            return revision >= rebuild.since() && first != null && first <= position;
        }
    }

    MemberLink(MemberRef ref, Ticker ticker, Supplier<Instant> now) {
        this.ref = ref;
        this.ticker = ticker;
        this.now = now;
        long begin = ticker.nanos();
        answeredAt = begin;
        wroteAt = begin + FIRST.toNanos();
        heardAt = begin;
        streamedAt = begin;
    }

    String name() {
        return ref.member();
    }

    Optional<ObservedMember> place() {
        return place;
    }

    Optional<ReplicationStatus> status() {
        return status;
    }

    Optional<TenonException> failure() {
        return failure;
    }

    /** Notes how the last task ended. */
    void failure(Optional<TenonException> last) {
        failure = last;
    }

    /** Tells the task at work that there is an order of this revision: it need not wait for the effect of an older one. */
    void expect(long revision) {
        expected = revision;
    }

    private boolean overtaken(Job job) {
        return expected > job.record().revision();
    }

    boolean copies() {
        return copying != null;
    }

    List<Seen.Mark> marks() {
        synchronized (marks) {
            return List.copyOf(marks);
        }
    }

    /**
     * Returns what is known of the member.
     *
     * @param primary what the primary says, if it answers
     * @param fresh how old an answer may be
     */
    Seen.Member seen(boolean leads, Optional<ReplicationStatus> primary, Duration fresh, Duration stuck) {
        long time = ticker.nanos();
        Optional<ReplicationStatus> said = status;
        Optional<MemberState> state = place.map(ObservedMember::state);
        boolean lost = place.map(Delivered::lost).orElse(false);
        boolean stopped = state.equals(Optional.of(MemberState.STOPPED));
        boolean lately = time - answeredAt <= fresh.toNanos();
        // Of a primary without data nothing can be asked: its place alone answers for it.
        boolean answers = lately && (said.isPresent() || stopped || lost && !leads);
        boolean followed = primary.map(p -> streams(p, name())).orElse(false);
        return new Seen.Member(
                answers,
                said.isEmpty() && (stopped || lost),
                said.map(ReplicationStatus::revision).orElse(accepted),
                said.isPresent()
                        ? said.get().role() == EngineSession.Role.PRIMARY ? Seen.State.PRIMARY : Seen.State.STANDBY
                        : stopped
                                ? Seen.State.STOPPED
                                : lost ? leads ? Seen.State.OFF : Seen.State.EMPTY : Seen.State.UNKNOWN,
                end.isPresent(),
                said.map(ReplicationStatus::timeline).orElse(0),
                said.map(ReplicationStatus::position).orElse(end.orElse(0)),
                said.flatMap(ReplicationStatus::receivesFrom),
                unfit || diverged(said, primary) || primary.isPresent() && !followed && stuck(time, stuck),
                base,
                proved,
                proved,
                Duration.ofNanos(Math.max(0, time - (leads ? wroteAt : heardAt))),
                followed ? Duration.ZERO : Duration.ofNanos(time - streamedAt));
    }

    /** Returns whether this run of it goes on. */
    boolean runs(String incarnation) {
        return place.map(seen -> seen.state() == MemberState.RUNNING
                        && seen.incarnation().equals(Optional.of(incarnation)))
                .orElse(false);
    }

    /** Returns whether it replays no more before it is started anew. */
    boolean held() {
        return status.map(ReplicationStatus::held).orElse(false);
    }

    /** Returns how far a member had replayed when this one was asked last. */
    OptionalLong replayedBy(String member) {
        return status.stream()
                .flatMap(said -> said.standbys().stream())
                .filter(standby -> standby.member().equals(member))
                .mapToLong(ReplicationStatus.Standby::replayed)
                .findFirst();
    }

    private static boolean streams(ReplicationStatus primary, String member) {
        return primary.standbys().stream()
                .anyMatch(standby ->
                        standby.member().equals(member) && standby.state().equals("streaming"));
    }

    private boolean stuck(long time, Duration stuck) {
        return status.isPresent() && time - streamedAt > stuck.toNanos();
    }

    private boolean diverged(Optional<ReplicationStatus> said, Optional<ReplicationStatus> primary) {
        if (said.isEmpty() || primary.isEmpty() || said.get().role() == EngineSession.Role.PRIMARY) {
            return false;
        }
        long fork = primary.get().forks().getOrDefault(said.get().timeline(), Long.MAX_VALUE);
        return said.get().timeline() < primary.get().timeline() && said.get().position() > fork
                || primary.get().outrun().contains(name());
    }

    // ---- looking ----

    /** Looks at the member; at its place, too, if that may have changed or the member does not answer. */
    void look(Job job, boolean atPlace) {
        if (atPlace || session == null || place.isEmpty()) {
            place = Optional.of(job.delivery().observe(ref));
        }
        try {
            askIfItRuns(job);
        } catch (ProviderException e) {
            status = Optional.empty();
            place = Optional.of(job.delivery().observe(ref));
            if (e.code() == ErrorCode.TIMEOUT) {
                throw e;
            }
            askIfItRuns(job); // it may have been started anew since
        }
    }

    private void askIfItRuns(Job job) {
        ObservedMember seen = place.orElseThrow();
        boolean runs = seen.state() == MemberState.RUNNING || seen.state() == MemberState.STARTING;
        if (runs) {
            ask(job);
            return;
        }
        disconnect();
        if (seen.state() != MemberState.UNKNOWN) {
            answeredAt = ticker.nanos();
        }
    }

    private ReplicationStatus ask(Job job) {
        try {
            EngineSession open = session(job);
            ReplicationStatus said = open.replication();
            long time = ticker.nanos();
            if (said.role() == EngineSession.Role.PRIMARY && leads(job)) {
                Instant moment = now.get();
                long position = open.beat();
                wroteAt = time;
                mark(new Seen.Mark(moment, position));
            }
            said.unheard().ifPresent(unheard -> heardAt = time - unheard.toNanos());
            if (said.receivesFrom().equals(Optional.of(job.record().primary()))) {
                streamedAt = time;
            }
            end = OptionalLong.empty();
            status = Optional.of(said);
            answeredAt = ticker.nanos();
            return said;
        } catch (ProviderException e) {
            disconnect();
            throw e;
        }
    }

    /** The longer ago, the fewer are kept; the first stays, so that of a standby that is away for long something is known, too. */
    private void mark(Seen.Mark mark) {
        synchronized (marks) {
            if (marks.size() == MARKS) {
                List<Seen.Mark> all = List.copyOf(marks);
                marks.clear();
                for (int i = 0; i < MARKS; i += 2) {
                    marks.addLast(all.get(i));
                }
            }
            marks.addLast(mark);
        }
    }

    private boolean leads(Job job) {
        return job.record().primary().equals(name());
    }

    private EngineSession session(Job job) {
        EngineSession open = session;
        if (open == null) {
            open = connect(job, QUESTION);
            session = open;
        }
        return open;
    }

    private EngineSession connect(Job job, Duration timeout) {
        AdminAddress address = place.flatMap(ObservedMember::admin)
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, ref + " has no address for administration now"));
        return job.engine().connect(job.request(), address, timeout);
    }

    /** Ends the session; nothing is known of a running server then. */
    void disconnect() {
        status = Optional.empty();
        EngineSession open = session;
        session = null;
        if (open != null) {
            try {
                open.close();
            } catch (ProviderException e) {
                log.debug("the session of {} was broken: {}", ref, e.getMessage());
            }
        }
    }

    /** Breaks a copy off from another thread. */
    void breakOff() {
        InputStream data = copying;
        if (data != null) {
            try {
                data.close();
            } catch (IOException e) {
                log.debug("the copy for {} was broken already", ref, e);
            }
        }
    }

    // ---- orders ----

    /** Makes the member what the order says, as far as it goes now. */
    void carryOut(Job job, Order order, Optional<MemberLink> source) {
        if (order instanceof Order.Lead lead) {
            lead(job, lead.setting());
        } else if (order instanceof Order.Follow follow) {
            follow(job, Optional.of(follow.primary()));
        } else if (order instanceof Order.Detach) {
            follow(job, Optional.empty());
        } else if (order instanceof Order.Rest rest) {
            rest(job, rest.cleanly());
        } else if (order instanceof Order.Remake remake) {
            remake(job, remake.rebuild(), source.orElseThrow());
        }
        accepted = job.record().revision();
    }

    private void lead(Job job, Quorum setting) {
        if (lacksData(job)) {
            throw Delivered.gone(ref, false);
        }
        int letIn = newcomers.get();
        run(job);
        requireShown(job, true);
        boolean promoted = status.map(ReplicationStatus::role).equals(Optional.of(EngineSession.Role.STANDBY));
        if (promoted) {
            session(job).promote(job.record().revision());
        }
        // While it begins to lead: nobody is told to follow it before it does.
        admit(job);
        if (promoted) {
            if (!until(PROMOTED, () -> ask(job).role() == EngineSession.Role.PRIMARY)) {
                throw new ProviderException(ErrorCode.TIMEOUT, ref + " was told to lead and does not yet");
            }
            return; // proved when the record says that it leads
        }
        prove(job, setting, letIn);
    }

    private void admit(Job job) {
        Set<String> others = new TreeSet<>(job.request().members());
        others.remove(name());
        session(job).admitStandbys(others);
        Map<String, Long> from = new HashMap<>();
        for (String made : job.record().rebuilds().keySet()) {
            session(job).keptFrom(made).ifPresent(position -> from.put(made, position));
        }
        kept = new Kept(job.record().revision(), from);
        admitted = others;
    }

    /**
     * A position that was written after everybody has the setting, and that enough standbys have: so they have everything before, too.
     * A sender that brought the confirmation has read the setting since, for it reads settings before it reads answers; one that did
     * not is ended and begins anew with the setting.
     */
    private void prove(Job job, Quorum setting, int letIn) {
        if (proved == job.record().revision()) {
            return;
        }
        if (!setting.alone()) {
            if (job.record().guaranteed().alone()) {
                try (EngineSession work = connect(job, WORK)) {
                    work.checkpoint();
                }
            }
            long position = session(job).beat();
            Set<String> counted = new HashSet<>(setting.members());
            counted.addAll(job.record().guaranteed().members());
            if (!until(EFFECT, () -> behind(ask(job), counted, position).isEmpty() || overtaken(job))) {
                session(job).disconnectStandbys(behind(ask(job), counted, position));
                if (!until(EFFECT, () -> behind(ask(job), counted, position).isEmpty())) {
                    return; // one that has not ended yet may still go by the old setting
                }
            }
            // One that is only being made need not be asked for all the time.
            if (!until(EFFECT, SELDOM, () -> enough(ask(job), setting, position) || overtaken(job)) || overtaken(job)) {
                return;
            }
        }
        proved = job.record().revision();
        if (newcomers.get() != letIn) {
            proved = 0;
        }
    }

    private static boolean enough(ReplicationStatus primary, Quorum setting, long position) {
        return primary.standbys().stream()
                        .filter(standby -> standby.flushed() >= position)
                        .map(ReplicationStatus.Standby::member)
                        .filter(setting.members()::contains)
                        .distinct()
                        .count()
                >= setting.needed();
    }

    private static Set<String> behind(ReplicationStatus primary, Set<String> counted, long position) {
        return primary.standbys().stream()
                .filter(standby -> counted.contains(standby.member()) && standby.flushed() < position)
                .map(ReplicationStatus.Standby::member)
                .collect(Collectors.toSet());
    }

    /** @param from whom it shall receive from; nothing to receive from nobody */
    private void follow(Job job, Optional<String> from) {
        if (lacksData(job)) {
            return; // the planner sees that it is empty
        }
        run(job);
        requireShown(job, false);
        if (!until(EFFECT, () -> ask(job).receivesFrom().equals(from) || overtaken(job))) {
            log.debug("{} does not receive from {} yet", ref, from);
        }
    }

    private void rest(Job job, boolean cleanly) {
        if (lacksData(job)) {
            return;
        }
        MemberWorkload workload = job.workload(name());
        boolean runs = place.map(seen -> seen.state() == MemberState.RUNNING).orElse(false);
        if (cleanly && runs) {
            try (EngineSession work = connect(job, WORK)) {
                work.checkpoint();
            }
        }
        disconnect();
        place = Optional.of(job.delivery().stop(workload, job.epoch(), cleanly ? StopMode.GRACEFUL : StopMode.KILL));
        if (cleanly) {
            end = endOfLog(job, workload);
        }
        answeredAt = ticker.nanos();
    }

    /** Ends a member that is started anew after it. */
    void stop(Job job) {
        if (place.map(seen -> seen.state() == MemberState.RUNNING).orElse(false)) {
            rest(job, true);
        }
    }

    /** Ends a member that hangs, also while a look waits for its answer; its place sees that it is gone then. */
    void end(Job job) {
        place = Optional.of(job.delivery().stop(job.workload(name()), job.epoch(), StopMode.KILL));
    }

    private void remake(Job job, Rebuild rebuild, MemberLink source) {
        boolean made = base >= rebuild.since() && !lacksData(job);
        if (!made) {
            MemberWorkload workload = job.workload(name());
            OptionalLong twin = beginAlike(job, workload, source);
            if (!until(SHOWN, () -> source.admitted.contains(name()))) {
                throw new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, source.ref + " does not keep its log for " + ref + " yet");
            }
            if (twin.isEmpty() || !source.kept.reaches(name(), rebuild, twin.getAsLong())) {
                awaitOthers(job, source);
                copy(job, workload, source);
            }
            base = job.record().revision();
        }
        follow(job, Optional.of(source.name()));
    }

    /**
     * Lets it begin as its primary began, if both are copies of one template: then all that it lacks is in the primary's log. Returns
     * where its own log ends, or nothing if it did not.
     */
    private OptionalLong beginAlike(Job job, MemberWorkload workload, MemberLink source) {
        Optional<ObservedMember> alike = job.delivery().fillAlike(workload, source.ref, job.epoch());
        if (alike.isEmpty()) {
            return OptionalLong.empty();
        }
        place = alike;
        return endOfLog(job, workload);
    }

    private static OptionalLong endOfLog(Job job, MemberWorkload workload) {
        return job.engine()
                .endOfLog(job.delivery()
                        .exec(workload, job.engine().endOfLog(), job.epoch())
                        .stdout());
    }

    /** Writes may wait for who needs no copy: it comes first, and a copy makes all else slow. */
    private void awaitOthers(Job job, MemberLink source) {
        boolean others = job.request().members().stream()
                .anyMatch(member -> !member.equals(name())
                        && !member.equals(source.name())
                        && !job.record().rebuilds().containsKey(member));
        if (others) {
            until(EFFECT, source::isFollowed);
        }
    }

    private boolean isFollowed() {
        return status.map(said -> !said.standbys().isEmpty()).orElse(false);
    }

    private void copy(Job job, MemberWorkload workload, MemberLink source) {
        AdminAddress address = source.place
                .flatMap(ObservedMember::admin)
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, source.ref + " cannot be copied now: it does not run"));
        disconnect();
        job.delivery().stop(workload, job.epoch(), StopMode.KILL);
        boolean placed = !lacksData(job);
        place = Optional.of(job.delivery().prepare(workload, job.epoch()));
        if (!placed) {
            // It is told to lead again, and lets in whoever is where this one is now.
            source.newcomers.incrementAndGet();
            source.proved = 0;
        }
        if (workload.filled().size() != 1) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED, ref + " has " + workload.filled() + " to be filled; expected one");
        }
        try (InputStream data = job.engine().copy(job.request(), address)) {
            copying = data;
            place = Optional.of(
                    job.delivery().fill(workload, workload.filled().iterator().next(), data, job.epoch()));
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "the copy for " + ref + " broke off: " + e.getMessage(), e);
        } finally {
            copying = null;
        }
    }

    private boolean lacksData(Job job) {
        if (place.isEmpty() || status.isEmpty()) {
            place = Optional.of(job.delivery().observe(ref));
        }
        return Delivered.lost(place.get());
    }

    private void run(Job job) {
        MemberWorkload workload = job.workload(name());
        ObservedMember seen = Delivered.prepare(job.delivery(), workload, job.epoch(), false);
        if (seen.state() != MemberState.RUNNING) {
            disconnect();
            try {
                seen = job.delivery().start(workload, job.epoch(), START);
            } catch (ProviderException e) {
                // Its data does not let it start: a copy will.
                unfit = e.code() == ErrorCode.PROVIDER_FAILED;
                accepted = job.record().revision();
                throw e;
            }
        }
        place = Optional.of(seen);
        unfit = false;
    }

    /** @param anew whether a new session must show the order: then whoever starts it has it, and has told all others */
    private void requireShown(Job job, boolean anew) {
        long revision = job.record().revision();
        // The session that is there knows the catalogues; a new one is asked for no more than is needed.
        boolean shown = until(
                SHOWN, () -> (!anew || revisionOfNewSessions(job) >= revision) && ask(job).revision() >= revision);
        if (!shown) {
            throw new ProviderException(ErrorCode.TIMEOUT, ref + " does not read its settings again");
        }
    }

    private long revisionOfNewSessions(Job job) {
        try (EngineSession fresh = connect(job, QUESTION)) {
            return fresh.revision();
        }
    }

    private static boolean until(Duration patience, BooleanSupplier so) {
        return until(patience, LOOK, so);
    }

    private static boolean until(Duration patience, Duration pause, BooleanSupplier so) {
        for (long looks = patience.dividedBy(pause); looks > 0; looks--) {
            if (so.getAsBoolean()) {
                return true;
            }
            LockSupport.parkNanos(pause.toNanos());
            if (Thread.currentThread().isInterrupted()) {
                throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "the control plane is closing");
            }
        }
        return so.getAsBoolean();
    }
}
