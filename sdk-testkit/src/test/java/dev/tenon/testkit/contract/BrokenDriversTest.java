package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
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
import java.util.List;
import java.util.Map;
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
                                verb.equals("logs") ? onwards.proceed(args[0], 10_000) : onwards.proceed(args)));
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
                        }));
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
