package dev.tenon.core.reconcile;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationView;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.ChangePlanner;
import dev.tenon.core.change.InstanceSecrets;
import dev.tenon.core.change.Requests;
import dev.tenon.core.change.ServerCertificates;
import dev.tenon.core.change.StepNames;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.cluster.Clusters;
import dev.tenon.core.cluster.Delivered;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.instance.Members;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One operation being carried out: what it is to become, who can do it, and what was seen on the way. Lives for one pass; after a
 * crash it is made again from the store, and the steps look for themselves. Not thread-safe.
 */
final class Work {
    static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration SESSION_TIMEOUT = Duration.ofSeconds(10);
    private static final int CONFLICTS = 50;

    private final Journal journal;
    private final Lease lease;
    private final Fleet fleet;
    private final Clusters clusters;
    private final Supplier<Secret> passwords;
    private final OperationDoc operation;
    private final InstanceSpec spec;
    private final Resources resources;
    private final EngineDriver engine;
    private final DeliveryDriver delivery;
    private final ServerCertificates certificates;
    private final Map<String, ObservedMember> observed = new LinkedHashMap<>();

    private InstanceDoc doc;
    /** A member that shall be none after this. */
    private final Optional<String> leaving;

    private InstanceSecrets secrets;
    private long secretsVersion;
    private final Instant now;
    private @Nullable Instant renewAt;
    private @Nullable List<MemberWorkload> workloads;
    private @Nullable String serverVersion;
    private @Nullable Set<String> pendingRestart;

