package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.api.Topology;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every {@link DeliveryDriver} must keep: each verb states what shall be true and may be repeated, what it did can be seen,
 * another driver on the same place goes on where the first stopped, older epochs change nothing, missing capabilities are
 * refused, and nothing is left of what was destroyed.
 *
 * <p>A delivery's test extends this class and says how a driver and an engine that runs there are made.
 */
public abstract class DeliveryContract {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Epoch FIRST = new Epoch(5);
    private static final Epoch LATER = new Epoch(6);
    private static final Epoch OLDER = new Epoch(4);

    /** Where drivers keep their files; the same for all drivers of one test. */
    @TempDir
    protected Path directory;

    private final Set<MemberRef> woken = ConcurrentHashMap.newKeySet();
    private final Map<InstanceId, Map<String, Secret>> secrets = new HashMap<>();
    private final List<MemberWorkload> made = new ArrayList<>();
    private final List<DeliveryDriver> opened = new ArrayList<>();
    private DeliveryDriver driver;

    /** For subclasses. */
    @SuppressWarnings("NullAway.Init") // JUnit sets the directory, the set-up the driver
    protected DeliveryContract() {}

    /** Returns a driver, not started, on the place of this test; each call another driver on the same place. */
    protected abstract DeliveryDriver newDriver();

    /** Returns an engine whose single topology the place can run. */
    protected abstract EngineDriver engine();

    /** Returns the version to run. */
    protected String version() {
        return engine().describe().versions().get(0);
    }

    /** Returns the size of the members. */
    protected Resources size() {
        return Resources.of(0.5, DataSize.mib(256), DataSize.mib(512));
    }

    /** Returns a valid parameter whose change needs a restart. */
    protected abstract Map<String, String> restartParameter();

    /** Returns a valid parameter whose change needs no restart. */
    protected abstract Map<String, String> reloadParameter();

    /** Returns how long to wait for what happens by itself. */
    protected Duration patience() {
        return TIMEOUT;
    }

    /** Ends a member's main process from outside, as the kernel might. */
    protected abstract void killMain(MemberRef ref);

    /** Returns what exists of a member, found without any driver: processes, directories, port claims; empty if nothing. */
    protected abstract List<String> residue(MemberRef ref);

    /** Returns texts that other users of the place can see of a member: arguments and environment of its processes. */
    protected abstract List<String> publicTexts(MemberRef ref);

    /** Starts the first driver. */
    @BeforeEach
    public void openDriver() {
        driver = open();
    }

    /** Destroys what the test made. */
    @AfterEach
    public void destroyAll() {
        DeliveryDriver last = open();
        made.forEach(w -> last.destroy(w.ref(), new Epoch(1_000), DestroyMode.EVERYTHING));
        opened.forEach(DeliveryDriver::close);
    }

    private DeliveryDriver open() {
        DeliveryDriver d = newDriver();
        d.start(new DeliveryContext(directory, Clock.systemUTC(), woken::add));
        opened.add(d);
        return d;
    }

    private EngineRequest request(
            TenantId tenant, InstanceId instance, Map<String, String> parameters, boolean ephemeral) {
        return EngineRequest.builder()
                .tenant(tenant)
                .instance(instance)
                .name("contract")
                .version(version())
                .topology(Topology.single())
                .resources(size())
                .parameters(parameters)
                .secrets(secrets.computeIfAbsent(instance, i -> Contracts.secrets(engine())))
                .ephemeral(ephemeral)
                .build();
    }

    private MemberWorkload remembered(EngineRequest request) {
        MemberWorkload workload = engine().workloads(request).get(0);
        made.add(workload);
        return workload;
    }

    private MemberWorkload workload() {
        return workload(Map.of());
    }

    private MemberWorkload workload(Map<String, String> parameters) {
        boolean durable = driver.capabilities().contains(Capability.DURABLE);
        return remembered(request(Contracts.tenant(), Contracts.instance(), parameters, !durable));
    }

    private MemberWorkload running() {
        MemberWorkload w = workload();
        driver.prepare(w, FIRST);
        driver.start(w, FIRST, TIMEOUT);
        return w;
    }

    private MemberState state(MemberWorkload w) {
        return driver.observe(w.ref()).state();
    }

