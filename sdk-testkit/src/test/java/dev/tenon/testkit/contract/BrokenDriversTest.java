package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Shows that the contract suites can fail: each driver here breaks one promise, and the test that names it must notice. */
final class BrokenDriversTest {
    @TempDir
    Path directory;

    /** Answers a call in its own way, or passes it on. */
    @FunctionalInterface
    interface Breakage {
        Object call(String verb, Object[] args, Call onwards) throws Throwable;
    }

    @FunctionalInterface
    interface Call {
        Object proceed(Object... args) throws Throwable;
    }

    private static final Epoch HIGHEST = new Epoch(Long.MAX_VALUE - 1);

    static Stream<Arguments> deliveries() {
        return Stream.of(
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

    private static void killed(MemberWorkload w) {
        place.killSilently(w.ref());
    }

    @ParameterizedTest(name = "{0}: a delivery that {1}")
    @MethodSource("deliveries")
    void deliveryContract_brokenPromise_isNoticed(String test, String how, Breakage breakage) {
        place = SimulatedPlace.create();
        DeliveryContract suite = delivery(breakage);
        suite.directory = directory;
        suite.openDriver();
        assertThatThrownBy(() -> run(suite, DeliveryContract.class, test)).isInstanceOf(Throwable.class);
    }

    @ParameterizedTest(name = "{0}: a delivery that keeps it")
    @MethodSource("deliveries")
    void deliveryContract_keptPromise_passes(String test, String how, Breakage breakage) throws Throwable {
        place = SimulatedPlace.create();
        DeliveryContract suite = delivery((verb, args, onwards) -> onwards.proceed(args));
        suite.directory = directory;
        suite.openDriver();
        run(suite, DeliveryContract.class, test);
    }

    static Stream<Arguments> engines() {
        return Stream.of(
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
                            return answer instanceof dev.tenon.spi.engine.Sizing s
                                    ? new dev.tenon.spi.engine.Sizing(
                                            s.settings(), dev.tenon.api.DataSize.gib(8_000_000), s.proof())
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
                            Secret secret = ((dev.tenon.spi.engine.EngineRequest) args[0])
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

    @ParameterizedTest(name = "{0}: an engine that {1}")
    @MethodSource("engines")
    void engineContract_brokenPromise_isNoticed(String test, String how, Breakage breakage) {
        place = SimulatedPlace.create();
        EngineContract suite = engine(breakage);
        suite.directory = directory;
        suite.openDelivery();
        assertThatThrownBy(() -> run(suite, EngineContract.class, test)).isInstanceOf(Throwable.class);
    }

    @ParameterizedTest(name = "{0}: an engine that keeps it")
    @MethodSource("engines")
    void engineContract_keptPromise_passes(String test, String how, Breakage breakage) throws Throwable {
        place = SimulatedPlace.create();
        EngineContract suite = engine((verb, args, onwards) -> onwards.proceed(args));
        suite.directory = directory;
        suite.openDelivery();
        run(suite, EngineContract.class, test);
    }

    private static Arguments broken(String test, String how, Breakage breakage) {
        return Arguments.of(test, how, breakage);
    }

    private static void run(Object suite, Class<?> contract, String test) throws Throwable {
        Method method = contract.getDeclaredMethod(test);
        try {
            method.invoke(suite);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, T inner, Breakage breakage) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            Object[] args = given == null ? new Object[0] : given;
            Object answer = breakage.call(method.getName(), args, changed -> {
                try {
                    return method.invoke(inner, changed);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
            return answer instanceof EngineSession session ? proxy(EngineSession.class, session, breakage) : answer;
        }));
    }

    private static DeliveryContract delivery(Breakage breakage) {
        return new DeliveryContract() {
            @Override
            protected Duration patience() {
                return Duration.ofMillis(100);
            }

            @Override
            protected DeliveryDriver newDriver() {
                return proxy(DeliveryDriver.class, SimulatedDelivery.on(place), breakage);
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
                return proxy(EngineDriver.class, SimulatedEngine.on(place), breakage);
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
                } catch (java.sql.SQLFeatureNotSupportedException e) {
                    return true;
                } catch (java.sql.SQLException e) {
                    return false;
                }
            }
        };
    }
}
