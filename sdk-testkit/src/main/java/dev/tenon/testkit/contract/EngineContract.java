package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.api.Account;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.engine.SoftwareTool;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every {@link EngineDriver} must keep: workloads are pure values without secrets in view, a sizing stays inside the memory,
 * the catalogue refuses what the server would, and each verb of a session may be repeated and survives a restart.
 *
 * <p>An engine's test extends this class and names a delivery that runs it.
 */
public abstract class EngineContract {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Epoch EPOCH = new Epoch(1);
    private static final Secret OWNERS = Secret.of("Owner'\"\\$$ pass-word 1");
    private static final Secret OTHER = Secret.of("another-Password-22");

    /** Where the delivery keeps its files. */
    @TempDir
    protected Path directory;

    private DeliveryDriver delivery;
    private EngineDriver engine;
    private EngineRequest request;
    private MemberWorkload workload;

    /** For subclasses. */
    @SuppressWarnings("NullAway.Init") // JUnit sets the directory, the set-up the rest
    protected EngineContract() {}

    /** Returns the engine. */
    protected abstract EngineDriver newEngine();

    /** Returns a driver, not started, of a place that runs the engine. */
    protected abstract DeliveryDriver newDelivery();

    /** Returns the version to run. */
    protected String version() {
        return engine.describe().versions().get(0);
    }

    /** Returns the size of the member. */
    protected Resources size() {
        return Resources.of(0.5, DataSize.mib(256), DataSize.mib(512));
    }

    /** Returns a valid parameter whose change needs a restart, and a value other than the default. */
    protected abstract Map<String, String> restartParameter();

    /**
     * Returns a valid parameter whose change needs no restart, and a value other than the default; none for an engine that reads all of
     * them only when it starts, whose catalogue must then say so.
     */
    protected abstract Map<String, String> reloadParameter();

    /** Returns a setting that would need more memory than {@link #size()} has; none for an engine where no parameter can. */
    protected abstract Map<String, String> tooMuchMemory();

    /** Returns names of parameters that tenants must not set. */
    protected abstract List<String> forbiddenParameters();

    /** Returns whether a client can log in with what the engine says of connecting. */
    protected abstract boolean canLogIn(ConnectionInfo connection, String user, Secret password);

    /** Starts the delivery. */
    @BeforeEach
    public void openDelivery() {
        engine = newEngine();
        delivery = newDelivery();
        delivery.start(new DeliveryContext(directory, Clock.systemUTC(), ref -> {}));
        request = request(Contracts.tenant(), Contracts.instance(), Map.of());
        workload = engine.workloads(request).get(0);
    }

    /** Takes the member away. */
    @AfterEach
    public void destroy() {
        delivery.destroy(workload.ref(), EPOCH, DestroyMode.EVERYTHING);
        delivery.close();
    }

    private EngineRequest request(TenantId tenant, InstanceId instance, Map<String, String> parameters) {
        return EngineRequest.builder()
                .tenant(tenant)
                .instance(instance)
                .name("contract")
                .version(version())
                .topology(Topology.single())
                .resources(size())
                .parameters(parameters)
                .whitelist(List.of(Cidr.parse("127.0.0.1/32")))
                .secrets(Contracts.secrets(engine))
                .ephemeral(!delivery.capabilities().contains(Capability.DURABLE))
                .build();
    }

    private void use(Map<String, String> parameters) {
        request = EngineRequest.builder().from(request).parameters(parameters).build();
        workload = engine.workloads(request).get(0);
    }

    private EngineSession started() {
        delivery.prepare(workload, EPOCH);
        delivery.start(workload, EPOCH, TIMEOUT);
        return session();
    }

    private EngineSession session() {
        ObservedMember seen = delivery.observe(workload.ref());
        return engine.connect(request, seen.admin().orElseThrow(), Duration.ofSeconds(10));
    }

    private EngineSession handedOver() {
        EngineSession session = started();
        session.handOver(new HandOver("app", "app_owner", OWNERS));
        return session;
    }

    private ConnectionInfo connection(String database, String user) {
        ObservedMember seen = delivery.observe(workload.ref());
        return engine.connection(
                request,
                new ClientEndpoint(
                        seen.address().orElseThrow(),
                        seen.ports().values().iterator().next(),
                        Optional.empty()),
                database,
                user);
    }

    private ParameterCatalogue catalogue() {
        SoftwareTool tool = argv -> {
            ExecResult result = delivery.runTool(
                    new Software(engine.id(), version()),
                    Command.of(
                            Duration.ofSeconds(30),
                            argv.stream().map(Template::text).toArray(Template[]::new)));
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            return result.stdout();
        };
        return engine.parameters(version(), tool);
    }

