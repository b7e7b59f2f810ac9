package dev.tenon.core.change;

import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.Preview;
import dev.tenon.api.Reason;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.catalogue.PlaceLedger;
import dev.tenon.core.event.Told;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.spec.Charge;
import dev.tenon.core.tenancy.QuotaLedger;
import dev.tenon.core.tenancy.TenantDoc;
import dev.tenon.core.tenancy.TenantRegister;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.TlsMaterial;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Accepts changes: checks everything first, then keeps operation, place in the queue, name, quota, secrets and event in one commit.
 * What this refuses has left no trace. Thread-safe.
 */
public final class Submitter {
    /** How long somebody may wait with an approval. */
    public static final Duration APPROVAL_TIME = Duration.ofHours(72);

    /** For what copies a whole database: four terabytes at 50 MB/s. What makes no progress fails long before. */
    public static final Duration COPY_TIME = Duration.ofHours(24);

    private static final Duration CREATE_TIME = Duration.ofMinutes(15);
    private static final Duration OTHER_TIME = Duration.ofMinutes(10);
    private static final int CONFLICTS = 20;
    private static final List<String> LOCAL_NAMES = List.of("localhost", "127.0.0.1", "::1");
    private static final String PASSWORD = "password";

    private final StateStore store;
    private final Journal journal;
    private final Fleet fleet;
    private final TenantRegister tenants;
    private final Offering offering;
    private final PlaceLedger places;
    private final ChangePlanner planner;
    private final ServerCertificates certificates;
    private final Generator generator;
    private final Clock clock;
    private final String node;
    private final BiConsumer<TenantId, InstanceId> wake;

    /**
     * Works on an open store.
     *
     * @param node this run of the control plane, which owns the ephemeral instances it makes
     * @param wake told of instances with something new to do
     */
    public Submitter(
            StateStore store,
            Journal journal,
            Fleet fleet,
            TenantRegister tenants,
            Offering offering,
            PlaceLedger places,
            ServerCertificates certificates,
            Generator generator,
            Clock clock,
            String node,
            BiConsumer<TenantId, InstanceId> wake) {
        this.store = store;
        this.journal = journal;
        this.fleet = fleet;
        this.tenants = tenants;
        this.offering = offering;
        this.places = places;
        this.planner = new ChangePlanner(offering);
        this.certificates = certificates;
        this.generator = generator;
        this.clock = clock;
        this.node = node;
        this.wake = wake;
    }

    /** What was accepted, and the password that goes with it. */
    public record Accepted(OperationDoc operation, Optional<Secret> password) {}

    /**
     * Finds an instance of a tenant.
     *
     * @throws NotFoundException {@code NOT_FOUND}, or {@code GONE} if it was purged
     */
    public InstanceDoc instance(TenantId tenant, InstanceId id) {
        InstanceDoc doc = known(tenant, id);
        if (doc.phase() == Phase.DELETED) {
            throw new NotFoundException(ErrorCode.GONE, "the instance was removed for good");
        }
        return doc;
    }

    /** Finds an instance of a tenant, also one that was purged; {@code NOT_FOUND} if there never was one. */
    public InstanceDoc known(TenantId tenant, InstanceId id) {
        return fleet.find(id)
                .filter(found -> found.tenant().equals(tenant))
                .orElseThrow(() -> new NotFoundException("no such instance"));
    }

    /** Returns what a creation would do. */
    public Preview preview(TenantId tenant, InstanceSpec spec) {
        TenantDoc owner = tenants.get(tenant);
        ChangePlan plan = planner.create(spec, owner.spec());
        Charge charge = Charge.whole(plan.resources(), 1 + spec.topology().standbys());
        QuotaLedger.require(store, tenant, charge, owner.spec().quota());
        places.require(offering.ordered(spec.delivery()).id(), charge, spec.ephemeral());
        return Previews.of(new Change.Create(plan.spec()), Optional.empty(), plan, store, owner, charge, false, "new");
    }

    /** Returns what a change would do. */
    public Preview preview(TenantId tenant, InstanceId id, Change change) {
        InstanceDoc doc = instance(tenant, id);
        TenantDoc owner = tenants.get(tenant);
        Change whole = ChangePlanner.completed(doc, change);
        return preview(doc, owner, whole, planner.change(doc, whole, owner.spec()));
    }

