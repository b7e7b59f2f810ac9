package dev.tenon.core.reconcile;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.OperationView.StepState;
import dev.tenon.api.Reason;
import dev.tenon.api.TenonException;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.ChangePlanner;
import dev.tenon.core.change.ServerCertificates;
import dev.tenon.core.change.StepNames;
import dev.tenon.core.change.Submitter;
import dev.tenon.core.cluster.Clusters;
import dev.tenon.core.event.Told;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.json.Json;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Carries one operation out, step by step. Before an effect outside, the step's intent is committed under the lease; after it, its
 * result, together with the intent of the next. A step found begun is run again: it looks before it acts. Steps that only build on
 * the one before share its intent while they come quickly: found begun, the first is run again, and they after it.
 */
final class Runner {
    private static final Logger log = LoggerFactory.getLogger(Runner.class);
    private static final int CONFLICTS = 50;
    private static final Duration STORE_PAUSE = Duration.ofSeconds(1);
    /** A healing that fails is not parked: the next look decides anew, at growing distances. */
    private static final int HEAL_TRIES = 2;

    private static final Duration HEALING_TIME = Duration.ofMinutes(10);
    /** Who follows an operation sees a step that is longer than this; what is shorter is not worth a flush of the disk. */
    private static final Duration PROGRESS = Duration.ofMillis(200);

    private final StateStore store;
    private final Journal journal;
    private final Fleet fleet;
    private final Offering offering;
    private final ServerCertificates certificates;
    private final Clusters clusters;
    private final Generator generator;
    private final Clock clock;
    private final Diary diary;

    Runner(
            StateStore store,
            Journal journal,
            Fleet fleet,
            Offering offering,
            ServerCertificates certificates,
            Clusters clusters,
            Generator generator,
            Clock clock,
            Diary diary) {
        this.store = store;
        this.journal = journal;
        this.fleet = fleet;
        this.offering = offering;
        this.certificates = certificates;
        this.clusters = clusters;
        this.generator = generator;
        this.clock = clock;
        this.diary = diary;
    }

    /** Runs the operation at the head of the instance's queue to its end, or until it has to wait. */
    Outcome run(InstanceDoc doc, InstanceDoc.Queued queued, Lease lease) {
        try (MDC.MDCCloseable i = MDC.putCloseable("tenon.instance", doc.id().value());
                MDC.MDCCloseable o =
                        MDC.putCloseable("tenon.operation", queued.id().value())) {
            Optional<OperationDoc> found = journal.operation(queued.id());
            if (found.isEmpty() || found.get().state().done()) {
                InstanceDoc after =
                        doc.but().queue(doc.queueWithout(queued.id())).build();
                journal.entry(doc.tenant()).guard(lease).instance(doc, after).commit();
                return new Outcome.LookAgain();
            }
            return new Run(doc, lease, found.get()).go();
        } catch (CommitRefusedException e) {
            if (e.condition() == CommitRefusedException.Condition.LEASE) {
                diary.note(doc.id(), Reason.of(Reason.Code.LEASE_LOST));
                return new Outcome.NotOurs();
            }
            // Somebody asked for a cancel, or queued another operation: what was done is seen again from the store.
            return new Outcome.LookAgain();
        }
    }

    private final class Run {
        private InstanceDoc doc;
        private final Lease lease;
        private OperationDoc op;
        private Instant committed = Instant.MIN;

        Run(InstanceDoc doc, Lease lease, OperationDoc op) {
            this.doc = doc;
            this.lease = lease;
            this.op = op;
        }