    private static void refused(ErrorCode code, ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }

    // ---- each verb, once and twice, and what is seen after it

    @Test
    void id_always_isAName() {
        assertThat(driver.id()).matches("[a-z0-9-]{1,32}").isEqualTo(newDriver().id());
    }

    @Test
    void capacity_always_hasAHost() {
        assertThat(driver.capacity().hosts()).isNotEmpty().allSatisfy(h -> {
            assertThat(h.cpuMillis()).isPositive();
            assertThat(h.memory().bytes()).isPositive();
            assertThat(h.storageInAll()).isGreaterThanOrEqualTo(h.storage());
            assertThat(h.location().host()).isNotBlank();
        });
    }

    @Test
    void software_always_hasTheEnginesVersion() {
        assertThat(driver.software()).anyMatch(o -> o.software().equals(new Software(engine().id(), version())));
    }

    @Test
    void observe_neverMade_isAbsent() {
        MemberWorkload w = workload();
        assertThat(state(w)).isEqualTo(MemberState.ABSENT);
        assertThat(driver.members()).doesNotContain(w.ref());
    }

    @Test
    void prepare_fresh_isStoppedWithPorts() {
        MemberWorkload w = workload();
        ObservedMember answer = driver.prepare(w, FIRST);
        ObservedMember seen = driver.observe(w.ref());
        assertThat(answer).isEqualTo(seen);
        assertThat(seen.state()).isEqualTo(MemberState.STOPPED);
        assertThat(seen.ports().keySet())
                .containsExactlyInAnyOrderElementsOf(
                        w.ports().stream().map(p -> p.name()).toList());
        assertThat(driver.members()).contains(w.ref());
    }

    @Test
    void prepare_twice_changesNothing() {
        MemberWorkload w = workload();
        ObservedMember first = driver.prepare(w, FIRST);
        assertThat(driver.prepare(w, FIRST)).isEqualTo(first);
    }

    @Test
    void prepare_twoMembers_getDifferentPorts() {
        MemberWorkload a = workload();
        MemberWorkload b = workload();
        assertThat(driver.prepare(a, FIRST).ports().values())
                .doesNotContainAnyElementsOf(driver.prepare(b, FIRST).ports().values());
    }

    @Test
    void prepare_softwareNotHere_isRefused() {
        MemberWorkload w = workload();
        MemberWorkload other = MemberWorkload.builder()
                .from(w)
                .software(new Software(w.software().engine(), "9999"))
                .build();
        refused(ErrorCode.SOFTWARE_MISSING, () -> driver.prepare(other, FIRST));
        assertThat(state(w)).isNotEqualTo(MemberState.RUNNING);
    }

    @Test
    void start_prepared_runsAndCanBeReached() {
        MemberWorkload w = running();
        ObservedMember seen = driver.observe(w.ref());
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        assertThat(seen.startedAt()).isPresent();
        assertThat(seen.incarnation()).isPresent();
        assertThat(seen.address()).isPresent();
        assertThat(seen.admin()).isPresent();
        assertThat(seen.location()).isPresent();
    }

