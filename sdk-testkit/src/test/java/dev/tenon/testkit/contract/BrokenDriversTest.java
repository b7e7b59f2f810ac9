package dev.tenon.testkit.contract;

import static dev.tenon.testkit.contract.Broken.answering;
import static dev.tenon.testkit.contract.Broken.calling;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.Topology;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.MemberMetrics;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDescription;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import dev.tenon.testkit.contract.Broken.Breakage;
import dev.tenon.testkit.contract.Broken.Call;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Shows that the contract suites can fail: each driver here breaks one promise, and the test that names it must notice. */
final class BrokenDriversTest {
    @TempDir
    Path directory;

    private static final Epoch HIGHEST = new Epoch(Long.MAX_VALUE - 1);

    static Stream<Broken> deliveries() {
        return Stream.of(
                broken(
                        "id_always_isAName",
                        "has a name nobody can write",
                        answering("id", String.class, id -> "Host #1")),
                broken(
                        "capacity_always_hasAHost",
                        "does not say what it has room for",
                        answering("capacity", PlaceCapacity.class, all -> new PlaceCapacity(List.of()))),
                broken(
                        "software_always_hasTheEnginesVersion",
                        "hides its software",
                        answering("software", List.class, all -> List.of())),
                broken(
                        "observe_neverMade_isAbsent",
                        "sees what is not there",
                        (verb, args, onwards) -> seen(
                                onwards.proceed(args),
                                (was, now) ->
                                        was.state() == MemberState.ABSENT ? now.state(MemberState.STOPPED) : now)),
                broken(
                        "prepare_fresh_isStoppedWithPorts",
                        "forgets the ports",
                        (verb, args, onwards) -> seen(onwards.proceed(args), (was, now) -> now.ports(Map.of()))),
                broken(
                        "prepare_softwareNotHere_isRefused",
                        "takes whatever version it has",
                        calling("prepare", args -> {
                            MemberWorkload w = (MemberWorkload) args[0];
                            args[0] = MemberWorkload.builder()
                                    .from(w)
                                    .software(new Software(w.software().engine(), version()))
                                    .build();
                            return args;
                        })),
                broken(
                        "start_prepared_runsAndCanBeReached",
                        "does not say how to get in",
                        (verb, args, onwards) ->
                                seen(onwards.proceed(args), (was, now) -> now.admin(Optional.empty()))),
                broken("stop_kill_isStopped", "does not kill", (verb, args, onwards) -> {
                    if (verb.equals("stop") && args[2] == StopMode.KILL) {
                        return ObservedMember.builder()
                                .ref(((MemberWorkload) args[0]).ref())
                                .state(MemberState.RUNNING)
                                .build();
                    }
                    return onwards.proceed(args);
                }),
                broken(
                        "start_afterStop_keepsPortsAndIsANewRun",
                        "cannot tell one run from the next",
                        (verb, args, onwards) -> seen(onwards.proceed(args), (was, now) -> now.incarnation("1"))),
                broken(
                        "killed_mainProcess_isSeenAndStartsAgain",
                        "does not notice that a process ended",
                        (verb, args, onwards) -> seen(
                                onwards.proceed(args),
                                (was, now) ->
                                        was.state() == MemberState.STOPPED ? now.state(MemberState.RUNNING) : now)),
                broken(
                        "prepare_sameFiles_needsNoRestart",
                        "wants a restart for nothing",
                        restartingFor((a, b) -> true)),
                broken(
                        "prepare_reloadFileChanged_needsNoRestart",
                        "wants a restart for every change",
                        restartingFor((a, b) -> !a.equals(b))),
                broken(
                        "olderEpoch_afterALaterOneOfAnotherDriver_isFenced",
                        "knows epochs only while it lives",
                        new Breakage() {
                            private final Map<MemberRef, Long> highest = new ConcurrentHashMap<>();
                            private long taken = 1_000_000;

                            @Override
                            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                                if (args.length > 0 && args[0] instanceof DeliveryContext) {
                                    highest.clear();
                                }
                                Object[] changed = args.clone();
                                for (int i = 0; i < changed.length; i++) {
                                    if (changed[i] instanceof Epoch epoch) {
                                        MemberRef ref = args[0] instanceof MemberRef one
                                                ? one
                                                : ((MemberWorkload) args[0]).ref();
                                        if (epoch.value() < highest.merge(ref, epoch.value(), Math::max)) {
                                            throw new ProviderException(ErrorCode.FENCED, "older");
                                        }
                                        changed[i] = new Epoch(taken++);
                                    }
                                }
                                return onwards.proceed(changed);
                            }
                        }),
                broken("laterEpoch_isAccepted", "accepts only the epoch it knows", new Breakage() {
                    private Epoch known;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        for (Object arg : args) {
                            if (arg instanceof Epoch epoch) {
                                known = known == null ? epoch : known;
                                if (!known.equals(epoch)) {
                                    throw new ProviderException(ErrorCode.FENCED, "not " + known);
                                }
                            }
                        }
                        return onwards.proceed(args);
                    }
                }),
                broken("fence_neverMade_doesNothing", "cannot fence what never was", (verb, args, onwards) -> {
                    if (verb.equals("fence") && !place.members().contains((MemberRef) args[0])) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no such member");
                    }
                    return onwards.proceed(args);
                }),
                broken(
                        "anotherDriver_runningMember_adopts",
                        "does not list what another made",
                        answering("members", List.class, all -> List.of())),
                broken("destroy_preparedOnly_leavesNothing", "destroys only what runs", (verb, args, onwards) -> {
                    return verb.equals("destroy") && !place.isRunning((MemberRef) args[0])
                            ? null
                            : onwards.proceed(args);
                }),
                broken("close_durableMember_goesOn", "takes its members with it", (verb, args, onwards) -> {
                    if (verb.equals("close")) {
                        place.members().forEach(place::killSilently);
                    }
                    return onwards.proceed(args);
                }),
                broken("capabilities_always_areConstant", "changes its mind", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        return times++ % 2 == 0
                                ? onwards.proceed(args)
                                : without(Capability.EXEC).call(verb, args, onwards);
                    }
                }),
                broken("fill_asTheCapabilitySays", "takes half a copy for a whole one", (verb, args, onwards) -> {
                    try {
                        return onwards.proceed(args);
                    } catch (ProviderException e) {
                        if (verb.equals("fill") && e.code() == ErrorCode.PROVIDER_UNAVAILABLE) {
                            return ObservedMember.absent(((MemberWorkload) args[0]).ref());
                        }
                        throw e;
                    }
                }),
                broken(
                        "metrics_running_hasMemory",
                        "does not look at the memory",
                        answering(
                                "metrics",
                                MemberMetrics.class,
                                seen -> new MemberMetrics(seen.cpuTime(), DataSize.bytes(0), seen.storage()))),
                broken(
                        "runTool_softwareNotHere_isRefused",
                        "says that nothing went well",
                        (verb, args, onwards) ->
                                verb.equals("runTool") ? new ExecResult(0, "", "") : onwards.proceed(args)),
                broken("start_twice_keepsTheProcess", "starts again what runs", (verb, args, onwards) -> {
                    if (verb.equals("start") && args.length == 3) {
                        onwards.proceed(args);
                        killed((MemberWorkload) args[0]);
                    }
                    return onwards.proceed(args);
                }),
                broken("olderEpoch_everyVerb_isFencedAndChangesNothing", "ignores epochs", (verb, args, onwards) -> {
                    Object[] changed = args.clone();
                    for (int i = 0; i < changed.length; i++) {
                        changed[i] = changed[i] instanceof Epoch ? HIGHEST : changed[i];
                    }
                    return onwards.proceed(changed);
                }),
                broken(
                        "olderEpoch_afterTheMemberWasDestroyed_cannotMakeItAgain",
                        "forgets whom it destroyed",
                        (verb, args, onwards) ->
                                verb.equals("prepare") ? onwards.proceed(args[0], HIGHEST) : onwards.proceed(args)),
                broken("destroy_everything_leavesNothing", "keeps the data", (verb, args, onwards) -> {
                    Object[] changed = args.clone();
                    for (int i = 0; i < changed.length; i++) {
                        changed[i] = changed[i] == DestroyMode.EVERYTHING ? DestroyMode.KEEP_DATA : changed[i];
                    }
                    return onwards.proceed(changed);
                }),
                broken("destroy_keepData_keepsPorts", "forgets the ports", (verb, args, onwards) -> {
                    Object[] changed = args.clone();
                    for (int i = 0; i < changed.length; i++) {
                        changed[i] = changed[i] == DestroyMode.KEEP_DATA ? DestroyMode.EVERYTHING : changed[i];
                    }
                    return onwards.proceed(changed);
                }),
                broken("stop_running_isStopped", "says stopped and does nothing", (verb, args, onwards) -> {
                    if (!verb.equals("stop")) {
                        return onwards.proceed(args);
                    }
                    return ObservedMember.builder()
                            .ref(((MemberWorkload) args[0]).ref())
                            .state(MemberState.STOPPED)
                            .build();
                }),
                broken("stop_neverMade_isAbsent", "fails for what never was", (verb, args, onwards) -> {
                    Object answer = onwards.proceed(args);
                    if (verb.equals("stop") && ((ObservedMember) answer).state() == MemberState.ABSENT) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no such member");
                    }
                    return answer;
                }),
                broken("killed_mainProcess_wakes", "never wakes", (verb, args, onwards) -> {
                    if (verb.equals("start") && args.length == 1) {
                        DeliveryContext given = (DeliveryContext) args[0];
                        return onwards.proceed(new DeliveryContext(given.directory(), given.clock(), ref -> {}));
                    }
                    return onwards.proceed(args);
                }),
                broken(
                        "prepare_restartFileChanged_waitsForTheRestart",
                        "hides a pending restart",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            return answer instanceof ObservedMember seen
                                    ? ObservedMember.builder()
                                            .from(seen)
                                            .restartPending(false)
                                            .build()
                                    : answer;
                        }),
                broken("secrets_runningMember_areNotInPublic", "logs its files", (verb, args, onwards) -> {
                    if (verb.equals("prepare")) {
                        lastWorkload = (MemberWorkload) args[0];
                    }
                    return verb.equals("logs")
                            ? lastWorkload.files().stream()
                                    .map(f -> f.content().render(p -> "X"))
                                    .toList()
                            : onwards.proceed(args);
                }),
                broken("prepare_twoMembers_getDifferentPorts", "gives everybody one port", (verb, args, onwards) -> {
                    Object answer = onwards.proceed(args);
                    return answer instanceof ObservedMember seen
                                    && !seen.ports().isEmpty()
                            ? ObservedMember.builder()
                                    .from(seen)
                                    .ports(Map.of("db", 5432))
                                    .build()
                            : answer;
                }),
                broken(
                        "logs_anyNumber_isBounded",
                        "ignores the number of lines",
                        (verb, args, onwards) ->
                                verb.equals("logs") ? onwards.proceed(args[0], 10_000) : onwards.proceed(args)),
                broken("prepare_twice_changesNothing", "gives new ports each time", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        Object answer = onwards.proceed(args);
                        return verb.equals("prepare") && times++ > 0
                                ? ObservedMember.builder()
                                        .from((ObservedMember) answer)
                                        .ports(Map.of("db", 5433))
                                        .build()
                                : answer;
                    }
                }),
                broken("prepare_longestNames_work", "has no room for long names", (verb, args, onwards) -> {
                    if (verb.equals("prepare")
                            && ((MemberWorkload) args[0]).ref().member().length() > 10) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the name is too long");
                    }
                    return onwards.proceed(args);
                }),
                broken("anotherDriver_betweenAnyTwoCalls_goesOn", "knows only what it made itself", new Breakage() {
                    private final Set<MemberRef> made = ConcurrentHashMap.newKeySet();

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        if (args.length > 0 && args[0] instanceof DeliveryContext) {
                            made.clear();
                        } else if (verb.equals("prepare")) {
                            made.add(((MemberWorkload) args[0]).ref());
                        } else if (verb.equals("start") && !made.contains(((MemberWorkload) args[0]).ref())) {
                            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no such member");
                        }
                        return onwards.proceed(args);
                    }
                }),
                broken(
                        "differentMembers_atTheSameTime_doNotDisturbEachOther",
                        "has room for one member",
                        new Breakage() {
                            private final Set<MemberRef> made = ConcurrentHashMap.newKeySet();

                            @Override
                            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                                if (verb.equals("prepare")) {
                                    made.add(((MemberWorkload) args[0]).ref());
                                    if (made.size() > 1) {
                                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, "busy");
                                    }
                                }
                                return onwards.proceed(args);
                            }
                        }),
                broken(
                        "fillAlike_whatWasNeverFilled_beginsAsAnother",
                        "says filled and does nothing",
                        (verb, args, onwards) -> verb.equals("fillAlike")
                                ? Optional.of(ObservedMember.builder()
                                        .ref(((MemberWorkload) args[0]).ref())
                                        .state(MemberState.STOPPED)
                                        .build())
                                : onwards.proceed(args)),
                broken(
                        "giveUp_asTheCapabilitySays",
                        "says given up and does nothing",
                        (verb, args, onwards) -> verb.equals("giveUp") ? null : onwards.proceed(args)),
                broken("exec_asTheCapabilitySays", "does what it says it cannot", without(Capability.EXEC)),
                broken(
                        "resize_running_asTheCapabilitySays",
                        "resizes though it says it cannot",
                        without(Capability.RESIZE_IN_PLACE)),
                broken(
                        "prepare_withoutTheKindOfLife_isRefused",
                        "makes throw-away members though it says it cannot",
                        without(Capability.EPHEMERAL)),
                broken("growVolume_smaller_isRefused", "shrinks without a word", (verb, args, onwards) -> {
                    if (!verb.equals("growVolume")) {
                        return onwards.proceed(args);
                    }
                    return null;
                }),
                broken("fence_running_acceptsNothingUntilStarted", "does not fence", (verb, args, onwards) -> {
                    if (!verb.equals("fence")) {
                        return onwards.proceed(args);
                    }
                    return null;
                }),
                broken("close_ephemeralMember_endsIt", "leaves throw-away members running", (verb, args, onwards) -> {
                    if (!verb.equals("close")) {
                        return onwards.proceed(args);
                    }
                    return null;
                }),
                broken("destroy_neverMade_doesNothing", "cannot destroy what never was", (verb, args, onwards) -> {
                    if (verb.equals("destroy") && !place.members().contains((MemberRef) args[0])) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no such member");
                    }
                    return onwards.proceed(args);
                }),
                broken("observeAll_several_isAsOneByOne", "sees nobody in a crowd", (verb, args, onwards) -> {
                    return verb.equals("observeAll") ? List.of() : onwards.proceed(args);
                }),
                broken(
                        "interrupted_start_keepsTheFlagAndCanBeRepeated",
                        "swallows an interruption",
                        (verb, args, onwards) -> {
                            if (verb.equals("start") && args.length == 3) {
                                Thread.interrupted();
                            }
                            return onwards.proceed(args);
                        }),
                broken("start_neverPrepared_fails", "says running and starts nothing", (verb, args, onwards) -> {
                    if (verb.equals("start")
                            && args.length == 3
                            && !place.members().contains(((MemberWorkload) args[0]).ref())) {
                        return ObservedMember.builder()
                                .ref(((MemberWorkload) args[0]).ref())
                                .state(MemberState.RUNNING)
                                .build();
                    }
                    return onwards.proceed(args);
                }));
    }

    private static String version() {
        return SimulatedEngine.on(place).describe().versions().get(0);
    }

    /** Changes what is seen of a member, in whatever verb answers with it. */
    private static Object seen(
            Object answer, BiFunction<ObservedMember, ObservedMember.Builder, ObservedMember.Builder> change) {
        return answer instanceof ObservedMember was
                ? change.apply(was, ObservedMember.builder().from(was)).build()
                : answer;
    }

    /** Wants a restart when what is prepared differs from what was prepared before, as the rule sees it. */
    private static Breakage restartingFor(BiPredicate<List<FileSpec>, List<FileSpec>> change) {
        return new Breakage() {
            private List<FileSpec> last;

            @Override
            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                Object answer = onwards.proceed(args);
                if (!verb.equals("prepare")) {
                    return answer;
                }
                List<FileSpec> before = last;
                last = ((MemberWorkload) args[0]).files();
                return before != null && change.test(before, last)
                        ? seen(answer, (was, now) -> now.restartPending(true))
                        : answer;
            }
        };
    }

    /** Hides a capability and keeps it. */
    private static Breakage without(Capability hidden) {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            if (!verb.equals("capabilities")) {
                return answer;
            }
            Set<Object> left = new HashSet<>((Set<?>) answer);
            left.remove(hidden);
            return left;
        };
    }

    private static MemberWorkload lastWorkload;
    private static SimulatedPlace place;

    @BeforeEach
    void newPlace() {
        place = SimulatedPlace.create();
    }

    private static void killed(MemberWorkload w) {
        place.killSilently(w.ref());
    }

    @Test
    void deliveryContract_eachTest_hasADriverThatBreaksIt() {
        assertThat(deliveries().map(Broken::test))
                .containsExactlyInAnyOrderElementsOf(Broken.tests(DeliveryContract.class));
    }

    @ParameterizedTest
    @MethodSource("deliveries")
    void deliveryContract_brokenPromise_isNoticed(Broken broken) {
        broken.assertNoticed(opened(delivery(broken.breakage())), DeliveryContract.class);
    }

    @ParameterizedTest
    @MethodSource("deliveries")
    void deliveryContract_keptPromise_passes(Broken broken) throws Throwable {
        broken.run(opened(delivery(Broken.NOTHING)), DeliveryContract.class);
    }

    private DeliveryContract opened(DeliveryContract suite) {
        suite.directory = directory;
        suite.openDriver();
        return suite;
    }

    static Stream<Broken> engines() {
        return Stream.of(
                broken(
                        "describe_always_isUsable",
                        "offers no single server",
                        answering(
                                "describe",
                                EngineDescription.class,
                                d -> new EngineDescription(d.id(), d.displayName(), d.versions(), Set.of(), d.tls()))),
                broken(
                        "workloads_single_isConsistent",
                        "lets everybody read its secrets",
                        answering(
                                "workloads",
                                List.class,
                                all -> List.of(MemberWorkload.builder()
                                        .from((MemberWorkload) all.get(0))
                                        .addFiles(new FileSpec(
                                                "data",
                                                "key",
                                                Template.text("x"),
                                                0644,
                                                true,
                                                FileSpec.OnChange.NOTHING))
                                        .build()))),
                broken(
                        "workloads_unknownVersion_isRefused",
                        "takes any version for its own",
                        calling("workloads", args -> new Object[] {
                            EngineRequest.builder()
                                    .from((EngineRequest) args[0])
                                    .version(version())
                                    .build()
                        })),
                broken(
                        "workloads_undescribedTopology_isRefused",
                        "makes one server of every topology",
                        calling("workloads", args -> new Object[] {
                            EngineRequest.builder()
                                    .from((EngineRequest) args[0])
                                    .topology(Topology.single())
                                    .build()
                        })),
                broken(
                        "sizing_parametersThatNeedTooMuch_areRefused",
                        "sizes without the parameters",
                        withoutParameters()),
                broken("sizing_usersParameter_isAmongTheSettings", "sizes without the parameters", withoutParameters()),
                broken(
                        "catalogue_ofTheServer_hasWhatItPromises",
                        "thinks that no parameter needs a restart",
                        catalogue(BrokenDriversTest::withoutRestart, parameter -> false)),
                broken(
                        "catalogue_badValues_areRefused",
                        "takes any text for a number",
                        catalogue(UnaryOperator.identity(), parameter -> parameter.type() != Parameter.Type.STRING)),
                broken(
                        "catalogue_dangerousNames_areForbidden",
                        "lets tenants set everything",
                        catalogue(
                                UnaryOperator.identity(),
                                parameter -> parameter.access() == Parameter.Access.FORBIDDEN)),
                broken(
                        "connect_stopped_isUnavailable",
                        "calls what is stopped broken",
                        failing("connect", ErrorCode.PROVIDER_FAILED)),
                broken(
                        "session_serverEnds_isUnavailable",
                        "calls what ended broken",
                        failing("settings", ErrorCode.PROVIDER_FAILED)),
                broken(
                        "names_withOddButLegalCharacters_work",
                        "leaves odd characters out of names",
                        calling("putAccount", args -> {
                            args[0] = ((String) args[0]).replace("$", "");
                            return args;
                        })),
                broken("data_afterStopAndKeepData_isThere", "keeps databases only in a session", new Breakage() {
                    private int sessions;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        sessions += verb.equals("connect") ? 1 : 0;
                        return verb.equals("databases") && sessions > 1 ? List.of() : onwards.proceed(args);
                    }
                }),
                broken(
                        "parameters_changed_areInForceOrPending",
                        "hides that a restart is needed",
                        answering("pendingRestart", Set.class, all -> Set.of())),
                broken(
                        "connection_ofAUser_holdsNoPassword",
                        "puts the password into the URL",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            if (!(answer instanceof ConnectionInfo info)) {
                                return answer;
                            }
                            Secret secret = ((EngineRequest) args[0])
                                    .secrets()
                                    .values()
                                    .iterator()
                                    .next();
                            return new ConnectionInfo(
                                    info.jdbcUrl() + "?password=" + secret.reveal(t -> t),
                                    info.uri(),
                                    info.snippets(),
                                    info.dataSource());
                        }),
                broken("handOver_twice_isDoneOnce", "cannot hand over twice", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        if (verb.equals("handOver") && times++ > 0) {
                            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "exists");
                        }
                        return onwards.proceed(args);
                    }
                }),
                broken(
                        "grant_anySet_isExactlyThat",
                        "only ever adds grants",
                        (verb, args, onwards) -> verb.equals("grant") ? null : onwards.proceed(args)),
                broken(
                        "grant_undeclared_isRefused",
                        "gives what it says it cannot",
                        (verb, args, onwards) ->
                                verb.equals("grants") ? Set.of(Grant.READ, Grant.WRITE) : onwards.proceed(args)),
                broken(
                        "password_changed_onlyTheNewOneWorks",
                        "keeps the old password",
                        (verb, args, onwards) -> verb.equals("password") ? null : onwards.proceed(args)),
                broken(
                        "dropAccount_ownerOfADatabase_passesItOn",
                        "leaves dropped owners",
                        (verb, args, onwards) ->
                                verb.equals("dropAccount") ? onwards.proceed(args[0], args[0]) : onwards.proceed(args)),
                broken(
                        "sizing_anySize_staysInsideTheMemory",
                        "takes more memory than it has",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            return answer instanceof Sizing s
                                    ? new Sizing(s.settings(), DataSize.gib(8_000_000), s.proof())
                                    : answer;
                        }),
                broken(
                        "workloads_secrets_areOnlyInSecretFilesAndInput",
                        "puts a password into a label",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            if (!verb.equals("workloads")) {
                                return answer;
                            }
                            Secret secret = ((EngineRequest) args[0])
                                    .secrets()
                                    .values()
                                    .iterator()
                                    .next();
                            return List.of(MemberWorkload.builder()
                                    .from((MemberWorkload) ((List<?>) answer).get(0))
                                    .putLabels("password", secret.reveal(t -> t))
                                    .build());
                        }),
                broken("workloads_sameRequest_areEqual", "describes it anew each time", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        Object answer = onwards.proceed(args);
                        return verb.equals("workloads")
                                ? List.of(MemberWorkload.builder()
                                        .from((MemberWorkload) ((List<?>) answer).get(0))
                                        .putLabels("made", Integer.toString(times++))
                                        .build())
                                : answer;
                    }
                }),
                broken(
                        "restartNeeded_asTheCatalogueSays",
                        "hides that a restart is needed",
                        (verb, args, onwards) -> verb.equals("restartNeeded") ? Set.of() : onwards.proceed(args)),
                broken(
                        "connect_running_isPrimary",
                        "takes its primary for a standby",
                        (verb, args, onwards) ->
                                verb.equals("role") ? EngineSession.Role.STANDBY : onwards.proceed(args)),
                broken("putAccount_twice_hasTheLatestPasswordAndGrants", "makes an account once", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        return verb.equals("putAccount") && times++ > 0 ? null : onwards.proceed(args);
                    }
                }),
                broken("databases_createAndDropTwice_areThereAndGone", "cannot drop twice", new Breakage() {
                    private int times;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        if (verb.equals("dropDatabase") && times++ > 0) {
                            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "no such database");
                        }
                        return onwards.proceed(args);
                    }
                }),
                broken(
                        "terminate_noSuchSession_isFalse",
                        "ends sessions that are not there",
                        (verb, args, onwards) -> verb.equals("terminate") ? true : onwards.proceed(args)),
                broken(
                        "settings_ofTheSize_areInForce",
                        "knows no settings",
                        (verb, args, onwards) -> verb.equals("settings") ? Map.of() : onwards.proceed(args)));
    }

    private static Breakage withoutParameters() {
        return calling("sizing", args -> {
            args[2] = Map.of();
            return args;
        });
    }

    private static Breakage failing(String broken, ErrorCode code) {
        return (verb, args, onwards) -> {
            try {
                return onwards.proceed(args);
            } catch (ProviderException e) {
                throw verb.equals(broken) ? new ProviderException(code, "failed", e) : e;
            }
        };
    }

    /** A catalogue that does not say all of its parameters, or takes any value for some. */
    private static Breakage catalogue(UnaryOperator<Parameter> said, Predicate<Parameter> unchecked) {
        return answering("parameters", ParameterCatalogue.class, sound -> new ParameterCatalogue() {
            @Override
            public Map<String, Parameter> parameters() {
                return sound.parameters().values().stream()
                        .map(said)
                        .collect(Collectors.toMap(Parameter::name, p -> p));
            }

            @Override
            public String check(String name, String value) {
                Parameter parameter = sound.parameters().get(name);
                return parameter != null && unchecked.test(parameter) ? value : sound.check(name, value);
            }
        });
    }

    private static Parameter withoutRestart(Parameter p) {
        return new Parameter(
                p.name(),
                p.type(),
                p.unit(),
                p.min(),
                p.max(),
                p.allowed(),
                p.defaultValue(),
                false,
                p.access(),
                p.category(),
                p.description());
    }

    @Test
    void engineContract_eachTest_hasAnEngineThatBreaksIt() {
        assertThat(engines().map(Broken::test)).containsExactlyInAnyOrderElementsOf(Broken.tests(EngineContract.class));
    }

    @ParameterizedTest
    @MethodSource("engines")
    void engineContract_brokenPromise_isNoticed(Broken broken) {
        broken.assertNoticed(opened(engine(broken.breakage())), EngineContract.class);
    }

    @ParameterizedTest
    @MethodSource("engines")
    void engineContract_keptPromise_passes(Broken broken) throws Throwable {
        broken.run(opened(engine(Broken.NOTHING)), EngineContract.class);
    }

    private EngineContract opened(EngineContract suite) {
        suite.directory = directory;
        suite.openDelivery();
        return suite;
    }

    private static Broken broken(String test, String how, Breakage breakage) {
        return new Broken(test, how, breakage);
    }

    private static DeliveryContract delivery(Breakage breakage) {
        return new DeliveryContract() {
            @Override
            protected Duration patience() {
                return Duration.ofMillis(100);
            }

            @Override
            protected DeliveryDriver newDriver() {
                return Broken.proxy(DeliveryDriver.class, SimulatedDelivery.on(place), breakage);
            }

            @Override
            protected EngineDriver engine() {
                return SimulatedEngine.on(place);
            }

            @Override
            protected Map<String, String> restartParameter() {
                return Map.of("max_sessions", "7");
            }

            @Override
            protected Map<String, String> reloadParameter() {
                return Map.of("log_level", "debug");
            }

            @Override
            protected void killMain(MemberRef ref) {
                place.kill(ref);
            }

            @Override
            protected List<String> residue(MemberRef ref) {
                return place.members().stream()
                        .map(MemberRef::toString)
                        .filter(ref.toString()::equals)
                        .toList();
            }

            @Override
            protected List<String> publicTexts(MemberRef ref) {
                return List.of();
            }
        };
    }

    private static EngineContract engine(Breakage breakage) {
        return new EngineContract() {
            @Override
            protected EngineDriver newEngine() {
                return Broken.proxy(EngineDriver.class, SimulatedEngine.on(place), breakage);
            }

            @Override
            protected DeliveryDriver newDelivery() {
                return SimulatedDelivery.on(place);
            }

            @Override
            protected Map<String, String> restartParameter() {
                return Map.of("max_sessions", "7");
            }

            @Override
            protected Map<String, String> reloadParameter() {
                return Map.of("log_level", "debug");
            }

            @Override
            protected Map<String, String> tooMuchMemory() {
                return Map.of("buffer_size", "4096");
            }

            @Override
            protected List<String> forbiddenParameters() {
                return List.of("archive_command");
            }

            @Override
            protected boolean canLogIn(ConnectionInfo connection, String user, Secret password) {
                try {
                    connection.dataSource().apply(password).getConnection().close();
                    return true;
                } catch (SQLFeatureNotSupportedException e) {
                    return true;
                } catch (SQLException e) {
                    return false;
                }
            }
        };
    }
}