        Outcome go() {
            Instant now = clock.instant();
            if (op.state() == OperationState.PARKED) {
                // Its entry in the queue was freed by a retry whose other half is in the operation itself.
                park();
                return new Outcome.LookAgain();
            }
            if (op.state() == OperationState.WAITING && op.nextTryAt().isPresent() && !op.cancelRequested()) {
                Duration pause = Duration.between(now, op.nextTryAt().get());
                if (!pause.isNegative() && !pause.isZero()) {
                    return new Outcome.Later(pause);
                }
            }
            if (op.cancelRequested() && !op.undoing() && !StepNames.destroying(op)) {
                return cancel();
            }
            if (!op.undoing()) {
                if (op.deadline().isBefore(now)) {
                    return failed(ErrorCode.TIMEOUT, "not done by its deadline " + op.deadline());
                }
                if (op.state() == OperationState.QUEUED && !Legality.allowed(op.kind(), doc.phase())) {
                    return failed(ErrorCode.ILLEGAL_STATE, Legality.refusal(op.kind(), doc.phase()));
                }
            }
            if (op.state() == OperationState.QUEUED
                    && op.kind() == OperationKind.DELETE
                    && doc.phase() == Phase.FAILED) {
                // Asked for while its creation was still on the way: of what failed nothing is left to be kept.
                op = op.but()
                        .steps(OperationCodec.pending(StepNames.of(op.kind(), doc.phase(), true)))
                        .build();
            }
            try {
                return op.undoing() ? undo() : steps();
            } catch (CommitRefusedException e) {
                throw e;
            } catch (TenonException e) {
                if (e.code() == ErrorCode.STORE_UNAVAILABLE) {
                    diary.note(doc.id(), Reason.of(Reason.Code.STORE_SILENT));
                    return new Outcome.Later(STORE_PAUSE);
                }
                return stumbled(e.code(), text(e));
            } catch (RuntimeException e) {
                log.error("a defect in a step of {}", op.kind(), e);
                return stumbled(ErrorCode.INTERNAL, "a defect: " + e);
            }
        }

        private Work work() {
            return new Work(
                    journal,
                    fleet,
                    clusters,
                    generator::password,
                    lease,
                    doc,
                    op,
                    offering,
                    certificates,
                    clock.instant());
        }

        private Outcome steps() {
            Work work = work();
            for (int i = 0; i < op.steps().size(); i++) {
                OperationView.Step step = op.steps().get(i);
                if (step.state() == StepState.DONE) {
                    continue;
                }
                if (!begin(i)) {
                    return new Outcome.LookAgain();
                }
                Steps.run(step.name(), work);
                op = op.but()
                        .steps(with(i, done(op.steps().get(i))))
                        .failures(0)
                        .build();
                if (Thread.currentThread().isInterrupted()) {
                    return new Outcome.LookAgain();
                }
            }
            return succeeded(work);
        }

        /**
         * Commits the intent of a step, and with it the result of the one before, unless the intent is there already.
         *
         * @return false if somebody else has changed the operation
         */
        private boolean begin(int index) {
            Instant now = clock.instant();
            OperationView.Step step = op.steps().get(index);
            OperationDoc begun = op.but()
                    .state(OperationState.RUNNING)
                    .startedAt(op.startedAt().or(() -> Optional.of(now)))
                    .nextTryAt(Optional.empty())
                    .steps(with(
                            index,
                            new OperationView.Step(
                                    step.name(),
                                    StepState.STARTED,
                                    Optional.of(now),
                                    Optional.empty(),
                                    step.attempts() + 1)))
                    .build();
            boolean provisioning = op.kind() == OperationKind.CREATE && doc.phase() == Phase.REQUESTED;
            if (index > 0 && !Steps.effect(step.name())) {
                op = begun;
                return true;
            }
            if (Steps.buildsOnTheOneBefore(step.name()) && now.isBefore(committed.plus(PROGRESS))) {
                long seen =
                        journal.operation(op.id()).map(OperationDoc::version).orElse(0L);
                op = begun;
                return seen == begun.version();
            }
            Journal.Entry entry = journal.entry(doc.tenant()).guard(lease).operation(op, begun);
            if (provisioning) {
                entry.instance(
                        doc, doc.but().lifecycle(new Lifecycle.Provisioning()).build());
            }
            Journal.Written written = entry.commit();
            op = written.operation();
            doc = written.instance().orElse(doc);
            committed = now;
            return true;
        }

