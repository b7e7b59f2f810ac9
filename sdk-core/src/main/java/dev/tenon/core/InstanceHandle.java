package dev.tenon.core;

import dev.tenon.api.Account;
import dev.tenon.api.Accounts;
import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Credential;
import dev.tenon.api.Database;
import dev.tenon.api.Databases;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Events;
import dev.tenon.api.Explanation;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Member;
import dev.tenon.api.Names;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationView;
import dev.tenon.api.Passwords;
import dev.tenon.api.Preview;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Reason;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.api.Sessions;
import dev.tenon.api.TenantId;
import dev.tenon.core.change.Caller;
import dev.tenon.core.change.InstanceSecrets;
import dev.tenon.core.change.Requests;
import dev.tenon.core.change.Submitter;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.reconcile.Reconciler;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.ReplicationStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** One instance, in a caller's name. */
record InstanceHandle(ControlPlane plane, Caller caller, TenantId tenant, InstanceId id) implements Instance {
    /** Why another member is to be made elsewhere, or none can be. */
    private static final Set<Reason.Code> ABSENT =
            EnumSet.of(Reason.Code.MEMBER_AWAY, Reason.Code.MEMBER_LOST, Reason.Code.ONLY_COPY_LOST);

    private static final Duration SESSION_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LOOK_TIMEOUT = Duration.ofSeconds(2);
    private static final int MOST_LINES = 10_000;
    private static final Duration MOST_STALENESS = Duration.ofDays(1);

    private InstanceDoc doc() {
        return plane.submitter.instance(tenant, id);
    }

    @Override
    public InstanceView view() {
        InstanceDoc doc = doc();
        InstanceView view = plane.views.of(doc);
        return doc.phase() == Phase.ACTIVE && doc.members().size() > 1 ? measured(doc, view) : view;
    }

    /** How far standbys are behind is asked now: a kept answer would always be old. */
    private InstanceView measured(InstanceDoc doc, InstanceView view) {
        ReplicationStatus now;
        try {
            now = inSession(doc, LOOK_TIMEOUT, EngineSession::replication);
        } catch (ProviderException e) {
            return view;
        }
        return InstanceView.builder()
                .from(view)
                .members(view.members().stream()
                        .map(member -> now.standbys().stream()
                                .filter(standby -> standby.member().equals(member.name()))
                                .findFirst()
                                .map(standby -> member.following(Optional.of(new Member.Replication(
                                        standby.state(),
                                        standby.sync(),
                                        OptionalLong.of(Math.max(0, now.position() - standby.replayed())),
                                        standby.lag()))))
                                .orElse(member))
                        .toList())
                .build();
    }

    @Override
    public Preview preview(Change change) {
        return plane.submitter.preview(tenant, id, change);
    }

    @Override
    public Operation<Instance> apply(Change change) {
        return apply(change, OptionalLong.empty(), Optional.empty());
    }

    @Override
    public Operation<Instance> apply(Preview preview) {
        if (!preview.instance().equals(Optional.of(id))) {
            throw new InvalidSpecException("preview", "is of another instance");
        }
        return apply(preview.change(), OptionalLong.empty(), Optional.of(preview.digest()));
    }

    @Override
    public Operation<Instance> apply(Change change, long expectedVersion) {
        return apply(change, OptionalLong.of(expectedVersion), Optional.empty());
    }

    private Operation<Instance> apply(Change change, OptionalLong version, Optional<String> digest) {
        plane.requireOpen();
        Submitter.Accepted accepted = plane.submitter.change(caller, tenant, id, change, version, digest);
        return new OperationHandle<>(plane, accepted.operation().id(), tenant, () -> this);
    }

    private static Optional<Reason> absence(InstanceDoc doc) {
        return doc.health().reasons().stream()
                .filter(reason -> ABSENT.contains(reason.code()))
                .findFirst();
    }

    private static Optional<Instant> until(Reason reason) {
        return reason.code() == Reason.Code.MEMBER_AWAY
                ? Optional.of(Instant.parse(reason.values().get(2)))
                : Optional.empty();
    }

    @Override
    public Explanation explain() {
        InstanceDoc doc = doc();
        Optional<OperationDoc> operation = doc.head()
                .or(() -> doc.queue().stream().findFirst())
                .flatMap(head -> plane.journal.operation(head.id()));
        return new Explanation(
                summary(doc, operation),
                operation.flatMap(InstanceHandle::waitsFor).or(() -> absence(doc)),
                operation
                        .flatMap(OperationDoc::nextTryAt)
                        .or(() -> absence(doc).flatMap(InstanceHandle::until))
                        .or(() -> Reconciler.healsAt(doc).filter(plane.clock.instant()::isBefore)),
                plane.diary.latest(id));
    }