    Work(
            Journal journal,
            Fleet fleet,
            Clusters clusters,
            Supplier<Secret> passwords,
            Lease lease,
            InstanceDoc doc,
            OperationDoc operation,
            Offering offering,
            ServerCertificates certificates,
            Instant now) {
        this.journal = journal;
        this.fleet = fleet;
        this.clusters = clusters;
        this.passwords = passwords;
        this.lease = lease;
        this.doc = doc;
        this.operation = operation;
        this.certificates = certificates;
        this.now = now;
        this.spec = operation
                .change()
                .map(change -> ChangePlanner.applied(doc.spec(), change))
                .orElse(doc.spec());
        this.resources = doc.queue().stream()
                .filter(queued -> queued.id().equals(operation.id()))
                .findFirst()
                .flatMap(InstanceDoc.Queued::size)
                .orElse(doc.resources());
        this.leaving = operation.leaving();
        this.engine = offering.engine(spec.engine());
        this.delivery = offering.delivery(doc.delivery());
        Journal.Bundle bundle = journal.secrets(doc.tenant(), doc.id().value())
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.INTERNAL, "the secrets of " + doc.id() + " are missing from the store"));
        this.secrets = InstanceSecrets.of(bundle.secrets());
        this.secretsVersion = bundle.version();
    }

    InstanceDoc doc() {
        return doc;
    }

    OperationDoc operation() {
        return operation;
    }

    InstanceSpec spec() {
        return spec;
    }

    Resources resources() {
        return resources;
    }

    DeliveryDriver delivery() {
        return delivery;
    }

    Epoch epoch() {
        return new Epoch(lease.epoch());
    }

    InstanceSecrets secrets() {
        return secrets;
    }

    /** Returns the time when this pass began. */
    Instant startedAt() {
        return now;
    }

    /** Returns whether the server's certificate is to be replaced. */
    boolean renewalDue() {
        return renewAt == null && doc.renewAt().map(at -> !at.isAfter(now)).orElse(false);
    }

    /** Makes the server a new certificate for these names and addresses, and keeps it. */
    void renew(List<String> hosts) {
        keep(secrets.withTls(certificates.issue(doc.id(), hosts), hosts));
        renewAt = now.plus(certificates.renewAfter());
    }

    /**
     * Makes a new certificate if the present one lacks the address of a member: only now is it known where the place has put it, and
     * clients would not accept one without that name.
     *
     * @return whether there is a new one, to be written by preparing the members anew
     */
    boolean certified(ObservedMember member) {
        Optional<String> address = member.address();
        if (secrets.tls().isEmpty() || address.isEmpty() || secrets.hosts().contains(address.get())) {
            return false;
        }
        List<String> hosts = new ArrayList<>(secrets.hosts());
        hosts.add(address.get());
        renew(hosts);
        return true;
    }

    /** Returns the password that the operation carries. */
    Secret password() {
        return journal.secrets(doc.tenant(), operation.id().value())
                .map(bundle -> bundle.secrets().get("password"))
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.INTERNAL, "the password of " + operation.id() + " is missing from the store"));
    }

    /** Keeps changed secrets before they are used. */
    void keep(InstanceSecrets changed) {
        journal.entry(doc.tenant())
                .guard(lease)
                .secrets(doc.id().value(), doc.id(), changed.bundle(), secretsVersion)
                .commit();
        secretsVersion++;
        secrets = changed;
        workloads = null;
    }

    /** Changes the document under the lease, before or after an effect that it tells of. */
    void change(UnaryOperator<InstanceDoc> change) {
        change(change, entry -> {});
    }

    /** Changes the document under the lease, and with it what else belongs to that. */
    void change(UnaryOperator<InstanceDoc> change, Consumer<Journal.Entry> also) {
        for (int i = 0; ; i++) {
            InstanceDoc now = fleet.find(doc.id()).orElse(doc);
            InstanceDoc after = change.apply(now);
            if (after.equals(now)) {
                now(now);
                return;
            }
            try {
                Journal.Entry entry = journal.entry(doc.tenant()).guard(lease).instance(now, after);
                also.accept(entry);
                now(entry.commit().instance().orElse(after));
                return;
            } catch (CommitRefusedException e) {
                if (e.condition() != CommitRefusedException.Condition.VERSION || i == CONFLICTS) {
                    throw e;
                }
            }
        }
    }

    EngineRequest request() {
        // While members are restarted one after the other, each has what it was given; the others have what they had.
        return rolls()
                ? Requests.of(doc, doc.spec(), doc.resources(), names(), Optional.of(secrets))
                : Requests.of(doc, spec, resources, names(), Optional.of(secrets));
    }

    /** Returns the names of the members as they are to be, the primary first. */
    List<String> names() {
        return doc.names().stream()
                .filter(name -> !leaving.equals(Optional.of(name)))
                .toList();
    }

    /** Returns the names of all members as they are to be, and of who is to leave: nobody else gets that name before. */
    List<String> namesWithLeaving() {
        boolean one = leaving.map(doc.names()::contains).orElse(false);
        InstanceSpec all = InstanceSpec.builder()
                .from(spec)
                .topology(spec.topology().withStandbys(spec.topology().standbys() + (one ? 1 : 0)))
                .build();
        return engine.workloads(Requests.of(doc, all, resources, doc.names(), Optional.of(secrets))).stream()
                .map(workload -> workload.ref().member())
                .toList();
    }

    /** Returns whether a member's host does not answer, so that it is not waited for. */
    boolean unseen(String member) {
        return doc.unseen().containsKey(member);
    }

    /** Returns whether members are restarted one after the other. */
    boolean rolls() {
        return doc.failover().isPresent()
                && StepNames.rolls(
                        operation.steps().stream().map(OperationView.Step::name).toList());
    }

    /** Takes over what the instance is now. */
    void now(InstanceDoc newest) {
        doc = newest;
        workloads = null;
    }

    Lease lease() {
        return lease;
    }

    /** Returns the members as the fail-over protocol reaches them. */
    Cluster cluster() {
        return clusters.of(doc);
    }

    /** Keeps the protocol from the members, for they are to rest; what it was doing at them has ended then. */
    void letGo() {
        clusters.letGo(doc.id());
    }

    /** Makes and keeps the passwords that the engine needs and an instance of an earlier release lacks. */
    void completeSecrets() {
        for (String name : engine.secretsNeeded()) {
            if (!secrets.engine().containsKey(name)) {
                keep(secrets.withEngine(name, passwords.get()));
            }
        }
    }

    EngineDriver engine() {
        return engine;
    }

    /** Returns the members' workloads, in start order. */
    List<MemberWorkload> workloads() {
        List<MemberWorkload> present = workloads;
        if (present == null) {
            present = Requests.workloads(engine, delivery, request(), doc.rolled());
            workloads = present;
        }
        return present;
    }

    /** Returns the workloads of those members whose data comes from the primary. */
    List<MemberWorkload> standbys() {
        return workloads().stream()
                .filter(workload -> !workload.filled().isEmpty())
                .toList();
    }

    /** Returns the workloads of all others. */
    List<MemberWorkload> leaders() {
        return workloads().stream()
                .filter(workload -> workload.filled().isEmpty())
                .toList();
    }

    /** Returns the members' workloads, last to start first. */
    List<MemberWorkload> workloadsBackwards() {
        List<MemberWorkload> backwards = new ArrayList<>(workloads());
        java.util.Collections.reverse(backwards);
        return backwards;
    }

    /** Looks before anything is touched: where a disk is not mounted, nothing shall lie in its place. */
    void requireData() {
        if (mayBeEmpty()) {
            return;
        }
        ObservedMember serving = delivery.observe(workloads().get(0).ref());
        if (Delivered.lost(serving)) {
            throw Delivered.gone(serving.ref(), standbys().isEmpty());
        }
    }

    /** Makes a member, or brings it up to date. */
    void prepare(MemberWorkload workload) {
        saw(
                mayBeEmpty()
                        ? delivery.prepare(workload, epoch())
                        : Delivered.prepare(
                                delivery, workload, epoch(), standbys().isEmpty()));
    }

    private boolean mayBeEmpty() {
        return operation.kind() == OperationKind.CREATE
                || standbys().isEmpty() && doc.spec().ephemeral();
    }

    void saw(ObservedMember member) {
        observed.put(member.ref().member(), member);
    }

    /** Returns what was last seen of a member, looking if nothing was seen yet. */
    ObservedMember seen(MemberRef ref) {
        return observed.computeIfAbsent(ref.member(), name -> delivery.observe(ref));
    }

    /** Returns the member that serves clients. */
    ObservedMember serving() {
        return seen(workloads().get(0).ref());
    }

    /** Asks the serving member something in a session. */
    <T> T inSession(Function<EngineSession, T> use) {
        try (EngineSession session = engine.connect(request(), admin(), SESSION_TIMEOUT)) {
            return use.apply(session);
        }
    }

    /** Returns whether a member runs but lets a question pass unanswered. */
    boolean silent(MemberRef ref) {
        ObservedMember seen = delivery.observe(ref);
        if (seen.state() != MemberState.RUNNING || seen.admin().isEmpty()) {
            return false;
        }
        try (EngineSession session = engine.connect(request(), seen.admin().get(), SESSION_TIMEOUT)) {
            session.role();
            return false;
        } catch (ProviderException e) {
            return e.code() == ErrorCode.TIMEOUT;
        }
    }

    /**
     * Only steps of instances that shall run ask for this. If the server died since it was started, nobody else brings it back:
     * healing waits for its turn behind this very operation.
     */
    private AdminAddress admin() {
        Optional<AdminAddress> address = serving().admin();
        if (doc.failover().isEmpty() && (address.isEmpty() || serving().state() != MemberState.RUNNING)) {
            requireData();
            for (MemberWorkload workload : leaders()) {
                prepare(workload);
            }
            for (MemberWorkload workload : leaders()) {
                saw(delivery.start(workload, epoch(), START_TIMEOUT));
            }
            address = serving().admin();
        }
        return address.orElseThrow(() -> new ProviderException(
                ErrorCode.PROVIDER_UNAVAILABLE, doc.id() + " has no address for administration now"));
    }

    /**
     * Returns what waits for a restart. A server told a moment ago to read its files may not have done so yet, so what it runs with is
     * compared with what this operation asks for.
     */
    Set<String> pendingRestart(EngineSession session) {
        Set<String> pending = new HashSet<>(session.pendingRestart());
        if (operation.kind() == OperationKind.PARAMETERS) {
            Map<String, String> before = doc.spec().parameters();
            Map<String, String> after = spec.parameters();
            Set<String> changed = new HashSet<>(before.keySet());
            changed.addAll(after.keySet());
            changed.removeIf(name -> Objects.equals(before.get(name), after.get(name)));
            Map<String, String> inForce = new HashMap<>(session.settings());
            inForce.keySet().retainAll(changed);
            Map<String, String> wanted = engine.sizing(spec.version(), resources, after).settings().stream()
                    .filter(setting -> changed.contains(setting.name()))
                    .collect(Collectors.toMap(Sizing.Setting::name, Sizing.Setting::value));
            pending.addAll(engine.restartNeeded(spec.version(), inForce, wanted));
        }
        return pending;
    }

    void learned(String version, Set<String> pending) {
        serverVersion = version;
        pendingRestart = pending;
    }

    boolean informed() {
        return serverVersion != null;
    }

    /** Writes what was learned into a document. */
    InstanceDoc.Builder into(InstanceDoc.Builder builder, InstanceDoc now) {
        if (renewAt != null) {
            builder.renewAt(renewAt);
        }
        if (serverVersion != null) {
            builder.serverVersion(serverVersion);
        }
        if (pendingRestart != null) {
            builder.pendingRestart(pendingRestart);
        }
        InstanceDoc seen = now.but()
                .members(Members.statuses(now, observed.values(), Optional.empty(), workloads()))
                .build();
        if (seen.failover().isPresent()) {
            seen = cluster().withStatuses(seen);
        }
        builder.members(seen.members());
        if (!seen.members().isEmpty()) {
            seen.members().get(0).address().ifPresent(builder::address);
        }
        return builder;
    }
}