    private Preview preview(InstanceDoc doc, TenantDoc owner, Change change, ChangePlan plan) {
        Phase phase = doc.projectedPhase();
        boolean ends = phase.running()
                && (plan.purge() || !Legality.after(plan.kind(), phase).running());
        return Previews.of(
                change,
                Optional.of(doc.id()),
                plan,
                store,
                owner,
                effect(doc, plan),
                ends,
                doc.generation() + " " + phase + " " + doc.queue());
    }

    /** Returns what the change does to the quota once it is done. */
    private static Charge effect(InstanceDoc doc, ChangePlan plan) {
        Phase phase = plan.purge()
                ? Phase.DELETED
                : plan.kind() == OperationKind.RECOVER
                        ? doc.before().orElse(Phase.ACTIVE)
                        : Legality.after(plan.kind(), doc.projectedPhase());
        InstanceDoc after = doc.but()
                .queue(List.of())
                .spec(plan.spec())
                .resources(plan.resources())
                .lifecycle(
                        switch (phase) {
                            case RECYCLED -> new Lifecycle.Recycled(Instant.EPOCH);
                            case DELETED -> new Lifecycle.Deleted();
                            case STOPPED -> new Lifecycle.Stopped();
                            case FROZEN -> new Lifecycle.Frozen();
                            case FAILED -> new Lifecycle.Failed("");
                            case ACTIVE, REQUESTED, PENDING_APPROVAL, PROVISIONING -> new Lifecycle.Active();
                        })
                .build();
        return after.charge().minus(doc.charge());
    }

    /** Accepts a creation. */
    public Accepted create(
            Caller caller, TenantId tenant, InstanceSpec asked, Optional<Secret> password, Optional<String> digest) {
        Optional<Accepted> before = repeated(caller, tenant);
        if (before.isPresent()) {
            return before.get();
        }
        digest.ifPresent(expected -> requireSame(expected, preview(tenant, asked)));
        return retried(caller, tenant, () -> createOnce(caller, tenant, asked, password));
    }

    private Accepted createOnce(Caller caller, TenantId tenant, InstanceSpec asked, Optional<Secret> given) {
        TenantDoc owner = tenants.get(tenant);
        ChangePlan plan = planner.create(asked, owner.spec());
        InstanceSpec spec = plan.spec();
        EngineDriver engine = offering.engine(spec.engine());
        Instant now = clock.instant();
        InstanceId id = generator.instance();
        OperationId operationId = generator.operation();
        Secret password = given.or(asked::password).orElseGet(generator::password);
        InstanceSecrets secrets = secrets(engine, id, spec, password);
        InstanceDoc.Queued queued =
                new InstanceDoc.Queued(operationId, OperationKind.CREATE, Optional.empty(), false, false);
        InstanceDoc bare = InstanceDoc.builder()
                .id(id)
                .tenant(tenant)
                .spec(spec)
                .resources(plan.resources())
                .delivery(offering.ordered(spec.delivery()).id())
                .lifecycle(plan.approval() ? new Lifecycle.PendingApproval() : new Lifecycle.Requested())
                .health(new Health.Down(List.of(Reason.of(Reason.Code.NOT_DELIVERED))))
                .queue(plan.approval() ? List.of() : List.of(queued))
                .generation(1)
                .observedGeneration(0)
                .encrypted(secrets.tls().isPresent())
                .renewAt(secrets.tls().map(tls -> now.plus(certificates.renewAfter())))
                .owner(spec.ephemeral() ? Optional.of(node) : Optional.empty())
                .createdAt(now)
                .build();
        InstanceDoc doc = bare.but().members(members(engine, bare, secrets)).build();
        OperationDoc operation = operation(
                        caller, doc, operationId, OperationKind.CREATE, plan.steps(), plan.approval(), now)
                .change(new Change.Create(spec))
                .build();
        Journal.Entry entry = journal.entry(tenant)
                .check(TenantDoc.KIND, tenant.value(), owner.version())
                .operation(null, operation)
                .instance(null, doc)
                .secrets(id.value(), id, secrets.bundle(), 0);
        return new Accepted(submit(caller, entry, operation, doc), Optional.of(password));
    }