        private OperationView.Step done(OperationView.Step step) {
            return new OperationView.Step(
                    step.name(), StepState.DONE, step.startedAt(), Optional.of(clock.instant()), step.attempts());
        }

        private List<OperationView.Step> with(int index, OperationView.Step step) {
            List<OperationView.Step> steps = new ArrayList<>(op.steps());
            steps.set(index, step);
            return steps;
        }

        private Outcome succeeded(Work work) {
            note(Reason.Code.OPERATION_DONE);
            end(OperationState.SUCCEEDED, Optional.empty(), Optional.empty(), now -> after(work, now));
            log.info("{} done", op.kind());
            return next();
        }

        /** After an end: what was just made true need not be looked at again at once. */
        private Outcome next() {
            return doc.head().isPresent() || doc.generation() != doc.observedGeneration()
                    ? new Outcome.LookAgain()
                    : new Outcome.Settled();
        }

        /** Returns the document after the operation has succeeded. */
        private InstanceDoc.Builder after(Work work, InstanceDoc now) {
            InstanceDoc.Builder builder = now.but();
            OperationKind kind = op.kind();
            Phase phase = now.phase();
            boolean purged = op.steps().stream().anyMatch(step -> step.name().equals(StepNames.DESTROY));
            Instant time = clock.instant();
            if (purged) {
                return builder.lifecycle(new Lifecycle.Deleted())
                        .health(down(Reason.Code.PURGED))
                        .address(Optional.empty())
                        .members(List.of());
            }
            work.into(builder, now);
            if (work.rolls()) {
                builder.rolled(Map.of()); // all have what the document says from here on
            }
            switch (kind) {
                case CREATE, START, UNFREEZE ->
                    builder.lifecycle(new Lifecycle.Active()).health(new Health.Healthy());
                case STOP -> builder.lifecycle(new Lifecycle.Stopped()).health(down(Reason.Code.STOPPED_AS_ASKED));
                case FREEZE -> builder.lifecycle(new Lifecycle.Frozen()).health(down(Reason.Code.FROZEN_AS_ASKED));
                case DELETE ->
                    builder.before(phase)
                            .lifecycle(new Lifecycle.Recycled(store.now()
                                    .plus(op.change()
                                            .map(ChangePlanner::retention)
                                            .orElseThrow())))
                            .health(down(Reason.Code.RECYCLED));
                case RECOVER -> recovered(builder, now);
                case HEAL -> {
                    int heals = HealthPlanner.healsAfter(now.heals(), now.healedAt(), time);
                    builder.heals(heals).healedAt(time);
                    if (phase.running()) {
                        builder.health(new Health.Healthy());
                    }
                }
                case RESTART -> builder.health(new Health.Healthy());
                case RESIZE,
                        UPDATE,
                        ACCESS,
                        PARAMETERS,
                        PURGE,
                        ACCOUNT_CREATE,
                        ACCOUNT_GRANT,
                        ACCOUNT_PASSWORD,
                        ACCOUNT_DROP,
                        DATABASE_CREATE,
                        DATABASE_DROP,
                        STANDBY_ADD,
                        STANDBY_REMOVE,
                        STANDBY_REBUILD,
                        SWITCHOVER,
                        FAILOVER -> {}
            }
            // The specification may have changed since the steps were laid out only by operations, and those queue.
            boolean changed =
                    !work.spec().equals(now.spec()) || !work.resources().equals(now.resources());
            // What an operation before it left half done is not put back by this one.
            boolean leaves = kind == OperationKind.UPDATE || now.mixed() && !work.rolls();
            long generation = now.generation() + (changed ? 1 : 0);
            return builder.spec(work.spec())
                    .resources(work.resources())
                    .generation(generation)
                    .observedGeneration(
                            leaves && now.observedGeneration() < now.generation()
                                    ? now.observedGeneration()
                                    : generation);
        }