    private static void refused(ErrorCode code, ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }

    // ---- values

    @Test
    void describe_always_isUsable() {
        assertThat(engine.describe().versions()).isNotEmpty().doesNotHaveDuplicates();
        assertThat(engine.describe().topologies()).contains(TopologyKind.SINGLE);
        assertThat(engine.id()).isEqualTo(engine.describe().id());
    }

    @Test
    void workloads_sameRequest_areEqual() {
        assertThat(engine.workloads(request)).isEqualTo(engine.workloads(request));
        assertThat(newEngine().workloads(request)).isEqualTo(engine.workloads(request));
    }

    @Test
    void workloads_single_isConsistent() {
        assertThat(workload.ref().instance()).isEqualTo(request.instance());
        assertThat(workload.ref().tenant()).isEqualTo(request.tenant());
        List<String> directories =
                workload.directories().stream().map(Directory::name).toList();
        assertThat(directories).doesNotHaveDuplicates().allMatch(n -> n.matches("[a-z0-9-]{1,16}"));
        assertThat(workload.ports().stream().map(Port::name))
                .doesNotHaveDuplicates()
                .allMatch(n -> n.matches("[a-z0-9-]{1,15}"));
        assertThat(workload.processes().stream().map(ProcessSpec::name))
                .isNotEmpty()
                .doesNotHaveDuplicates()
                .allMatch(n -> n.matches("[a-z0-9-]{1,16}"));
        assertThat(workload.files()).allSatisfy(f -> {
            assertThat(directories).contains(f.directory());
            assertThat(Path.of(f.path()).normalize().toString())
                    .isEqualTo(f.path())
                    .doesNotStartWith("..")
                    .doesNotStartWith("/");
            if (f.secret()) {
                assertThat(f.mode() & 0077)
                        .as("others may not read %s", f.path())
                        .isZero();
            }
        });
        assertThat(workload.initialise())
                .allSatisfy(i -> assertThat(directories).contains(i.directory()));
        assertThat(workload.directories()).anyMatch(d -> d.purpose() == Directory.Purpose.DATA);
        assertThat(workload.resources()).isEqualTo(request.resources());
        assertThat(workload.ephemeral()).isEqualTo(request.ephemeral());
        assertThat(workload.adminRoutes()).isNotEmpty();
    }

    @Test
    void workloads_secrets_areOnlyInSecretFilesAndInput() {
        Stream<Command> commands = workload.initialise().stream().map(i -> i.command());
        List<String> visible = Stream.of(
                        commands.flatMap(c -> Stream.concat(c.argv().stream(), c.environment().values().stream())),
                        workload.processes().stream()
                                .flatMap(p -> Stream.concat(p.argv().stream(), p.environment().values().stream())),
                        workload.files().stream().filter(f -> !f.secret()).map(FileSpec::content))
                .flatMap(s -> s)
                .map(t -> t.render(part -> "X"))
                .toList();
        for (String secret : Contracts.clearTexts(request)) {
            assertThat(visible).allSatisfy(t -> assertThat(t).doesNotContain(secret));
            assertThat(workload.toString()).doesNotContain(secret);
            assertThat(request.toString()).doesNotContain(secret);
        }
    }

    @Test
    void workloads_unknownVersion_isRefused() {
        EngineRequest other =
                EngineRequest.builder().from(request).version("9999").build();
        refused(ErrorCode.VERSION_UNKNOWN, () -> engine.workloads(other));
    }

    @Test
    void workloads_undescribedTopology_isRefused() {
        for (TopologyKind kind : TopologyKind.values()) {
            if (!engine.describe().topologies().contains(kind)) {
                Topology topology = new Topology(kind, kind == TopologyKind.SINGLE ? 0 : 1);
                refused(
                        ErrorCode.UNSUPPORTED,
                        () -> engine.workloads(EngineRequest.builder()
                                .from(request)
                                .topology(topology)
                                .build()));
            }
        }
    }

    // ---- sizes and parameters