    private static String summary(InstanceDoc doc, Optional<OperationDoc> operation) {
        StringBuilder text = new StringBuilder(doc.spec().name())
                .append(" is ")
                .append(doc.lifecycle().name())
                .append(" and ")
                .append(doc.health().name());
        if (!doc.health().reasons().isEmpty()) {
            text.append(doc.health().reasons().stream().map(Reason::text).collect(Collectors.joining("; ", " (", ")")));
        }
        operation.ifPresent(
                op -> text.append("; ").append(op.kind()).append(" is ").append(op.state()));
        return text.append('.').toString();
    }

    private static Optional<Reason> waitsFor(OperationDoc op) {
        String kind = op.kind().name();
        return switch (op.state()) {
            case QUEUED -> Optional.of(Reason.of(Reason.Code.AWAITS_TURN, kind));
            case RUNNING ->
                Optional.of(Reason.of(
                        Reason.Code.AWAITS_STEP,
                        kind,
                        op.steps().stream()
                                .filter(step -> step.state() == OperationView.StepState.STARTED)
                                .map(OperationView.Step::name)
                                .findFirst()
                                .orElse("next")));
            case WAITING ->
                Optional.of(Reason.of(Reason.Code.AWAITS_NEXT_TRY, kind).because(failure(op)));
            case PARKED ->
                Optional.of(Reason.of(Reason.Code.AWAITS_PERSON, kind).because(failure(op)));
            case PENDING_APPROVAL -> Optional.of(Reason.of(Reason.Code.AWAITS_APPROVAL, kind));
            case SUCCEEDED, FAILED, CANCELLED, REJECTED -> Optional.empty();
        };
    }

    private static Reason failure(OperationDoc op) {
        return Reason.error(op.error().orElse(ErrorCode.INTERNAL), op.message().orElse(""));
    }

    private InstanceSecrets secrets() {
        return plane.journal
                .secrets(tenant, id.value())
                .map(bundle -> InstanceSecrets.of(bundle.secrets()))
                .orElseThrow(() -> new NotFoundException(ErrorCode.GONE, "the instance's secrets were removed"));
    }

    @Override
    public Credential credential() {
        InstanceDoc doc = doc();
        return new Credential(doc.spec().owner(), secrets().owner());
    }

    @Override
    public DataSource dataSource(Duration staleness) {
        if (staleness.isNegative() || staleness.compareTo(MOST_STALENESS) > 0) {
            throw new InvalidSpecException("staleness", staleness + "; expected 0 to " + MOST_STALENESS);
        }
        doc();
        AtomicLong notBefore = new AtomicLong(Ticker.system().nanos());
        return new FollowingDataSource(() -> {
            InstanceDoc doc = doc();
            InstanceDoc.Address address = doc.address()
                    .orElseThrow(() -> new ConflictException(
                            ErrorCode.ILLEGAL_STATE,
                            doc.spec().name() + " is " + doc.lifecycle().name() + " and has no endpoint yet"));
            ConnectionInfo info = plane.views.connection(doc, address);
            Secret password = secrets().owner();
            return new FollowingDataSource.Target(
                    info.dataSource().apply(password),
                    info.readers()
                            .map(readers -> new SplitConnection.Standbys(
                                    readers.dataSource().apply(password),
                                    readers.freshness(),
                                    staleness,
                                    notBefore,
                                    Ticker.system())));
        });
    }

    @Override
    public Accounts accounts() {
        return new AccountsHandle(this);
    }

    @Override
    public Databases databases() {
        return new DatabasesHandle(this);
    }

    @Override
    public Sessions sessions() {
        return new SessionsHandle(this);
    }

    @Override
    public Map<String, String> settings() {
        return inSession(EngineSession::settings);
    }

    @Override
    public Events events() {
        // Also of one that was purged: its history is what is left of it.
        if (plane.fleet.find(id).filter(doc -> doc.tenant().equals(tenant)).isEmpty()) {
            throw new NotFoundException("no such instance");
        }
        return new EventsHandle(plane.events, Optional.of(tenant), Optional.of(id));
    }

    @Override
    public List<String> logs(int lines) {
        if (lines < 1 || lines > MOST_LINES) {
            throw new InvalidSpecException(ErrorCode.PAGE_INVALID, "lines", lines + "; expected 1 to " + MOST_LINES);
        }
        InstanceDoc doc = doc();
        return doc.refs().isEmpty()
                ? List.of()
                : plane.offering.delivery(doc.delivery()).logs(doc.refs().get(0), lines);
    }