        private static void recovered(InstanceDoc.Builder builder, InstanceDoc now) {
            Phase before = now.before().orElse(Phase.ACTIVE);
            builder.before(Optional.empty());
            if (before == Phase.FROZEN) {
                builder.lifecycle(new Lifecycle.Frozen()).health(down(Reason.Code.FROZEN_AS_ASKED));
            } else if (before == Phase.STOPPED) {
                builder.lifecycle(new Lifecycle.Stopped()).health(down(Reason.Code.STOPPED_AS_ASKED));
            } else {
                builder.lifecycle(new Lifecycle.Active()).health(new Health.Healthy());
            }
        }

        private Outcome cancel() {
            note(Reason.Code.OPERATION_CANCELLED);
            if (op.kind() == OperationKind.CREATE) {
                op = journal.entry(doc.tenant())
                        .guard(lease)
                        .operation(
                                op,
                                op.but()
                                        .undoing(true)
                                        .state(OperationState.RUNNING)
                                        .failures(0)
                                        .error(ErrorCode.CANCELLED)
                                        .message("cancelled before it was done; everything was taken back")
                                        .build())
                        .commit()
                        .operation();
                return new Outcome.LookAgain();
            }
            end(
                    OperationState.CANCELLED,
                    Optional.of(ErrorCode.CANCELLED),
                    Optional.of("cancelled before it was done"),
                    now -> givenUp(now));
            return new Outcome.LookAgain();
        }

        private Outcome undo() {
            Work work = work();
            Steps.undo(work);
            op = op.but()
                    .steps(op.steps().stream()
                            .map(step -> step.state() == StepState.PENDING
                                    ? step
                                    : new OperationView.Step(
                                            step.name(),
                                            step.state() == StepState.DONE ? StepState.UNDONE : StepState.FAILED,
                                            step.startedAt(),
                                            step.finishedAt(),
                                            step.attempts()))
                            .toList())
                    .build();
            boolean cancelled = op.cancelRequested();
            String cause = op.message().orElse("unknown");
            Reason why = why(Reason.Code.OPERATION_FAILED, op.error().orElse(ErrorCode.INTERNAL), cause);
            end(cancelled ? OperationState.CANCELLED : OperationState.FAILED, op.error(), op.message(), now -> now.but()
                    // Whoever cancels wants it not to be; what failed is kept to be looked at.
                    .lifecycle(cancelled ? new Lifecycle.Deleted() : new Lifecycle.Failed(cause))
                    .health(new Health.Down(List.of(why)))
                    .address(Optional.empty()));
            return new Outcome.LookAgain();
        }

        /** A try failed: wait and try again, park, take back, or give up. */
        private Outcome stumbled(ErrorCode code, String message) {
            int failures = op.failures() + 1;
            int tries = op.kind() == OperationKind.HEAL ? HEAL_TRIES : Backoff.TRIES;
            boolean again = code.retryable() || op.undoing();
            if (again && failures < tries) {
                Duration pause = Backoff.pause(failures, generator.jitter());
                note(Reason.Code.OPERATION_RETRIED, code, message);
                op = journal.entry(doc.tenant())
                        .guard(lease)
                        .operation(
                                op,
                                op.but()
                                        .state(OperationState.WAITING)
                                        .failures(failures)
                                        .error(op.undoing() ? op.error() : Optional.of(code))
                                        .message(op.undoing() ? op.message() : Optional.of(message))
                                        .nextTryAt(clock.instant().plus(pause))
                                        .build())
                        .commit()
                        .operation();
                return new Outcome.Later(pause);
            }
            if (again && op.kind() != OperationKind.HEAL) {
                op = op.but().error(code).message(message).failures(failures).build();
                log.warn("{} is parked after {} tries: {}", op.kind(), failures, message);
                park();
                return new Outcome.LookAgain();
            }
            return failed(code, message);
        }

        private void note(Reason.Code what) {
            diary.note(doc.id(), Reason.of(what, op.kind().name()));
        }

        private void note(Reason.Code what, ErrorCode error, String message) {
            diary.note(doc.id(), why(what, error, message));
        }