    @Test
    void sizing_anySize_staysInsideTheMemory() {
        for (long mib = 64; mib <= 1_048_576; mib *= 2) {
            Resources size = Resources.of(1, DataSize.mib(mib), DataSize.gib(1));
            Sizing sizing;
            try {
                sizing = engine.sizing(version(), size, Map.of());
            } catch (TenonException e) {
                assertThat(e.code()).as("%s MiB", mib).isEqualTo(ErrorCode.SIZE_INVALID);
                assertThat(mib).as("refused only where it is small").isLessThanOrEqualTo(256);
                continue;
            }
            assertThat(sizing.worstCase()).as("%s MiB", mib).isLessThanOrEqualTo(size.memory());
            assertThat(sizing.settings()).isNotEmpty().allSatisfy(s -> assertThat(s.reason())
                    .isNotBlank());
            assertThat(sizing.settings().stream().map(Sizing.Setting::name)).doesNotHaveDuplicates();
            assertThat(sizing.proof()).isNotEmpty();
        }
    }

    @Test
    void sizing_parametersThatNeedTooMuch_areRefused() {
        assumeFalse(tooMuchMemory().isEmpty(), "no parameter of this engine needs memory");
        refused(ErrorCode.PARAMETER_INVALID, () -> engine.sizing(version(), size(), tooMuchMemory()));
    }

    @Test
    void sizing_usersParameter_isAmongTheSettings() {
        for (Map<String, String> parameter : List.of(restartParameter(), reloadParameter())) {
            parameter.forEach((name, value) -> assertThat(
                            engine.sizing(version(), size(), parameter).settings())
                    .anyMatch(s -> s.name().equals(name) && s.value().contains(value)));
        }
    }

    @Test
    void restartNeeded_asTheCatalogueSays() {
        assertThat(engine.restartNeeded(version(), restartParameter(), restartParameter()))
                .isEmpty();
        assertThat(engine.restartNeeded(version(), Map.of(), restartParameter()))
                .containsExactlyElementsOf(restartParameter().keySet());
        assertThat(engine.restartNeeded(version(), Map.of(), reloadParameter())).isEmpty();
    }

    @Test
    void catalogue_ofTheServer_hasWhatItPromises() {
        ParameterCatalogue catalogue = catalogue();
        assertThat(catalogue
                        .parameters()
                        .get(restartParameter().keySet().iterator().next()))
                .extracting(Parameter::restart)
                .isEqualTo(true);
        if (reloadParameter().isEmpty()) {
            assertThat(catalogue.parameters().values()).allMatch(Parameter::restart);
        }
        reloadParameter().forEach((n, v) -> assertThat(catalogue.parameters().get(n))
                .extracting(Parameter::restart)
                .isEqualTo(false));
        restartParameter()
                .forEach((n, v) -> assertThatCode(() -> catalogue.check(n, v)).doesNotThrowAnyException());
        reloadParameter()
                .forEach((n, v) -> assertThatCode(() -> catalogue.check(n, v)).doesNotThrowAnyException());
    }

    @Test
    void catalogue_badValues_areRefused() {
        ParameterCatalogue catalogue = catalogue();
        refused(ErrorCode.PARAMETER_INVALID, () -> catalogue.check("no_such_parameter", "1"));
        for (Parameter p : catalogue.parameters().values()) {
            if (p.access() == Parameter.Access.FORBIDDEN) {
                refused(ErrorCode.PARAM_FORBIDDEN, () -> catalogue.check(p.name(), p.defaultValue()));
                continue;
            }
            if (p.type() != Parameter.Type.STRING) {
                for (String bad : List.of("", "banana", "on'\nevil='x", "1e999", "-999999999999999", "NaN", "1 2")) {
                    refused(ErrorCode.PARAMETER_INVALID, () -> catalogue.check(p.name(), bad));
                }
            } else {
                refused(ErrorCode.PARAMETER_INVALID, () -> catalogue.check(p.name(), "on'\nevil='x"));
            }
        }
    }

    @Test
    void catalogue_dangerousNames_areForbidden() {
        ParameterCatalogue catalogue = catalogue();
        assertThat(forbiddenParameters()).isNotEmpty();
        for (String name : forbiddenParameters()) {
            refused(ErrorCode.PARAM_FORBIDDEN, () -> catalogue.check(name, "x"));
        }
    }

    // ---- sessions

    @Test
    void connect_running_isPrimary() {
        try (EngineSession session = started()) {
            assertThat(session.role()).isEqualTo(EngineSession.Role.PRIMARY);
            assertThat(session.serverVersion()).isNotBlank();
        }
    }

    @Test
    void connect_stopped_isUnavailable() {
        started().close();
        ObservedMember seen = delivery.observe(workload.ref());
        delivery.stop(workload, EPOCH, StopMode.GRACEFUL);
        refused(ErrorCode.PROVIDER_UNAVAILABLE, () -> {
            try (EngineSession session = engine.connect(request, seen.admin().orElseThrow(), Duration.ofSeconds(5))) {
                session.role();
            }
        });
    }