    @Test
    void start_twice_keepsTheProcess() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        ObservedMember after = driver.start(w, FIRST, TIMEOUT);
        assertThat(after.incarnation()).isEqualTo(before.incarnation());
        assertThat(after.startedAt()).isEqualTo(before.startedAt());
    }

    @Test
    void start_neverPrepared_fails() {
        MemberWorkload w = workload();
        assertThatThrownBy(() -> driver.start(w, FIRST, TIMEOUT)).isInstanceOf(TenonException.class);
        assertThat(state(w)).isIn(MemberState.ABSENT, MemberState.INCOMPLETE);
    }

    @Test
    void stop_running_isStopped() {
        MemberWorkload w = running();
        assertThat(driver.stop(w, FIRST, StopMode.GRACEFUL).state()).isEqualTo(MemberState.STOPPED);
        assertThat(state(w)).isEqualTo(MemberState.STOPPED);
        assertThat(driver.stop(w, FIRST, StopMode.GRACEFUL).state()).isEqualTo(MemberState.STOPPED);
    }

    @Test
    void stop_kill_isStopped() {
        MemberWorkload w = running();
        assertThat(driver.stop(w, FIRST, StopMode.KILL).state()).isEqualTo(MemberState.STOPPED);
    }

    @Test
    void stop_neverMade_isAbsent() {
        assertThat(driver.stop(workload(), FIRST, StopMode.GRACEFUL).state()).isEqualTo(MemberState.ABSENT);
    }

    @Test
    void start_afterStop_keepsPortsAndIsANewRun() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        driver.stop(w, FIRST, StopMode.GRACEFUL);
        ObservedMember after = driver.start(w, FIRST, TIMEOUT);
        assertThat(after.state()).isEqualTo(MemberState.RUNNING);
        assertThat(after.ports()).isEqualTo(before.ports());
        assertThat(after.address()).isEqualTo(before.address());
        assertThat(after.incarnation()).isNotEqualTo(before.incarnation());
    }

    @Test
    void killed_mainProcess_isSeenAndStartsAgain() throws Exception {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        killMain(w.ref());
        assertThat(Contracts.eventually(patience(), () -> state(w) == MemberState.STOPPED))
                .as("seen as stopped")
                .isTrue();
        ObservedMember after = driver.start(w, FIRST, TIMEOUT);
        assertThat(after.state()).isEqualTo(MemberState.RUNNING);
        assertThat(after.incarnation()).isNotEqualTo(before.incarnation());
    }

    @Test
    void killed_mainProcess_wakes() throws Exception {
        MemberWorkload w = running();
        woken.clear();
        killMain(w.ref());
        assertThat(Contracts.eventually(patience(), () -> woken.contains(w.ref())))
                .as("woken")
                .isTrue();
    }

    @Test
    void observeAll_several_isAsOneByOne() {
        MemberWorkload a = running();
        MemberWorkload b = workload();
        driver.prepare(b, FIRST);
        List<MemberRef> refs = List.of(a.ref(), b.ref(), workload().ref());
        assertThat(driver.observeAll(refs))
                .containsExactlyElementsOf(refs.stream().map(driver::observe).toList());
    }

    // ---- files of a running member

    @Test
    void prepare_restartFileChanged_waitsForTheRestart() {
        MemberWorkload w = running();
        MemberWorkload changed = sameMember(w, restartParameter());
        assertThat(driver.prepare(changed, FIRST).restartPending()).isTrue();
        assertThat(driver.observe(w.ref()).state()).isEqualTo(MemberState.RUNNING);
        driver.stop(changed, FIRST, StopMode.GRACEFUL);
        assertThat(driver.start(changed, FIRST, TIMEOUT).restartPending()).isFalse();
    }

    @Test
    void prepare_sameFiles_needsNoRestart() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        ObservedMember after = driver.prepare(w, FIRST);
        assertThat(after.restartPending()).isFalse();
        assertThat(after.incarnation()).isEqualTo(before.incarnation());
    }

    private MemberWorkload sameMember(MemberWorkload w, Map<String, String> parameters) {
        return remembered(EngineRequest.builder()
                .from(request(w.ref().tenant(), w.ref().instance(), parameters, w.ephemeral()))
                .build());
    }

    // ---- epochs

    @Test
    void olderEpoch_everyVerb_isFencedAndChangesNothing() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        refused(ErrorCode.FENCED, () -> driver.prepare(w, OLDER));
        refused(ErrorCode.FENCED, () -> driver.start(w, OLDER, TIMEOUT));
        refused(ErrorCode.FENCED, () -> driver.stop(w, OLDER, StopMode.GRACEFUL));
        refused(ErrorCode.FENCED, () -> driver.fence(w.ref(), OLDER));
        refused(ErrorCode.FENCED, () -> driver.destroy(w.ref(), OLDER, DestroyMode.KEEP_DATA));
        refused(ErrorCode.FENCED, () -> driver.destroy(w.ref(), OLDER, DestroyMode.EVERYTHING));
        assertThat(driver.observe(w.ref())).isEqualTo(before);
    }

    @Test
    void olderEpoch_afterALaterOneOfAnotherDriver_isFenced() {
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = running();
        driver.close();
        driver = open();
        driver.prepare(w, LATER);
        driver.close();
        driver = open();
        refused(ErrorCode.FENCED, () -> driver.stop(w, FIRST, StopMode.GRACEFUL));
        assertThat(state(w)).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void olderEpoch_afterTheMemberWasDestroyed_cannotMakeItAgain() {
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = running();
        driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING);
        driver.close();
        driver = open();
        refused(ErrorCode.FENCED, () -> driver.prepare(w, OLDER));
        assertThat(state(w)).isEqualTo(MemberState.ABSENT);
        assertThat(residue(w.ref())).isEmpty();
        driver.prepare(w, FIRST);
    }

    @Test
    void laterEpoch_isAccepted() {
        MemberWorkload w = running();
        assertThat(driver.stop(w, LATER, StopMode.GRACEFUL).state()).isEqualTo(MemberState.STOPPED);
    }

    @Test
    void fence_running_acceptsNothingUntilStarted() {
        MemberWorkload w = running();
        driver.fence(w.ref(), LATER);
        driver.fence(w.ref(), LATER);
        assertThat(state(w)).isNotEqualTo(MemberState.RUNNING);
        refused(ErrorCode.FENCED, () -> driver.start(w, FIRST, TIMEOUT));
        assertThat(driver.start(w, LATER, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void fence_neverMade_doesNothing() {
        MemberWorkload w = workload();
        driver.fence(w.ref(), FIRST);
        assertThat(state(w)).isEqualTo(MemberState.ABSENT);
    }

    // ---- crash between any two calls

    @Test
    void anotherDriver_runningMember_adopts() {
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        driver.close();
        driver = open();
        assertThat(driver.members()).contains(w.ref());
        assertThat(driver.observe(w.ref())).isEqualTo(before);
        assertThat(driver.start(w, FIRST, TIMEOUT).incarnation()).isEqualTo(before.incarnation());
    }

    @Test
    void anotherDriver_betweenAnyTwoCalls_goesOn() {
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = workload();
        Map<String, Integer> ports = driver.prepare(w, FIRST).ports();
        List<Consumer<DeliveryDriver>> script = List.of(
                d -> d.prepare(w, FIRST),
                d -> d.start(w, FIRST, TIMEOUT),
                d -> d.prepare(w, FIRST),
                d -> d.stop(w, FIRST, StopMode.GRACEFUL),
                d -> d.start(w, FIRST, TIMEOUT),
                d -> d.destroy(w.ref(), FIRST, DestroyMode.KEEP_DATA),
                d -> d.prepare(w, FIRST),
                d -> d.start(w, FIRST, TIMEOUT));
        for (Consumer<DeliveryDriver> call : script) {
            driver.close();
            driver = open();
            call.accept(driver);
        }
        ObservedMember seen = driver.observe(w.ref());
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        assertThat(seen.ports()).isEqualTo(ports);
    }

    @Test
    void interrupted_start_keepsTheFlagAndCanBeRepeated() {
        MemberWorkload w = workload();
        driver.prepare(w, FIRST);
        Thread.currentThread().interrupt();
        try {
            driver.start(w, FIRST, TIMEOUT);
        } catch (TenonException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
        }
        assertThat(Thread.interrupted()).as("flag kept").isTrue();
        assertThat(driver.start(w, FIRST, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    // ---- the end of a member

    @Test
    void destroy_keepData_keepsPorts() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        driver.destroy(w.ref(), FIRST, DestroyMode.KEEP_DATA);
        driver.destroy(w.ref(), FIRST, DestroyMode.KEEP_DATA);
        assertThat(state(w)).isNotIn(MemberState.RUNNING, MemberState.STARTING);
        assertThat(driver.members()).contains(w.ref());
        assertThat(driver.prepare(w, FIRST).ports()).isEqualTo(before.ports());
        assertThat(driver.start(w, FIRST, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void destroy_everything_leavesNothing() {
        MemberWorkload w = running();
        assertThat(residue(w.ref())).as("seen from outside while it runs").isNotEmpty();
        driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING);
        assertThat(state(w)).isEqualTo(MemberState.ABSENT);
        assertThat(driver.members()).doesNotContain(w.ref());
        assertThat(residue(w.ref())).isEmpty();
        driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING);
    }

    @Test
    void destroy_preparedOnly_leavesNothing() {
        MemberWorkload w = workload();
        driver.prepare(w, FIRST);
        driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING);
        assertThat(residue(w.ref())).isEmpty();
    }

    @Test
    void destroy_neverMade_doesNothing() {
        MemberWorkload w = workload();
        driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING);
        driver.destroy(w.ref(), FIRST, DestroyMode.KEEP_DATA);
        assertThat(state(w)).isEqualTo(MemberState.ABSENT);
        assertThat(residue(w.ref())).isEmpty();
    }

    @Test
    void giveUp_asTheCapabilitySays() {
        MemberWorkload w = running();
        if (driver.capabilities().contains(Capability.GIVE_UP)) {
            refused(ErrorCode.FENCED, () -> driver.giveUp(w.ref(), OLDER));
            driver.giveUp(w.ref(), FIRST);
            driver.giveUp(w.ref(), FIRST);
            assertThat(state(w)).isEqualTo(MemberState.ABSENT);
            assertThat(residue(w.ref())).isEmpty();
        } else {
            refused(ErrorCode.UNSUPPORTED, () -> driver.giveUp(w.ref(), FIRST));
            assertThat(state(w)).isEqualTo(MemberState.RUNNING);
        }
    }

    @Test
    void close_durableMember_goesOn() {
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = running();
        driver.close();
        driver.close();
        driver = open();
        assertThat(state(w)).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void close_ephemeralMember_endsIt() {
        assumeTrue(driver.capabilities().contains(Capability.EPHEMERAL), "this delivery has no EPHEMERAL");
        MemberWorkload w = remembered(request(Contracts.tenant(), Contracts.instance(), Map.of(), true));
        driver.prepare(w, FIRST);
        driver.start(w, FIRST, TIMEOUT);
        driver.close();
        driver = open();
        assertThat(state(w)).isNotIn(MemberState.RUNNING, MemberState.STARTING);
    }

    // ---- capabilities

    @Test
    void capabilities_always_areConstant() {
        assertThat(driver.capabilities()).isEqualTo(driver.capabilities()).isEqualTo(open().capabilities());
    }

    @Test
    void prepare_withoutTheKindOfLife_isRefused() {
        Set<Capability> can = driver.capabilities();
        assertThat(can).as("one of the two at least").containsAnyOf(Capability.DURABLE, Capability.EPHEMERAL);
        for (boolean ephemeral : new boolean[] {false, true}) {
            if (!can.contains(ephemeral ? Capability.EPHEMERAL : Capability.DURABLE)) {
                MemberWorkload w = remembered(request(Contracts.tenant(), Contracts.instance(), Map.of(), ephemeral));
                refused(ErrorCode.UNSUPPORTED, () -> driver.prepare(w, FIRST));
                assertThat(state(w)).isEqualTo(MemberState.ABSENT);
            }
        }
    }

    @Test
    void fill_asTheCapabilitySays() {
        MemberWorkload w = MemberWorkload.builder()
                .from(workload())
                .initialise(List.of())
                .addFilled("data")
                .build();
        if (!driver.capabilities().contains(Capability.FILL)) {
            refused(ErrorCode.UNSUPPORTED, () -> driver.fill(w, "data", archive("file"), FIRST));
            return;
        }
        assertThat(driver.prepare(w, FIRST).state()).isEqualTo(MemberState.INCOMPLETE);
        refused(ErrorCode.PROVIDER_FAILED, () -> driver.start(w, FIRST, TIMEOUT));
        refused(ErrorCode.PROVIDER_FAILED, () -> driver.fill(w, "data", archive("../escaped"), FIRST));
        refused(ErrorCode.SPEC_INVALID, () -> driver.fill(w, "other", archive("file"), FIRST));
        refused(ErrorCode.PROVIDER_UNAVAILABLE, () -> driver.fill(w, "data", brokenOff(), FIRST));
        assertThat(state(w)).isEqualTo(MemberState.INCOMPLETE);
        assertThat(driver.fill(w, "data", archive("below/file"), FIRST).state()).isEqualTo(MemberState.STOPPED);
        assertThat(driver.prepare(w, FIRST).state()).isEqualTo(MemberState.STOPPED);
        refused(ErrorCode.FENCED, () -> driver.fill(w, "data", archive("file"), OLDER));
    }

    @Test
    void fillAlike_whatWasNeverFilled_beginsAsAnother() {
        MemberWorkload other = workload();
        MemberWorkload w = MemberWorkload.builder()
                .from(workload())
                .initialise(List.of())
                .addFilled("data")
                .build();
        assertThat(driver.fillAlike(w, other.ref(), FIRST))
                .as("neither is prepared")
                .isEmpty();
        driver.prepare(w, FIRST);
        assertThat(driver.fillAlike(w, other.ref(), FIRST))
                .as("the other is not initialised")
                .isEmpty();
        driver.prepare(other, FIRST);
        MemberState before = state(w);
        if (driver.fillAlike(w, other.ref(), FIRST).isEmpty()) {
            assertThat(state(w)).as("nothing has changed").isEqualTo(before);
            return;
        }
        assertThat(state(w)).isEqualTo(MemberState.STOPPED);
        assertThat(driver.start(w, FIRST, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
        assertThat(driver.fillAlike(w, other.ref(), FIRST)).as("it has data").isEmpty();
        refused(ErrorCode.FENCED, () -> driver.fillAlike(w, other.ref(), OLDER));
        if (driver.capabilities().contains(Capability.FILL)) {
            driver.stop(w, FIRST, StopMode.KILL);
            driver.fill(w, "data", archive("file"), FIRST);
            MemberWorkload third = MemberWorkload.builder()
                    .from(workload())
                    .initialise(List.of())
                    .addFilled("data")
                    .build();
            driver.prepare(third, FIRST);
            assertThat(driver.fillAlike(third, w.ref(), FIRST))
                    .as("the other was filled since")
                    .isEmpty();
        }
    }

    /** An archive with one file. */
    private static InputStream archive(String path) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            TarArchiveEntry entry = new TarArchiveEntry(path, true);
            entry.setSize(1);
            tar.putArchiveEntry(entry);
            tar.write('x');
            tar.closeArchiveEntry();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ByteArrayInputStream(bytes.toByteArray());
    }

    /** All of an archive but its end. */
    private static InputStream brokenOff() {
        return new SequenceInputStream(archive("file"), new InputStream() {
            @Override
            public int read() {
                throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "broken off");
            }
        });
    }

    @Test
    void exec_asTheCapabilitySays() {
        MemberWorkload w = running();
        Command command = Command.of(Duration.ofSeconds(10), Template.text("/bin/echo"), Template.text("a b;c"));
        if (driver.capabilities().contains(Capability.EXEC)) {
            assertThat(driver.exec(w, command, FIRST)).satisfies(r -> {
                assertThat(r.exitCode()).isZero();
                assertThat(r.stdout()).contains("a b;c");
            });
            refused(ErrorCode.FENCED, () -> driver.exec(w, command, OLDER));
        } else {
            refused(ErrorCode.UNSUPPORTED, () -> driver.exec(w, command, FIRST));
        }
    }

    @Test
    void resize_running_asTheCapabilitySays() {
        MemberWorkload w = running();
        Resources larger = Resources.of(1, DataSize.bytes(2 * size().memory().bytes()), size().storage());
        if (driver.capabilities().contains(Capability.RESIZE_IN_PLACE)) {
            ObservedMember before = driver.observe(w.ref());
            driver.resize(w.ref(), larger, FIRST);
            driver.resize(w.ref(), larger, FIRST);
            assertThat(driver.observe(w.ref()).incarnation()).isEqualTo(before.incarnation());
            refused(ErrorCode.FENCED, () -> driver.resize(w.ref(), larger, OLDER));
        } else {
            refused(ErrorCode.UNSUPPORTED, () -> driver.resize(w.ref(), larger, FIRST));
        }
        assertThat(state(w)).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void growVolume_smaller_isRefused() {
        MemberWorkload w = running();
        String data = w.directories().stream()
                .filter(d -> d.size().isPresent())
                .findFirst()
                .orElseThrow()
                .name();
        DataSize larger = DataSize.bytes(2 * size().storage().bytes());
        driver.growVolume(w.ref(), data, larger, FIRST);
        driver.growVolume(w.ref(), data, larger, FIRST);
        refused(ErrorCode.SHRINK_UNSUPPORTED, () -> driver.growVolume(w.ref(), data, size().storage(), FIRST));
        refused(ErrorCode.FENCED, () -> driver.growVolume(w.ref(), data, larger, OLDER));
    }

    // ---- many at once

    @Test
    void differentMembers_atTheSameTime_doNotDisturbEachOther() throws Exception {
        List<MemberWorkload> all = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            all.add(workload());
        }
        each(all, w -> {
            driver.prepare(w, FIRST);
            driver.start(w, FIRST, TIMEOUT);
        });
        assertThat(all).allSatisfy(w -> assertThat(state(w)).isEqualTo(MemberState.RUNNING));
        assertThat(all.stream()
                        .flatMap(w -> driver.observe(w.ref()).ports().values().stream())
                        .toList())
                .doesNotHaveDuplicates();
        each(all, w -> driver.destroy(w.ref(), FIRST, DestroyMode.EVERYTHING));
        assertThat(all).allSatisfy(w -> assertThat(residue(w.ref())).isEmpty());
    }

    private static void each(List<MemberWorkload> all, Consumer<MemberWorkload> act) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (MemberWorkload w : all) {
                running.add(threads.submit(() -> act.accept(w)));
            }
            for (Future<?> f : running) {
                f.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            }
        } catch (ExecutionException e) {
            throw new AssertionError("a member disturbed another", e.getCause());
        } finally {
            threads.shutdownNow();
        }
    }

    // ---- secrets, logs, metrics

    @Test
    void secrets_runningMember_areNotInPublic() {
        EngineRequest request = request(Contracts.tenant(), Contracts.instance(), Map.of(), false);
        assumeTrue(driver.capabilities().contains(Capability.DURABLE), "this delivery has no DURABLE");
        MemberWorkload w = remembered(request);
        driver.prepare(w, FIRST);
        driver.start(w, FIRST, TIMEOUT);
        List<String> texts = new ArrayList<>(publicTexts(w.ref()));
        texts.addAll(driver.logs(w.ref(), 10_000));
        texts.add(driver.observe(w.ref()).toString());
        texts.add(w.toString());
        for (String secret : Contracts.clearTexts(request)) {
            assertThat(texts).allSatisfy(t -> assertThat(t).doesNotContain(secret));
        }
    }

    @Test
    void logs_anyNumber_isBounded() {
        MemberWorkload w = running();
        assertThat(driver.logs(w.ref(), 1)).hasSizeLessThanOrEqualTo(1);
        assertThatThrownBy(() -> driver.logs(w.ref(), 0)).isInstanceOf(TenonException.class);
        assertThatThrownBy(() -> driver.logs(w.ref(), 10_001)).isInstanceOf(TenonException.class);
    }

    @Test
    void metrics_running_hasMemory() {
        MemberWorkload w = running();
        assertThat(driver.metrics(w.ref()).memory().bytes()).isPositive();
        assertThat(driver.metrics(w.ref()).cpuTime()).isGreaterThanOrEqualTo(Duration.ZERO);
    }

    @Test
    void runTool_softwareNotHere_isRefused() {
        refused(
                ErrorCode.SOFTWARE_MISSING,
                () -> driver.runTool(
                        new Software(engine().id(), "9999"),
                        Command.of(Duration.ofSeconds(5), Template.text("anything"))));
    }

    @Test
    void prepare_longestNames_work() {
        MemberWorkload w = workload();
        MemberRef longest = new MemberRef(w.ref().tenant(), w.ref().instance(), "m-23456789012345");
        MemberWorkload named = MemberWorkload.builder().from(w).ref(longest).build();
        made.add(named);
        assertThat(driver.prepare(named, FIRST).state()).isEqualTo(MemberState.STOPPED);
        assertThat(driver.start(named, FIRST, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void prepare_reloadFileChanged_needsNoRestart() {
        MemberWorkload w = running();
        ObservedMember before = driver.observe(w.ref());
        ObservedMember after = driver.prepare(sameMember(w, reloadParameter()), FIRST);
        assertThat(after.restartPending()).isFalse();
        assertThat(after.incarnation()).isEqualTo(before.incarnation());
    }
}