        private Reason why(Reason.Code what, ErrorCode error, String message) {
            return Reason.of(what, op.kind().name()).because(Reason.error(error, message));
        }

        private void park() {
            note(
                    Reason.Code.OPERATION_PARKED,
                    op.error().orElse(ErrorCode.INTERNAL),
                    op.message().orElse(""));
            OperationDoc parked = op.but()
                    .state(OperationState.PARKED)
                    .nextTryAt(Optional.empty())
                    .build();
            conflictFree(now -> journal.entry(doc.tenant())
                    .guard(lease)
                    .operation(op, parked.but().version(op.version()).build())
                    .instance(
                            now,
                            now.but()
                                    .queue(now.queue().stream()
                                            .map(queued -> queued.id().equals(op.id()) ? queued.parked(true) : queued)
                                            .toList())
                                    .build())
                    .event(
                            Optional.of(doc.id()),
                            Optional.of(op.id()),
                            Told.error(
                                            "operation.parked",
                                            op.kind() + " of " + doc.spec().name() + " is parked: "
                                                    + op.message().orElse(""))
                                    .with(Map.of(
                                            "code",
                                            op.error().map(Enum::name).orElse(""),
                                            "kind",
                                            op.kind().name()))
                                    .because(Events.failure(op)))
                    .commit());
        }

        private Outcome failed(ErrorCode code, String message) {
            note(Reason.Code.OPERATION_FAILED, code, message);
            log.warn("{} failed: {}", op.kind(), message);
            boolean begun = op.steps().stream().anyMatch(step -> step.state() != StepState.PENDING);
            op = op.but()
                    .error(code)
                    .message(message)
                    .failures(0)
                    .steps(op.steps().stream()
                            .map(step -> step.state() == StepState.STARTED
                                    ? new OperationView.Step(
                                            step.name(),
                                            StepState.FAILED,
                                            step.startedAt(),
                                            Optional.of(clock.instant()),
                                            step.attempts())
                                    : step)
                            .toList())
                    .build();
            if (op.kind() == OperationKind.CREATE && begun) {
                OperationDoc undoing =
                        op.but().undoing(true).state(OperationState.RUNNING).build();
                op = journal.entry(doc.tenant())
                        .guard(lease)
                        .operation(op, undoing)
                        .commit()
                        .operation();
                return new Outcome.LookAgain();
            }
            end(
                    OperationState.FAILED,
                    Optional.of(code),
                    Optional.of(message),
                    now -> op.kind() == OperationKind.CREATE
                            ? now.but()
                                    .lifecycle(new Lifecycle.Failed(message))
                                    .health(new Health.Down(List.of(why(Reason.Code.OPERATION_FAILED, code, message))))
                            : givenUp(now));
            return new Outcome.LookAgain();
        }

        /** What was begun of a change may be half in force: the next look puts back what the document says. */
        private InstanceDoc.Builder givenUp(InstanceDoc now) {
            boolean begun = op.startedAt().isPresent();
            InstanceDoc.Builder builder = now.but();
            if (StepNames.destroying(op)) {
                Reason cause = Reason.of(Reason.Code.PURGE_GIVEN_UP);
                return builder.lifecycle(new Lifecycle.Failed(cause.text())).health(new Health.Down(List.of(cause)));
            }
            switch (op.kind()) {
                case STANDBY_ADD -> {
                    if (begun) {
                        builder.generation(now.generation() + 1).members(withoutNeverMade(now));
                    }
                }
                case RESIZE, ACCESS, PARAMETERS, STANDBY_REMOVE, STANDBY_REBUILD, SWITCHOVER -> {
                    if (begun) {
                        builder.generation(now.generation() + 1);
                    }
                }
                case HEAL -> {
                    builder.heals(HealthPlanner.healsAfter(now.heals(), now.healedAt(), clock.instant()))
                            .healedAt(clock.instant())
                            .health(afterFailedHealing(now));
                    op.leaving().ifPresent(lost -> notReplaced(builder, now, lost));
                }
                default -> {}
            }
            return builder;
        }