    @Test
    void session_serverEnds_isUnavailable() {
        try (EngineSession session = started()) {
            assertThat(session.role()).isEqualTo(EngineSession.Role.PRIMARY);
            delivery.stop(workload, EPOCH, StopMode.KILL);
            refused(ErrorCode.PROVIDER_UNAVAILABLE, session::settings);
        }
    }

    @Test
    void handOver_twice_isDoneOnce() {
        try (EngineSession session = handedOver()) {
            session.handOver(new HandOver("app", "app_owner", OWNERS));
            assertThat(session.databases()).extracting(Database::name).containsExactly("app");
            assertThat(session.accounts()).singleElement().satisfies(a -> {
                assertThat(a.name()).isEqualTo("app_owner");
                assertThat(a.owner()).isTrue();
            });
        }
        assertThat(canLogIn(connection("app", "app_owner"), "app_owner", OWNERS))
                .isTrue();
        assertThat(canLogIn(connection("app", "app_owner"), "app_owner", OTHER)).isFalse();
    }

    @Test
    void putAccount_twice_hasTheLatestPasswordAndGrants() {
        try (EngineSession session = handedOver()) {
            session.putAccount("reader", OTHER, Set.of(Grant.READ, Grant.WRITE));
            session.putAccount("reader", OWNERS, Set.of(Grant.READ));
            assertThat(account(session, "reader").grants()).containsExactly(Grant.READ);
            assertThat(account(session, "reader").owner()).isFalse();
        }
        assertThat(canLogIn(connection("app", "reader"), "reader", OWNERS)).isTrue();
        assertThat(canLogIn(connection("app", "reader"), "reader", OTHER)).isFalse();
    }

    @Test
    void grant_anySet_isExactlyThat() {
        try (EngineSession session = handedOver()) {
            session.putAccount("worker", OTHER, Set.of());
            for (Set<Grant> wanted : List.of(
                    Set.of(Grant.READ),
                    Set.of(Grant.READ, Grant.WRITE, Grant.DDL),
                    Set.of(Grant.CREATE_DATABASE),
                    Set.<Grant>of())) {
                Set<Grant> grants = new HashSet<>(wanted);
                grants.retainAll(engine.grants(version()));
                session.grant("worker", grants);
                session.grant("worker", grants);
                assertThat(account(session, "worker").grants()).isEqualTo(grants);
            }
        }
    }

    @Test
    void grant_undeclared_isRefused() {
        Set<Grant> missing = EnumSet.allOf(Grant.class);
        missing.removeAll(engine.grants(version()));
        try (EngineSession session = handedOver()) {
            session.putAccount("worker", OTHER, Set.of(Grant.READ));
            for (Grant grant : missing) {
                refused(ErrorCode.UNSUPPORTED, () -> session.grant("worker", Set.of(grant)));
                refused(ErrorCode.UNSUPPORTED, () -> session.putAccount("other", OTHER, Set.of(Grant.READ, grant)));
            }
            assertThat(account(session, "worker").grants()).containsExactly(Grant.READ);
            assertThat(session.accounts()).extracting(Account::name).doesNotContain("other");
        }
    }

    @Test
    void password_changed_onlyTheNewOneWorks() {
        try (EngineSession session = handedOver()) {
            session.putAccount("worker", OWNERS, Set.of(Grant.READ));
            session.password("worker", OTHER);
            session.password("worker", OTHER);
        }
        assertThat(canLogIn(connection("app", "worker"), "worker", OTHER)).isTrue();
        assertThat(canLogIn(connection("app", "worker"), "worker", OWNERS)).isFalse();
    }

    @Test
    void dropAccount_ownerOfADatabase_passesItOn() {
        try (EngineSession session = handedOver()) {
            session.putAccount("worker", OTHER, Set.of(Grant.READ));
            if (!mayOwn("worker").equals("worker")) {
                refused(ErrorCode.UNSUPPORTED, () -> session.createDatabase("works", "worker"));
            }
            session.createDatabase("works", mayOwn("worker"));
            session.dropAccount("worker", "app_owner");
            session.dropAccount("worker", "app_owner");
            assertThat(session.accounts()).extracting(Account::name).doesNotContain("worker");
            assertThat(session.databases())
                    .filteredOn(d -> d.name().equals("works"))
                    .singleElement()
                    .extracting(Database::owner)
                    .isEqualTo("app_owner");
        }
    }

    /** Where accounts cannot be let create databases, they own none. */
    private String mayOwn(String account) {
        return engine.grants(version()).contains(Grant.CREATE_DATABASE) ? account : "app_owner";
    }