    private InstanceSecrets secrets(EngineDriver engine, InstanceId id, InstanceSpec spec, Secret owner) {
        Map<String, Secret> forEngine = new LinkedHashMap<>();
        engine.secretsNeeded().stream().sorted().forEach(name -> forEngine.put(name, generator.password()));
        // An ephemeral instance lives on this machine and for its maker only: encryption would cost more than it
        // protects.
        Optional<TlsMaterial> tls = spec.ephemeral() || !engine.describe().tls()
                ? Optional.empty()
                : Optional.of(certificates.issue(id, LOCAL_NAMES));
        return new InstanceSecrets(owner, forEngine, tls, tls.isPresent() ? LOCAL_NAMES : List.of());
    }

    private static List<InstanceDoc.MemberStatus> members(
            EngineDriver engine, InstanceDoc doc, InstanceSecrets secrets) {
        var request = Requests.of(doc, Optional.of(secrets));
        if (!engine.bootstrap(request).isEmpty()) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "topology",
                    doc.spec().topology().kind() + " of " + engine.id() + " cannot be delivered yet");
        }
        return engine.workloads(request).stream()
                .sorted(Comparator.comparingInt(MemberWorkload::startOrder))
                .map(workload -> InstanceDoc.MemberStatus.absent(workload.ref().member()))
                .toList();
    }

    /** Accepts a change of an instance. */
    public Accepted change(
            Caller caller,
            TenantId tenant,
            InstanceId id,
            Change change,
            OptionalLong expectedVersion,
            Optional<String> digest) {
        Optional<Accepted> before = repeated(caller, tenant);
        if (before.isPresent()) {
            return before.get();
        }
        return retried(caller, tenant, () -> changeOnce(caller, tenant, id, change, expectedVersion, digest));
    }

    private Accepted changeOnce(
            Caller caller,
            TenantId tenant,
            InstanceId id,
            Change change,
            OptionalLong expectedVersion,
            Optional<String> digest) {
        InstanceDoc doc = instance(tenant, id);
        if (expectedVersion.isPresent() && expectedVersion.getAsLong() != doc.version()) {
            throw new ConflictException(
                    ErrorCode.VERSION_CONFLICT,
                    "the instance has version " + doc.version() + ", not " + expectedVersion.getAsLong());
        }
        TenantDoc owner = tenants.get(tenant);
        ChangePlan plan = planner.change(doc, change, owner.spec());
        digest.ifPresent(expected -> requireSame(expected, preview(doc, owner, change, plan)));
        Change checked = change instanceof Change.Parameters parameters ? canonical(parameters, plan) : change;
        Instant now = clock.instant();
        OperationId operationId = generator.operation();
        OperationDoc operation = operation(caller, doc, operationId, plan.kind(), plan.steps(), plan.approval(), now)
                .change(checked)
                .build();
        Journal.Entry entry = journal.entry(tenant).operation(null, operation);
        if (plan.approval()) {
            entry.check(InstanceDoc.KIND, id.value(), doc.version());
        } else {
            queue(
                    entry,
                    doc,
                    operation,
                    new InstanceDoc.Queued(operationId, plan.kind(), plan.size(), plan.purge(), false));
        }
        return new Accepted(submit(caller, entry, operation, doc), Optional.empty());
    }

    private static Change.Parameters canonical(Change.Parameters asked, ChangePlan plan) {
        Map<String, String> set = new HashMap<>(plan.spec().parameters());
        set.keySet().retainAll(asked.set().keySet());
        return new Change.Parameters(set, asked.reset(), asked.restart());
    }

    /**
     * Accepts an operation on what is inside an instance.
     *
     * @param check throws what forbids it, such as a taken name
     */
    public Accepted inside(
            Caller caller,
            TenantId tenant,
            InstanceId id,
            OperationKind kind,
            Map<String, String> arguments,
            Optional<Secret> password,
            Runnable check) {
        Optional<Accepted> before = repeated(caller, tenant);
        if (before.isPresent()) {
            return before.get();
        }
        Legality.require(kind, instance(tenant, id).projectedPhase());
        check.run();
        return retried(caller, tenant, () -> {
            InstanceDoc doc = instance(tenant, id);
            Legality.require(kind, doc.projectedPhase());
            OperationId operationId = generator.operation();
            OperationDoc operation = operation(
                            caller,
                            doc,
                            operationId,
                            kind,
                            StepNames.of(kind, doc.projectedPhase(), false),
                            false,
                            clock.instant())
                    .arguments(arguments)
                    .build();
            Journal.Entry entry = journal.entry(tenant).operation(null, operation);
            queue(entry, doc, operation, new InstanceDoc.Queued(operationId, kind, Optional.empty(), false, false));
            password.ifPresent(secret -> entry.secrets(operationId.value(), id, Map.of(PASSWORD, secret), 0));
            return new Accepted(submit(caller, entry, operation, doc), password);
        });
    }

    /** Removes an instance for good because the control plane says so; does nothing if it is being removed already. */
    public void remove(InstanceDoc doc, OperationKind kind, String reason) {
        if (doc.queue().stream().anyMatch(InstanceDoc.Queued::purge)) {
            return;
        }
        OperationId operationId = generator.operation();
        OperationDoc operation = operation(
                        Caller.CONTROL_PLANE,
                        doc,
                        operationId,
                        kind,
                        StepNames.of(kind, doc.phase(), true),
                        false,
                        clock.instant())
                .change(
                        kind == OperationKind.PURGE
                                ? new Change.Purge()
                                : new Change.Delete(Optional.of(Duration.ZERO)))
                .arguments(Map.of("reason", reason))
                .build();
        Journal.Entry entry = journal.entry(doc.tenant()).operation(null, operation);
        queue(entry, doc, operation, new InstanceDoc.Queued(operationId, kind, Optional.empty(), true, false));
        submit(Caller.CONTROL_PLANE, entry, operation, doc);
    }

    private OperationDoc.Builder operation(
            Caller caller,
            InstanceDoc doc,
            OperationId id,
            OperationKind kind,
            List<String> steps,
            boolean approval,
            Instant now) {
        return OperationDoc.builder()
                .id(id)
                .tenant(doc.tenant())
                .instance(doc.id())
                .kind(kind)
                .state(approval ? OperationState.PENDING_APPROVAL : OperationState.QUEUED)
                .steps(OperationCodec.pending(steps))
                .requestedBy(caller.name())
                .basis(doc.generation())
                .fingerprint(caller.request().map(RequestKey::fingerprint))
                .requestKey(caller.request().map(RequestKey::key))
                .createdAt(now)
                .deadline(now.plus(approval ? APPROVAL_TIME : time(kind)));
    }

    private static Duration time(OperationKind kind) {
        return switch (kind) {
            case CREATE -> CREATE_TIME;
            case STANDBY_ADD, STANDBY_REBUILD -> COPY_TIME;
            default -> OTHER_TIME;
        };
    }

    /** Puts an operation behind the others of its instance; parked ones give way to it. */
    private void queue(Journal.Entry entry, InstanceDoc doc, OperationDoc operation, InstanceDoc.Queued queued) {
        List<InstanceDoc.Queued> queue = new ArrayList<>(doc.effectiveQueue());
        queue.add(queued);
        long generation = doc.generation();
        for (InstanceDoc.Queued parked : doc.queue()) {
            if (!parked.parked()) {
                continue;
            }
            Optional<OperationDoc> old = journal.operation(parked.id());
            if (old.isPresent() && !old.get().state().done()) {
                entry.operation(
                        old.get(),
                        old.get()
                                .but()
                                .state(OperationState.FAILED)
                                .message(old.get().message().orElse("") + "; gave way to " + operation.id())
                                .finishedAt(clock.instant())
                                .build());
                entry.forgetSecrets(parked.id().value());
            }
            if (changesSettings(parked.kind())) {
                generation = doc.generation() + 1;
            }
        }
        entry.instance(doc, doc.but().queue(queue).generation(generation).build());
    }

    /** What such an operation had done before it was given up is put back by the reconciler. */
    private static boolean changesSettings(OperationKind kind) {
        return kind == OperationKind.RESIZE
                || kind == OperationKind.ACCESS
                || kind == OperationKind.PARAMETERS
                || ChangePlanner.CHANGES_MEMBERS.contains(kind);
    }

    private OperationDoc submit(Caller caller, Journal.Entry entry, OperationDoc operation, InstanceDoc doc) {
        caller.request()
                .ifPresent(key -> entry.claim(
                        Journal.requestScope(doc.tenant()),
                        key.key(),
                        operation.id().value()));
        boolean waits = operation.state() == OperationState.PENDING_APPROVAL;
        Journal.Written written = entry.event(
                        Optional.of(doc.id()),
                        Optional.of(operation.id()),
                        Told.info(
                                        waits ? "operation.approval_requested" : "operation.requested",
                                        operation.kind() + " of " + doc.spec().name()
                                                + (waits ? " waits for an approval" : " was asked for"))
                                .with(Map.of(
                                        "by",
                                        operation.requestedBy(),
                                        "kind",
                                        operation.kind().name())))
                .commit();
        if (!waits) {
            wake.accept(doc.tenant(), doc.id());
        }
        return written.operation();
    }

    /** Returns what a request with the same key started before. */
    private Optional<Accepted> repeated(Caller caller, TenantId tenant) {
        if (caller.request().isEmpty()) {
            return Optional.empty();
        }
        tenants.get(tenant);
        RequestKey key = caller.request().get();
        Optional<OperationDoc> operation = store.owner(Journal.requestScope(tenant), key.key())
                .flatMap(id -> journal.operation(new OperationId(id)));
        operation.ifPresent(found -> {
            if (!found.fingerprint().equals(Optional.of(key.fingerprint()))) {
                throw new InvalidSpecException(
                        ErrorCode.IDEMPOTENCY_MISMATCH,
                        "requestKey",
                        "was used before with another request, which started " + found.id());
            }
        });
        return operation.map(found ->
                new Accepted(found, journal.secrets(tenant, found.id().value()).map(bundle -> bundle.secrets()
                        .get(PASSWORD))));
    }

    private Accepted retried(Caller caller, TenantId tenant, Supplier<Accepted> once) {
        for (int i = 0; ; i++) {
            try {
                return once.get();
            } catch (CommitRefusedException e) {
                if (e.condition() == CommitRefusedException.Condition.CLAIM) {
                    // Either the same request was accepted a moment ago on another thread, or the name is taken.
                    Optional<Accepted> before = repeated(caller, tenant);
                    if (before.isPresent()) {
                        return before.get();
                    }
                    throw new ConflictException(
                            ErrorCode.NAME_TAKEN,
                            "another instance of the tenant has this name, perhaps in the recycle bin; choose another");
                }
                if (i == CONFLICTS) {
                    throw new ConflictException(
                            ErrorCode.VERSION_CONFLICT, "the instance keeps changing under this call; try again");
                }
            }
        }
    }

    private static void requireSame(String expected, Preview now) {
        if (!now.digest().equals(expected)) {
            throw new ConflictException(
                    ErrorCode.STALE, "the world moved since the preview was made; look at a new one");
        }
    }

    /** Lets a change that waits for approval go on. */
    public OperationDoc approve(Caller caller, OperationDoc asked) {
        for (int i = 0; ; i++) {
            OperationDoc operation = pending(caller, asked.id());
            InstanceDoc doc = instance(operation.tenant(), operation.instance());
            Instant now = clock.instant();
            if (operation.deadline().isBefore(now)) {
                throw new ConflictException(
                        ErrorCode.STALE, "the request is older than " + APPROVAL_TIME.toHours() + " hours; ask anew");
            }
            if (operation.basis() != doc.generation()) {
                throw new ConflictException(
                        ErrorCode.STALE, "the instance was changed since the request; reject it and ask anew");
            }
            OperationDoc approved = operation
                    .but()
                    .state(OperationState.QUEUED)
                    .decidedBy(caller.name())
                    .deadline(now.plus(time(operation.kind())))
                    .build();
            Journal.Entry entry = journal.entry(doc.tenant()).operation(operation, approved);
            InstanceDoc.Queued queued =
                    new InstanceDoc.Queued(operation.id(), operation.kind(), size(operation), false, false);
            if (operation.kind() == OperationKind.CREATE) {
                entry.instance(
                        doc,
                        doc.but()
                                .lifecycle(new Lifecycle.Requested())
                                .queue(List.of(queued))
                                .build());
            } else {
                Legality.require(operation.kind(), doc.projectedPhase());
                queue(entry, doc, approved, queued);
            }
            try {
                OperationDoc written = entry.event(
                                Optional.of(doc.id()),
                                Optional.of(operation.id()),
                                Told.info(
                                                "operation.approved",
                                                operation.kind() + " of "
                                                        + doc.spec().name() + " was approved")
                                        .with(Map.of("by", caller.name())))
                        .commit()
                        .operation();
                wake.accept(doc.tenant(), doc.id());
                return written;
            } catch (CommitRefusedException e) {
                conflict(e, i);
            }
        }
    }

    private Optional<Resources> size(OperationDoc operation) {
        return operation
                .change()
                .flatMap(change -> change instanceof Change.Resize resize
                        ? resize.plan().map(offering::plan).or(resize::resources)
                        : Optional.empty());
    }

    /** Ends a change that waits for approval. */
    public OperationDoc reject(Caller caller, OperationDoc asked, String reason) {
        for (int i = 0; ; i++) {
            OperationDoc operation = pending(caller, asked.id());
            try {
                return endPending(
                        operation, OperationState.REJECTED, ErrorCode.CANCELLED, "rejected: " + reason, caller.name());
            } catch (CommitRefusedException e) {
                conflict(e, i);
            }
        }
    }

    /** Ends a change nobody approved in time; does nothing if it no longer waits. */
    public void expire(OperationDoc operation) {
        endPending(
                operation,
                OperationState.REJECTED,
                ErrorCode.STALE,
                "nobody approved it within " + APPROVAL_TIME.toHours() + " hours",
                Caller.CONTROL_PLANE.name());
    }

    private OperationDoc endPending(
            OperationDoc operation, OperationState state, ErrorCode error, String message, String by) {
        OperationDoc ended = operation
                .but()
                .state(state)
                .error(error)
                .message(message)
                .decidedBy(by)
                .finishedAt(clock.instant())
                .build();
        Journal.Entry entry = journal.entry(operation.tenant()).operation(operation, ended);
        if (operation.kind() == OperationKind.CREATE) {
            fleet.find(operation.instance()).ifPresent(doc -> gone(entry, doc, message));
        }
        return entry.event(
                        Optional.of(operation.instance()),
                        Optional.of(operation.id()),
                        Told.info(
                                        state == OperationState.REJECTED ? "operation.rejected" : "operation.cancelled",
                                        operation.kind() + ": " + message)
                                .with(ended.outcome(by)))
                .commit()
                .operation();
    }

    /** Nothing of it was made: name and quota are free again at once. */
    private void gone(Journal.Entry entry, InstanceDoc doc, String cause) {
        entry.instance(
                        doc,
                        doc.but()
                                .lifecycle(new Lifecycle.Deleted())
                                .health(new Health.Down(List.of(Reason.said(cause))))
                                .queue(List.of())
                                .members(List.of())
                                .build())
                .forgetSecrets(doc.id().value());
    }

    private OperationDoc pending(Caller caller, OperationId id) {
        OperationDoc operation = journal.operation(id).orElseThrow(() -> new NotFoundException("no such operation"));
        if (operation.state() != OperationState.PENDING_APPROVAL) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    "the operation is " + operation.state() + "; only PENDING_APPROVAL can be decided");
        }
        if (operation.requestedBy().equals(caller.name())) {
            throw new AccessDeniedException(
                    ErrorCode.SELF_APPROVAL, "whoever asked for a change does not decide on it");
        }
        return operation;
    }

    /** Asks an operation to stop; returns whether it was not done yet. */
    public boolean cancel(OperationId id) {
        for (int i = 0; ; i++) {
            OperationDoc operation =
                    journal.operation(id).orElseThrow(() -> new NotFoundException("no such operation"));
            if (operation.state().done() || StepNames.destroying(operation)) {
                return false;
            }
            if (operation.cancelRequested()) {
                return true;
            }
            try {
                cancelOnce(operation);
                return true;
            } catch (CommitRefusedException e) {
                conflict(e, i);
            }
        }
    }

    private void cancelOnce(OperationDoc operation) {
        String message = "cancelled before it was begun";
        if (operation.state() == OperationState.PENDING_APPROVAL) {
            endPending(operation, OperationState.CANCELLED, ErrorCode.CANCELLED, message, operation.requestedBy());
            return;
        }
        InstanceDoc doc = fleet.find(operation.instance()).orElseThrow(() -> new NotFoundException("no such instance"));
        boolean untouched = operation.startedAt().isEmpty();
        boolean parked = operation.state() == OperationState.PARKED;
        Journal.Entry entry = journal.entry(operation.tenant());
        if (untouched && operation.state() == OperationState.QUEUED
                || parked && operation.kind() != OperationKind.CREATE) {
            OperationDoc ended = operation
                    .but()
                    .state(OperationState.CANCELLED)
                    .cancelRequested(true)
                    .error(ErrorCode.CANCELLED)
                    .message(untouched ? message : "cancelled while it was parked")
                    .finishedAt(clock.instant())
                    .build();
            entry.operation(operation, ended).forgetSecrets(operation.id().value());
            if (operation.kind() == OperationKind.CREATE) {
                endBehind(entry, doc, operation.id());
                gone(entry, doc, message);
            } else {
                entry.instance(
                        doc,
                        doc.but()
                                .queue(doc.queueWithout(operation.id()))
                                .generation(
                                        doc.generation() + (!untouched && changesSettings(operation.kind()) ? 1 : 0))
                                .build());
            }
            entry.event(
                            Optional.of(doc.id()),
                            Optional.of(operation.id()),
                            Told.info(
                                            "operation.cancelled",
                                            operation.kind() + " of "
                                                    + doc.spec().name() + " was cancelled")
                                    .with(ended.outcome(operation.requestedBy())))
                    .commit();
        } else {
            entry.operation(
                    operation,
                    operation
                            .but()
                            .cancelRequested(true)
                            .state(parked ? OperationState.QUEUED : operation.state())
                            .build());
            if (parked) {
                entry.instance(
                        doc, doc.but().queue(unparked(doc, operation.id())).build());
            }
            entry.commit();
        }
        wake.accept(operation.tenant(), operation.instance());
    }

    /** What was queued behind a creation that is cancelled can never run. */
    private void endBehind(Journal.Entry entry, InstanceDoc doc, OperationId first) {
        for (InstanceDoc.Queued queued : doc.queue()) {
            if (!queued.id().equals(first)) {
                journal.operation(queued.id())
                        .filter(other -> !other.state().done())
                        .ifPresent(other -> entry.operation(
                                        other,
                                        other.but()
                                                .state(OperationState.FAILED)
                                                .error(ErrorCode.GONE)
                                                .message("the creation before it was cancelled")
                                                .finishedAt(clock.instant())
                                                .build())
                                .forgetSecrets(other.id().value()));
            }
        }
    }

    private static List<InstanceDoc.Queued> unparked(InstanceDoc doc, OperationId id) {
        return doc.queue().stream()
                .map(queued -> queued.id().equals(id) ? queued.parked(false) : queued)
                .toList();
    }

    /**
     * Begins a parked operation again.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if it is not parked
     */
    public void retry(OperationId id) {
        for (int i = 0; ; i++) {
            OperationDoc operation =
                    journal.operation(id).orElseThrow(() -> new NotFoundException("no such operation"));
            if (operation.state() != OperationState.PARKED) {
                throw new ConflictException(
                        ErrorCode.ILLEGAL_STATE,
                        "the operation is " + operation.state() + "; only PARKED can be retried");
            }
            InstanceDoc doc = instance(operation.tenant(), operation.instance());
            try {
                journal.entry(operation.tenant())
                        .operation(
                                operation,
                                operation
                                        .but()
                                        .state(OperationState.QUEUED)
                                        .failures(0)
                                        .deadline(clock.instant().plus(time(operation.kind())))
                                        .build())
                        .instance(doc, doc.but().queue(unparked(doc, id)).build())
                        .commit();
                wake.accept(operation.tenant(), operation.instance());
                return;
            } catch (CommitRefusedException e) {
                conflict(e, i);
            }
        }
    }

    private static void conflict(CommitRefusedException e, int round) {
        if (round == CONFLICTS) {
            throw new ConflictException(
                    ErrorCode.VERSION_CONFLICT, "the operation keeps changing under this call; try again");
        }
        if (e.condition() == CommitRefusedException.Condition.LEASE) {
            throw e;
        }
    }
}