        /** Keeps why none could be made elsewhere, to be told until the next try. */
        private void notReplaced(InstanceDoc.Builder builder, InstanceDoc now, String lost) {
            InstanceDoc.Unseen one = now.unseen().get(lost);
            if (one != null) {
                builder.putUnseen(lost, new InstanceDoc.Unseen(one.since(), one.lost(), op.message()));
            }
            builder.members(withoutNeverMade(now));
        }

        /** A standby that was to be added and that no place took is none: nothing would be left of it but a name to heal. */
        private List<InstanceDoc.MemberStatus> withoutNeverMade(InstanceDoc now) {
            List<InstanceDoc.MemberStatus> members = new ArrayList<>(now.members());
            int most = 1 + now.spec().topology().standbys();
            if (now.failover().isPresent()) {
                // The newest are the last.
                for (int i = members.size() - 1; i > 0 && members.size() > most; i--) {
                    if (members.get(i).member().state().equals(MemberState.ABSENT.name())) {
                        members.remove(i);
                    }
                }
            }
            return members;
        }

        /** With standbys, what could not be healed may be one of those: then the next look says how well the instance is. */
        private Health afterFailedHealing(InstanceDoc now) {
            List<Reason> causes = List.of(why(
                    Reason.Code.OPERATION_FAILED,
                    op.error().orElse(ErrorCode.INTERNAL),
                    op.message().orElse("healing failed")));
            if (!now.phase().running()) {
                return now.health();
            }
            return now.members().size() > 1 ? new Health.Degraded(causes) : new Health.Down(causes);
        }

        /** Ends the operation: its result, the instance's document, quota, secrets and events in one commit. */
        private void end(
                OperationState state,
                Optional<ErrorCode> error,
                Optional<String> message,
                java.util.function.Function<InstanceDoc, InstanceDoc.Builder> change) {
            conflictFree(now -> {
                OperationDoc ended = op.but()
                        .state(state)
                        .error(error)
                        .message(message)
                        .nextTryAt(Optional.empty())
                        .finishedAt(clock.instant())
                        .build();
                InstanceDoc after = change.apply(now).build();
                boolean gone = after.phase() == Phase.DELETED;
                after = after.but()
                        .queue(gone ? List.of() : now.queueWithout(op.id()))
                        .build();
                Journal.Entry entry = journal.entry(doc.tenant())
                        .guard(lease)
                        .operation(op, ended)
                        .instance(now, after);
                if (op.kind() == OperationKind.ACCOUNT_CREATE || op.kind() == OperationKind.ACCOUNT_PASSWORD) {
                    entry.forgetSecrets(op.id().value());
                }
                if (gone) {
                    entry.forgetSecrets(doc.id().value());
                    endOthers(entry, now);
                }
                entry.event(
                        Optional.of(doc.id()),
                        Optional.of(op.id()),
                        Events.of(ended, after).with(ended.outcome(op.requestedBy())));
                Journal.Written written = entry.commit();
                if (gone) {
                    diary.forget(doc.id());
                }
                return written;
            });
        }

        /** What still waits for an instance that is gone can never run. */
        private void endOthers(Journal.Entry entry, InstanceDoc now) {
            for (InstanceDoc.Queued other : now.queue()) {
                if (other.id().equals(op.id())) {
                    continue;
                }
                journal.operation(other.id()).filter(o -> !o.state().done()).ifPresent(o -> {
                    entry.operation(
                            o,
                            o.but()
                                    .state(OperationState.FAILED)
                                    .error(ErrorCode.GONE)
                                    .message("the instance was removed before it was this operation's turn")
                                    .nextTryAt(Optional.empty())
                                    .finishedAt(clock.instant())
                                    .build());
                    entry.forgetSecrets(o.id().value());
                });
            }
        }