    @Test
    void databases_createAndDropTwice_areThereAndGone() {
        try (EngineSession session = handedOver()) {
            session.createDatabase("second", "app_owner");
            session.createDatabase("second", "app_owner");
            assertThat(session.databases()).extracting(Database::name).containsExactlyInAnyOrder("app", "second");
            session.dropDatabase("second");
            session.dropDatabase("second");
            assertThat(session.databases()).extracting(Database::name).containsExactly("app");
        }
    }

    @Test
    void names_withOddButLegalCharacters_work() {
        try (EngineSession session = handedOver()) {
            String name = "a$b_" + "x".repeat(59);
            session.putAccount(name, OTHER, Set.of(Grant.READ));
            session.createDatabase(name, mayOwn(name));
            assertThat(account(session, name).name()).isEqualTo(name);
            session.dropDatabase(name);
            session.dropAccount(name, "app_owner");
            assertThat(session.accounts()).hasSize(1);
        }
    }

    @Test
    void terminate_noSuchSession_isFalse() {
        try (EngineSession session = handedOver()) {
            assertThat(session.terminate(2_000_000_001L)).isFalse();
            session.terminateAll();
            assertThat(session.sessions()).isEmpty();
        }
    }

    @Test
    void data_afterStopAndKeepData_isThere() {
        try (EngineSession session = handedOver()) {
            session.putAccount("worker", OTHER, Set.of(Grant.READ));
            session.createDatabase("second", mayOwn("worker"));
        }
        delivery.stop(workload, EPOCH, StopMode.GRACEFUL);
        delivery.start(workload, EPOCH, TIMEOUT);
        everythingIsThere();
        assumeTrue(delivery.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        delivery.destroy(workload.ref(), EPOCH, DestroyMode.KEEP_DATA);
        delivery.prepare(workload, EPOCH);
        delivery.start(workload, EPOCH, TIMEOUT);
        everythingIsThere();
    }

    private void everythingIsThere() {
        try (EngineSession session = session()) {
            assertThat(account(session, "worker").grants()).containsExactly(Grant.READ);
            assertThat(session.databases()).extracting(Database::name).containsExactlyInAnyOrder("app", "second");
        }
        assertThat(canLogIn(connection("app", "app_owner"), "app_owner", OWNERS))
                .isTrue();
    }

    @Test
    void settings_ofTheSize_areInForce() {
        try (EngineSession session = started()) {
            Map<String, String> inForce = session.settings();
            assertThat(inForce.keySet())
                    .containsAll(engine.sizing(version(), size(), Map.of()).settings().stream()
                            .map(Sizing.Setting::name)
                            .toList());
            assertThat(session.pendingRestart()).isEmpty();
        }
    }

    @Test
    void parameters_changed_areInForceOrPending() {
        try (EngineSession session = started()) {
            for (String name : reloadParameter().keySet()) {
                String before = String.valueOf(session.settings().get(name));
                use(reloadParameter());
                delivery.prepare(workload, EPOCH);
                assertThat(eventually(() -> !before.equals(session.settings().get(name))))
                        .as("the new value of %s is in force", name)
                        .isTrue();
            }
            assertThat(session.pendingRestart()).isEmpty();
            use(restartParameter());
            delivery.prepare(workload, EPOCH);
            assertThat(eventually(() -> !session.pendingRestart().isEmpty()))
                    .as("waits for a restart")
                    .isTrue();
            assertThat(session.pendingRestart()).containsAll(restartParameter().keySet());
        }
        delivery.stop(workload, EPOCH, StopMode.GRACEFUL);
        delivery.start(workload, EPOCH, TIMEOUT);
        try (EngineSession session = session()) {
            assertThat(session.pendingRestart()).isEmpty();
            restartParameter().forEach((n, v) -> assertThat(session.settings()).containsEntry(n, v));
        }
    }

    @Test
    void connection_ofAUser_holdsNoPassword() {
        started().close();
        ConnectionInfo info = connection("app", "app_owner");
        assertThat(info.jdbcUrl()).startsWith("jdbc:");
        assertThat(info.uri()).contains("app_owner");
        assertThat(info.snippets()).isNotEmpty();
        for (String secret : Contracts.clearTexts(request)) {
            assertThat(info.toString()).doesNotContain(secret);
        }
    }

    private static boolean eventually(java.util.function.BooleanSupplier holds) {
        try {
            return Contracts.eventually(Duration.ofSeconds(10), holds);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    private static Account account(EngineSession session, String name) {
        return session.accounts().stream()
                .filter(a -> a.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no account " + name));
    }
}