    <T> T inSession(Function<EngineSession, T> use) {
        plane.requireOpen();
        InstanceDoc doc = doc();
        if (doc.phase() != Phase.ACTIVE) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    doc.spec().name() + " is " + doc.lifecycle().name() + "; this needs Active");
        }
        return inSession(doc, SESSION_TIMEOUT, use);
    }

    private <T> T inSession(InstanceDoc doc, Duration timeout, Function<EngineSession, T> use) {
        AdminAddress address = plane.offering
                .delivery(doc.delivery())
                .observe(doc.refs().get(0))
                .admin()
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, doc.spec().name() + " does not run now"));
        try (EngineSession session = plane.offering
                .engine(doc.spec().engine())
                .connect(Requests.of(doc, Optional.of(secrets())), address, timeout)) {
            return use.apply(session);
        }
    }

    private Submitter.Accepted submit(
            OperationKind kind, Map<String, String> arguments, Optional<Secret> password, Runnable check) {
        plane.requireOpen();
        return plane.submitter.inside(caller, tenant, id, kind, arguments, password, check);
    }

    @SuppressWarnings("NullAway") // an Operation<Void> yields null: that is what Void is
    private Operation<Void> plain(OperationKind kind, Map<String, String> arguments, Runnable check) {
        Submitter.Accepted accepted = submit(kind, arguments, Optional.empty(), check);
        return new OperationHandle<>(plane, accepted.operation().id(), tenant, () -> null);
    }

    private Operation<Credential> withPassword(
            OperationKind kind, Map<String, String> arguments, String user, Optional<Secret> given, Runnable check) {
        given.ifPresent(password -> Passwords.check("password", user, password));
        Secret password = given.orElseGet(plane.generator::password);
        Submitter.Accepted accepted = submit(kind, arguments, Optional.of(password), check);
        return new OperationHandle<>(
                plane,
                accepted.operation().id(),
                tenant,
                () -> new Credential(user, accepted.password().orElse(password)));
    }

    private static String join(Set<Grant> grants) {
        return grants.stream().sorted().map(Enum::name).collect(Collectors.joining(","));
    }

    private record AccountsHandle(InstanceHandle instance) implements Accounts {
        @Override
        public List<Account> list() {
            String owner = instance.doc().spec().owner();
            return instance.inSession(EngineSession::accounts).stream()
                    .map(account -> new Account(
                            account.name(), account.grants(), account.name().equals(owner)))
                    .toList();
        }

        @Override
        public Operation<Credential> create(String name, Optional<Secret> password, Set<Grant> grants) {
            Names.databaseObject("name", name);
            return instance.withPassword(
                    OperationKind.ACCOUNT_CREATE, Map.of("name", name, "grants", join(grants)), name, password, () -> {
                        if (exists(name)) {
                            throw new ConflictException(ErrorCode.NAME_TAKEN, "an account has the name " + name);
                        }
                    });
        }

        @Override
        public Operation<Void> grant(String name, Set<Grant> grants) {
            Names.notReservedObject("name", name);
            return instance.plain(
                    OperationKind.ACCOUNT_GRANT, Map.of("name", name, "grants", join(grants)), () -> require(name));
        }

        @Override
        public Operation<Credential> resetPassword(String name, Optional<Secret> password) {
            Names.notReservedObject("name", name);
            return instance.withPassword(
                    OperationKind.ACCOUNT_PASSWORD, Map.of("name", name), name, password, () -> require(name));
        }

        @Override
        public Operation<Void> drop(String name) {
            Names.notReservedObject("name", name);
            if (name.equals(instance.doc().spec().owner())) {
                throw new ConflictException(ErrorCode.ILLEGAL_STATE, "the owner of an instance cannot be dropped");
            }
            return instance.plain(OperationKind.ACCOUNT_DROP, Map.of("name", name), () -> require(name));
        }

        private boolean exists(String name) {
            return instance.inSession(EngineSession::accounts).stream()
                    .anyMatch(account -> account.name().equals(name));
        }

        private void require(String name) {
            if (!exists(name)) {
                throw new NotFoundException("no such account");
            }
        }
    }

    private record DatabasesHandle(InstanceHandle instance) implements Databases {
        @Override
        public List<Database> list() {
            return instance.inSession(EngineSession::databases);
        }

        @Override
        public Operation<Void> create(String name, String owner) {
            Names.databaseObject("name", name);
            Names.notReservedObject("owner", owner);
            return instance.plain(OperationKind.DATABASE_CREATE, Map.of("name", name, "owner", owner), () -> {
                if (exists(name)) {
                    throw new ConflictException(ErrorCode.NAME_TAKEN, "a database has the name " + name);
                }
                if (instance.inSession(EngineSession::accounts).stream()
                        .noneMatch(account -> account.name().equals(owner))) {
                    throw new NotFoundException("no account has the name that shall own the database");
                }
            });
        }

        @Override
        public Operation<Void> drop(String name) {
            Names.notReservedObject("name", name);
            return instance.plain(OperationKind.DATABASE_DROP, Map.of("name", name), () -> {
                if (!exists(name)) {
                    throw new NotFoundException("no such database");
                }
            });
        }

        private boolean exists(String name) {
            return instance.inSession(EngineSession::databases).stream()
                    .anyMatch(database -> database.name().equals(name));
        }
    }

    private record SessionsHandle(InstanceHandle instance) implements Sessions {
        @Override
        public List<Session> list() {
            return instance.inSession(EngineSession::sessions);
        }

        @Override
        public void terminate(long sessionId) {
            if (!instance.inSession(session -> session.terminate(sessionId))) {
                throw new NotFoundException("no such session");
            }
        }
    }
}