        /** Commits against the newest documents: others may queue operations or ask for a cancel meanwhile. */
        private void conflictFree(java.util.function.Function<InstanceDoc, Journal.Written> commit) {
            for (int i = 0; ; i++) {
                InstanceDoc now = fleet.find(doc.id()).orElse(doc);
                try {
                    Journal.Written written = commit.apply(now);
                    op = written.operation();
                    doc = written.instance().orElse(now);
                    return;
                } catch (CommitRefusedException e) {
                    if (e.condition() != CommitRefusedException.Condition.VERSION || i == CONFLICTS) {
                        throw e;
                    }
                    OperationDoc newest = journal.operation(op.id()).orElseThrow(() -> e);
                    if (newest.state().done()) {
                        throw e;
                    }
                    op = op.but()
                            .version(newest.version())
                            .cancelRequested(newest.cancelRequested())
                            .build();
                }
            }
        }
    }

    private static Health down(Reason.Code cause) {
        return new Health.Down(List.of(Reason.of(cause)));
    }

    static String text(RuntimeException e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    private static List<String> healingSteps(InstanceDoc doc, boolean hung) {
        if (doc.phase().running() && doc.failover().isPresent()) {
            return doc.mixed()
                    ? List.of(StepNames.FILES, StepNames.JOIN, StepNames.ROLL, StepNames.SYNC, StepNames.PUBLISH)
                    : List.of(StepNames.FILES, StepNames.JOIN, StepNames.SYNC, StepNames.PUBLISH);
        }
        List<String> steps = new ArrayList<>(StepNames.of(OperationKind.HEAL, doc.phase(), false));
        if (doc.generation() == doc.observedGeneration()) {
            // Only a change that was given up touched limits: a server that merely died is back sooner without asking
            // for them.
            steps.remove(StepNames.LIMITS);
        }
        if (hung) {
            steps.add(0, StepNames.KILL_HUNG);
        }
        if (doc.spec().ephemeral() && steps.contains(StepNames.START)) {
            // Its last commits are not on the disk yet; the one that let the owner in may have been lost with the
            // server.
            steps.add(steps.indexOf(StepNames.START) + 1, StepNames.HAND_OVER);
        }
        return steps;
    }

    /**
     * Returns a healing to be queued.
     *
     * @param hung a member to be killed first
     */
    OperationDoc healing(InstanceDoc doc, Reason reason, Optional<MemberRef> hung) {
        Map<String, String> arguments = new HashMap<>();
        hung.ifPresent(ref -> arguments.put("hung", ref.member()));
        return healing(doc, reason, arguments, healingSteps(doc, hung.isPresent()), HEALING_TIME);
    }

    /** Returns the making of another member instead of one that is lost with its host, to be queued. */
    OperationDoc replacing(InstanceDoc doc, Reason reason, String lost) {
        return healing(
                doc,
                reason,
                Map.of(OperationDoc.LOST, lost),
                List.of(StepNames.MEMBERS, StepNames.JOIN, StepNames.SYNC, StepNames.PUBLISH),
                Submitter.COPY_TIME);
    }

    private OperationDoc healing(
            InstanceDoc doc, Reason reason, Map<String, String> more, List<String> steps, Duration time) {
        Instant now = clock.instant();
        Map<String, String> arguments = new HashMap<>(more);
        arguments.put("why", Json.write(SpecCodec.reason(reason)));
        return OperationDoc.builder()
                .id(generator.operation())
                .tenant(doc.tenant())
                .instance(doc.id())
                .kind(OperationKind.HEAL)
                .arguments(arguments)
                .state(OperationState.QUEUED)
                .steps(OperationCodec.pending(steps))
                .requestedBy("control plane")
                .createdAt(now)
                .deadline(now.plus(time))
                .build();
    }

    /** Returns whether an operation must not wait any longer, because its time is over or it shall be cancelled. */
    static boolean overdue(Journal journal, InstanceDoc.Queued queued, Instant now) {
        return journal.operation(queued.id())
                .map(op -> op.state().done()
                        || op.cancelRequested()
                        || op.deadline().isBefore(now))
                .orElse(true);
    }
}
