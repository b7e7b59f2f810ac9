package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Stop;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real processes on this machine, and what goes wrong with them. */
class LocalDeliveryIT {
    private static final Epoch EPOCH = new Epoch(1);
    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    private final Set<MemberRef> woken = ConcurrentHashMap.newKeySet();
    private final List<LocalDelivery> opened = new ArrayList<>();
    private final MemberRef ref = TestWorkloads.ref();

    @SuppressWarnings("NullAway.Init") // set before each test
    private Path place;

    @BeforeEach
    void makePlace() throws IOException {
        // Not JUnit's temporary directory: that one is closed to the user that members run as.
        place = Files.createTempDirectory("tenon-it");
        Files.setPosixFilePermissions(place, Disk.permissions(0755));
    }

    @AfterEach
    void removePlace() throws IOException {
        for (LocalDelivery delivery : opened) {
            delivery.close();
        }
        LocalDelivery last = open(cache());
        for (MemberRef left : last.members()) {
            last.destroy(left, new Epoch(1_000), DestroyMode.EVERYTHING);
        }
        last.close();
        Disk.deleteTree(place);
    }

    private Path cache() {
        return place.resolve("cache");
    }

    private Path directory() {
        return place.resolve("tenon-data");
    }

    private LocalDelivery open(Path cache) {
        return open(cache, directory());
    }

    private LocalDelivery open(Path cache, Path directory) {
        LocalDelivery delivery = LocalDelivery.builder().cache(cache).spares(0).build();
        delivery.start(new DeliveryContext(directory, Clock.systemUTC(), woken::add));
        opened.add(delivery);
        return delivery;
    }

    private static ObservedMember run(LocalDelivery delivery, MemberWorkload workload) {
        delivery.prepare(workload, EPOCH);
        return delivery.start(workload, EPOCH, TIMEOUT);
    }

    private static boolean eventually(BooleanSupplier condition) {
        Ticker.Deadline deadline = Ticker.SYSTEM.in(Duration.ofSeconds(30));
        while (!deadline.passed()) {
            if (condition.getAsBoolean()) {
                return true;
            }
            Ticker.SYSTEM.pause(Duration.ofMillis(5));
        }
        return false;
    }

    private static void refused(ErrorCode code, ThrowingCallable call, String... words) {
        assertThatThrownBy(call).isInstanceOfSatisfying(ProviderException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(List.of(words)).allSatisfy(word -> assertThat(e).hasMessageContaining(word));
        });
    }

    private static boolean runs(String incarnation) {
        String[] f = incarnation.split("-");
        return new ProcFs(Path.of("/proc")).runs(Long.parseLong(f[1]), Long.parseLong(f[2]));
    }

    // ---- processes and JVMs

    @Test
    void durableMember_jvmKilled_isAdoptedWithItsProcess() throws Exception {
        ChildJvm other = ChildJvm.start(cache(), directory(), ref, "sleeper", false);
        String incarnation = other.awaitReady();
        other.kill();

        LocalDelivery delivery = open(cache());
        assertThat(delivery.members()).containsExactly(ref);
        ObservedMember seen = delivery.observe(ref);
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        assertThat(seen.incarnation()).contains(incarnation);

        ProcessHandle.of(Long.parseLong(incarnation.split("-")[1]))
                .orElseThrow()
                .destroyForcibly();
        assertThat(eventually(() -> woken.contains(ref)))
                .as("woken by the end of an adopted process")
                .isTrue();
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STOPPED);
        assertThat(delivery.observe(ref).reason()).isPresent();
    }

    private LocalDelivery openWithEphemeralData(Path data, DataSize least) {
        LocalDelivery delivery = LocalDelivery.builder()
                .cache(cache())
                .ephemeralData(data, least)
                .build();
        delivery.start(new DeliveryContext(directory(), Clock.systemUTC(), woken::add));
        opened.add(delivery);
        return delivery;
    }

    @Test
    void ephemeralData_withRoom_holdsThrowAwayMembers_andNothingAfterThem() throws Exception {
        Path data = place.resolve("elsewhere");
        LocalDelivery delivery = openWithEphemeralData(data, DataSize.mib(1));
        run(delivery, TestWorkloads.sleeper(ref, true, "true"));

        assertThat(delivery.ephemeralDirectory()).startsWith(data);
        assertThat(delivery.ephemeralDirectory().resolve("members")).isNotEmptyDirectory();
        assertThat(files(cache().resolve("ephemeral"))).isEmpty();
        delivery.close();
        assertThat(files(data)).isEmpty();
    }

    @Test
    void ephemeralData_withoutRoom_isLeftEmpty() throws Exception {
        Path data = place.resolve("elsewhere");
        LocalDelivery delivery = openWithEphemeralData(data, DataSize.gib(1_000_000));
        run(delivery, TestWorkloads.sleeper(ref, true, "true"));

        assertThat(delivery.ephemeralDirectory()).startsWith(cache());
        assertThat(files(data)).isEmpty();
    }

    @Test
    void ephemeralMember_jvmKilled_diesAndIsSwept() throws Exception {
        ChildJvm other = ChildJvm.start(cache(), directory(), ref, "postgres", true);
        String incarnation = other.awaitReady();
        assertThat(runs(incarnation)).isTrue();
        other.kill();
        assertThat(eventually(() -> !runs(incarnation)))
                .as("ended with its JVM")
                .isTrue();

        open(cache());
        try (Stream<Path> left = Files.walk(cache().resolve("ephemeral"))) {
            assertThat(left.filter(p -> p.endsWith(ref.externalName()))).isEmpty();
        }
    }

    @Test
    void stopMembers_severalRun_endAndStayForTheNext() {
        LocalDelivery delivery = open(cache());
        MemberRef other = TestWorkloads.ref();
        String first = run(delivery, TestWorkloads.sleeper(ref, false, "true"))
                .incarnation()
                .orElseThrow();
        String second = run(delivery, TestWorkloads.sleeper(other, false, "true"))
                .incarnation()
                .orElseThrow();

        assertThat(delivery.stopMembers()).isEqualTo(2);
        assertThat(List.of(first, second)).noneMatch(LocalDeliveryIT::runs);
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STOPPED);
        assertThat(delivery.members()).containsExactlyInAnyOrder(ref, other);
        assertThat(delivery.stopMembers()).as("stopping again").isEqualTo(2);
    }

    @Test
    void closedDirectory_lastMemberGone_leavesNothingElsewhere() throws IOException {
        assumeThat(isRoot()).isTrue();
        Path closed = Files.createDirectory(place.resolve("closed"), Disk.mode(0700));
        Path directory = closed.resolve("data");
        LocalDelivery delivery = open(cache(), directory);
        Path elsewhere =
                Path.of(Files.readString(directory.resolve("data-is-in")).strip());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "true");
        run(delivery, w);
        delivery.close();
        assertThat(elsewhere).exists();

        LocalDelivery next = open(cache(), directory);
        assertThat(next.members()).containsExactly(ref);
        next.destroy(ref, EPOCH, DestroyMode.EVERYTHING);
        next.close();
        assertThat(elsewhere).doesNotExist();
        assertThat(directory.resolve("data-is-in")).doesNotExist();
    }

    @Test
    void stopSignalIgnored_graceOver_isKilledWithItsChildren() {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "trap '' TERM; sleep 4711 & echo $! > child");
        run(delivery, w);
        long child = child();
        assertThat(ProcessHandle.of(child)).isPresent();
        delivery.stop(w, EPOCH, StopMode.KILL);
        assertThat(eventually(() ->
                        ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty()))
                .isTrue();
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STOPPED);
    }

    private long child() {
        try {
            return Long.parseLong(Files.readString(directory()
                            .resolve("members")
                            .resolve(ref.externalName())
                            .resolve("data/child"))
                    .trim());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void start_programEndsAtOnce_saysExitCodeAndLastLines() {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "echo the reason is here; exit 7");
        delivery.prepare(w, EPOCH);
        refused(
                ErrorCode.PROVIDER_FAILED,
                () -> delivery.start(w, EPOCH, TIMEOUT),
                "ended with 7",
                "the reason is here");
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STOPPED);
    }

    @Test
    void start_neverReady_timesOut() {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "exec sleep 1000");
        delivery.prepare(w, EPOCH);
        refused(ErrorCode.TIMEOUT, () -> delivery.start(w, EPOCH, Duration.ofMillis(300)));
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STARTING);
    }

    @Test
    void start_readyFileOfAnEarlierRun_doesNotCount() throws Exception {
        LocalDelivery delivery = open(cache());
        run(delivery, TestWorkloads.sleeper(ref, false, "true"));
        MemberWorkload slow = TestWorkloads.sleeper(ref, false, "test -e again || exec sleep 1000");
        delivery.stop(slow, EPOCH, StopMode.KILL);
        refused(ErrorCode.TIMEOUT, () -> delivery.start(slow, EPOCH, Duration.ofMillis(300)));
    }

    @Test
    void members_asRoot_runUnprivilegedAndOwnTheirFiles() throws Exception {
        assumeThat(isRoot()).isTrue();
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "id -u > who; grep NoNewPrivs /proc/self/status > privs");
        run(delivery, w);
        Path data = directory().resolve("members").resolve(ref.externalName()).resolve("data");
        assertThat(Files.readString(data.resolve("who")).trim()).isNotEqualTo("0");
        assertThat(Files.readString(data.resolve("privs"))).contains("1");
        assertThat(Files.getAttribute(data, "unix:mode", LinkOption.NOFOLLOW_LINKS))
                .isEqualTo(040700);
    }

    @Test
    void twoJvms_oneEmptyCache_bothRun() throws Exception {
        MemberRef second = TestWorkloads.ref();
        try (ChildJvm a = ChildJvm.start(cache(), directory(), ref, "postgres", true);
                ChildJvm b = ChildJvm.start(cache(), place.resolve("other"), second, "postgres", true)) {
            assertThat(a.awaitReady()).isNotEqualTo(b.awaitReady());
        }
        try (Stream<Path> templates = Files.list(cache().resolve("templates"))) {
            assertThat(templates.filter(Files::isDirectory)).hasSize(1);
        }
    }

    @Test
    void unprivilegedUser_withoutLimits_runsPostgres() throws Exception {
        assumeThat(isRoot()).isTrue();
        Path theirs = Files.createDirectory(place.resolve("theirs"));
        Files.setAttribute(theirs, "unix:uid", 65534);
        try (ChildJvm other = ChildJvm.start(
                theirs.resolve("cache"),
                theirs.resolve("data"),
                ref,
                "postgres",
                false,
                readableClassPath(),
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--")) {
            String incarnation = other.awaitReady();
            assertThat(runs(incarnation)).isTrue();
            ProcessHandle.of(Long.parseLong(incarnation.split("-")[1]))
                    .orElseThrow()
                    .destroy();
            assertThat(eventually(() -> !runs(incarnation))).isTrue();
        }
    }

    /** The local repository may lie where other users cannot read. */
    private String readableClassPath() throws IOException {
        List<String> copies = new ArrayList<>();
        Path libraries = Files.createDirectory(place.resolve("lib"));
        for (String entry : System.getProperty("java.class.path").split(":")) {
            Path from = Path.of(entry);
            Path to = libraries.resolve(copies.size() + "-" + from.getFileName());
            try (Stream<Path> all = Files.walk(from)) {
                for (Path file : all.toList()) {
                    Files.copy(file, to.resolve(from.relativize(file).toString()));
                }
            }
            copies.add(to.toString());
        }
        return String.join(":", copies);
    }

    // ---- ports

    @Test
    void start_portTakenOnANewMember_movesOn() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.postgres(ref, true);
        int first = port(delivery.prepare(w, EPOCH));
        try (ServerSocket other = new ServerSocket(first, 1, InetAddress.getByName("127.0.0.1"))) {
            ObservedMember seen = delivery.start(w, EPOCH, TIMEOUT);
            assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
            assertThat(port(seen)).isNotEqualTo(first).isEqualTo(port(delivery.observe(ref)));
        }
        assertThat(cache().resolve("ports").resolve(Integer.toString(first))).doesNotExist();
    }

    @Test
    void start_portTakenOnAKnownMember_saysByWhomAndKeepsIt() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.postgres(ref, false);
        int port = port(run(delivery, w));
        delivery.stop(w, EPOCH, StopMode.GRACEFUL);
        try (ServerSocket other = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
            refused(
                    ErrorCode.PORT_TAKEN,
                    () -> delivery.start(w, EPOCH, TIMEOUT),
                    Integer.toString(port),
                    "process " + ProcessHandle.current().pid());
        }
        assertThat(port(delivery.start(w, EPOCH, TIMEOUT))).isEqualTo(port);
    }

    private static int port(ObservedMember seen) {
        return seen.ports().values().iterator().next();
    }

    // ---- the disk

    @Test
    void prepare_diskFull_leavesNothingAndWorksLater() throws Exception {
        assumeThat(isRoot()).as("mounting a small file system needs root").isTrue();
        Path small = Files.createDirectory(place.resolve("small"));
        assumeThat(sh("mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tenon-it", small.toString()))
                .as("this machine lets root mount")
                .isZero();
        try {
            LocalDelivery delivery = open(cache(), small.resolve("data"));
            MemberWorkload w = TestWorkloads.postgres(ref, false);
            refused(ErrorCode.DISK_FULL, () -> delivery.prepare(w, EPOCH), "No space left");
            assertThat(delivery.observe(ref).state()).isIn(MemberState.ABSENT, MemberState.INCOMPLETE);
            assertThat(sh("mount", "-o", "remount,size=200m", small.toString())).isZero();
            assertThat(run(delivery, w).state()).isEqualTo(MemberState.RUNNING);
            delivery.destroy(ref, EPOCH, DestroyMode.EVERYTHING);
            delivery.close();
        } finally {
            sh("umount", small.toString());
        }
    }

    private static int sh(String... words) throws IOException, InterruptedException {
        return new ProcessBuilder(words).inheritIO().start().waitFor();
    }

    @Test
    void prepare_damagedTemplate_isToldAndMadeAnew() throws Exception {
        LocalDelivery delivery = open(cache());
        delivery.prepare(TestWorkloads.postgres(ref, true), EPOCH);
        Path damaged = find(cache().resolve("templates"), "pg_control");
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[100] ^= 1;
        Files.write(damaged, bytes);

        MemberWorkload next = TestWorkloads.postgres(TestWorkloads.ref(), true);
        refused(ErrorCode.SOFTWARE_CORRUPT, () -> delivery.prepare(next, EPOCH), "pg_control", "next try");
        assertThat(delivery.observe(next.ref()).state()).isEqualTo(MemberState.ABSENT);
        assertThat(run(delivery, next).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void prepare_damagedSoftware_isToldAndUnpackedAnew() throws Exception {
        open(cache()).prepare(TestWorkloads.postgres(ref, true), EPOCH);
        Path program = find(cache().resolve("software"), "postgres");
        Files.write(program, new byte[10]);

        LocalDelivery delivery = open(cache());
        MemberWorkload next = TestWorkloads.postgres(TestWorkloads.ref(), true);
        refused(ErrorCode.SOFTWARE_CORRUPT, () -> delivery.prepare(next, EPOCH), "bin/postgres", "next try");
        assertThat(run(delivery, next).state()).isEqualTo(MemberState.RUNNING);
    }

    private static Path find(Path root, String name) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile)
                    .filter(p -> p.getFileName().toString().equals(name))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void start_directoryOfAnotherOwner_saysWhatToDo() throws Exception {
        assumeThat(isRoot()).as("giving files away needs root").isTrue();
        LocalDelivery delivery = open(cache());
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "true");
        delivery.prepare(w, EPOCH);
        Path data = directory().resolve("members").resolve(ref.externalName()).resolve("data");
        Object owner = Files.getAttribute(data, "unix:uid");
        Files.setAttribute(data, "unix:uid", 0);
        refused(ErrorCode.WRONG_OWNER, () -> delivery.start(w, EPOCH, TIMEOUT), "chown -R", data.toString());
        Files.setAttribute(data, "unix:uid", owner);
        assertThat(delivery.start(w, EPOCH, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void prepare_versionNotHere_namesWhatIs() {
        LocalDelivery delivery = open(cache());
        refused(
                ErrorCode.SOFTWARE_MISSING,
                () -> delivery.prepare(TestWorkloads.postgres(ref, true, "9"), EPOCH),
                "17.",
                "embedded");
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.ABSENT);
    }

    @Test
    void prepare_leftHalfMade_isStartedOver() throws Exception {
        MemberWorkload w = TestWorkloads.postgres(ref, false);
        LocalDelivery delivery = open(cache());
        int port = port(delivery.prepare(w, EPOCH));
        Path home = directory().resolve("members").resolve(ref.externalName());
        Path record = home.resolve("member.json");
        Files.writeString(record, Files.readString(record).replace("\"complete\":true", "\"complete\":false"));
        Files.delete(home.resolve("data/PG_VERSION"));

        LocalDelivery next = open(cache());
        assertThat(next.observe(ref).state()).isEqualTo(MemberState.INCOMPLETE);
        ObservedMember seen = run(next, w);
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        assertThat(port(seen)).isEqualTo(port);
    }

    @Test
    void start_oneRecordDamaged_othersAreFound() throws Exception {
        MemberRef other = TestWorkloads.ref();
        LocalDelivery first = open(cache());
        first.prepare(TestWorkloads.sleeper(ref, false, "true"), EPOCH);
        first.prepare(TestWorkloads.sleeper(other, false, "true"), EPOCH);
        first.close();
        Path record = directory().resolve("members").resolve(ref.externalName()).resolve("member.json");
        String whole = Files.readString(record);
        Files.writeString(record, whole.substring(0, 40));

        LocalDelivery next = open(cache());
        assertThat(next.members()).containsExactly(other);
        assertThat(next.observe(ref).state()).isEqualTo(MemberState.UNKNOWN);
        Files.writeString(record, whole);
        assertThat(next.observe(ref).state()).isEqualTo(MemberState.STOPPED);
    }

    @Test
    void destroyedMember_directoryUsedAgain_holdsNothingOfIt() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload first = withTemplate(TestWorkloads.sleeper(
                ref, true, "echo mine > secret; echo mine >> kept; mkdir deep; echo mine > deep/x"));
        run(delivery, first);
        Object inode = Files.getAttribute(data(ref).resolve("kept"), "unix:ino");
        delivery.destroy(ref, EPOCH, DestroyMode.EVERYTHING);

        MemberRef second = TestWorkloads.ref();
        delivery.prepare(withTemplate(TestWorkloads.sleeper(second, true, "true")), EPOCH);
        assertThat(Files.getAttribute(data(second).resolve("kept"), "unix:ino"))
                .as("used again")
                .isEqualTo(inode);
        assertThat(data(second).resolve("kept")).hasContent("template");
        assertThat(data(second).resolve("secret")).doesNotExist();
        assertThat(data(second).resolve("deep")).doesNotExist();
    }

    private Path data(MemberRef member) throws IOException {
        try (Stream<Path> all = Files.walk(cache().resolve("ephemeral"))) {
            return all.filter(p -> p.endsWith(member.externalName() + "/data"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static MemberWorkload withTemplate(MemberWorkload workload) {
        return MemberWorkload.builder()
                .from(workload)
                .addInitialise(new InitialiseStep(
                        "fill",
                        Command.of(
                                Duration.ofSeconds(10),
                                Template.text("/bin/sh"),
                                Template.text("-c"),
                                Template.text("cd \"$1\"; echo template > kept; echo template > done"),
                                Template.text("fill"),
                                Template.of(new Template.DirectoryPath("data"))),
                        "data",
                        "done",
                        true))
                .build();
    }

    // ---- limits

    @Test
    void limits_whereDeclared_areTheKernels() throws Exception {
        LocalDelivery delivery = open(cache());
        assumeThat(delivery.capabilities()).contains(Capability.MEMORY_LIMIT, Capability.CPU_LIMIT);
        MemberWorkload w = TestWorkloads.sleeper(ref, false, "true");
        ObservedMember seen = run(delivery, w);
        long pid = Long.parseLong(seen.incarnation().orElseThrow().split("-")[1]);
        assertThat(memoryLimit(pid)).isEqualTo(DataSize.mib(256).bytes());
        delivery.resize(ref, Resources.of(0.5, DataSize.mib(512), DataSize.gib(1)), EPOCH);
        assertThat(memoryLimit(pid)).isEqualTo(DataSize.mib(512).bytes());
        assertThat(delivery.observe(ref).incarnation()).isEqualTo(seen.incarnation());
        delivery.destroy(ref, EPOCH, DestroyMode.EVERYTHING);
        try (Stream<Path> left = Files.walk(Path.of("/sys/fs/cgroup"), 6)) {
            assertThat(left.filter(p -> p.toString().endsWith(ref.externalName())))
                    .isEmpty();
        }
    }

    private static long memoryLimit(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/cgroup"))) {
            String[] f = line.split(":", 3);
            if (f[1].equals("memory")) {
                return Long.parseLong(Files.readString(Path.of("/sys/fs/cgroup/memory" + f[2], "memory.limit_in_bytes"))
                        .trim());
            } else if (f[1].isEmpty() && Files.exists(Path.of("/sys/fs/cgroup" + f[2], "memory.max"))) {
                return Long.parseLong(Files.readString(Path.of("/sys/fs/cgroup" + f[2], "memory.max"))
                        .trim());
            }
        }
        throw new AssertionError("no memory controller");
    }

    // ---- the end

    @Test
    void close_severalMembersDestroyed_leavesNothing() throws Exception {
        LocalDelivery delivery =
                LocalDelivery.builder().cache(cache()).spares(1).build();
        delivery.start(new DeliveryContext(directory(), Clock.systemUTC(), woken::add));
        List<MemberWorkload> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(TestWorkloads.postgres(TestWorkloads.ref(), i % 2 == 0));
        }
        List<Long> pids = new ArrayList<>();
        for (MemberWorkload w : all) {
            pids.add(Long.parseLong(run(delivery, w).incarnation().orElseThrow().split("-")[1]));
        }
        delivery.destroy(all.get(0).ref(), EPOCH, DestroyMode.EVERYTHING);
        delivery.destroy(all.get(1).ref(), EPOCH, DestroyMode.EVERYTHING);
        delivery.destroy(all.get(3).ref(), EPOCH, DestroyMode.EVERYTHING);
        delivery.close();

        assertThat(pids).allSatisfy(pid -> assertThat(ProcessHandle.of(pid)).isEmpty());
        assertThat(files(directory().resolve("members"))).isEmpty();
        assertThat(files(directory().resolve("trash"))).isEmpty();
        assertThat(files(cache().resolve("ephemeral"))).isEmpty();
        assertThat(files(cache().resolve("ports"))).isSubsetOf("lock");
        assertThat(Thread.getAllStackTraces().keySet().stream()
                        .filter(Thread::isAlive)
                        .map(Thread::getName)
                        .filter(n -> n.startsWith("tenon-local")))
                .as("threads")
                .isEmpty();
    }

    private static List<String> files(Path directory) throws IOException {
        if (Files.notExists(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.map(p -> p.getFileName().toString()).toList();
        }
    }

    @Test
    void logs_longOutput_areTheLastLines() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w =
                TestWorkloads.sleeper(ref, false, "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done");
        run(delivery, w);
        assertThat(delivery.logs(ref, 3)).containsExactly("line 498", "line 499", "started");
        assertThat(delivery.metrics(ref).memory().bytes()).isPositive();
    }

    private static boolean isRoot() throws IOException {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    }

    // ---- several processes, other probes

    /** Writes its name into {@code order} when it is asked to end, and its number into a file of its name. */
    private static ProcessSpec process(String name) {
        return new ProcessSpec(
                name,
                List.of(
                        Template.text("/bin/sh"),
                        Template.text("-c"),
                        Template.of(
                                "cd ",
                                new Template.DirectoryPath("data"),
                                "; trap 'echo " + name + " >> order; exit 0' TERM; echo $$ > " + name
                                        + "; while :; do sleep 0.05; done")),
                Map.of(),
                Stop.signal("TERM", Duration.ofSeconds(10)),
                false);
    }

    private MemberWorkload.Builder withProcesses(String... names) {
        return MemberWorkload.builder()
                .from(TestWorkloads.sleeper(ref, false, "true"))
                .processes(Stream.of(names).map(LocalDeliveryIT::process).toList())
                .ready(new Probe.FileLine("data", names[0], ""));
    }

    private Path data(String file) {
        return directory()
                .resolve("members")
                .resolve(ref.externalName())
                .resolve("data")
                .resolve(file);
    }

    private long pid(String name) throws IOException {
        assertThat(eventually(
                        () -> Files.exists(data(name)) && data(name).toFile().length() > 0))
                .isTrue();
        return Long.parseLong(Files.readString(data(name)).trim());
    }

    @Test
    void sideProcess_killed_isSeenAndStartedAgainBesideTheMain() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = withProcesses("main", "watcher").build();
        ObservedMember before = run(delivery, w);
        assertThat(before.state()).isEqualTo(MemberState.RUNNING);
        long watcher = pid("watcher");
        woken.clear();
        ProcessHandle.of(watcher).orElseThrow().destroyForcibly();
        assertThat(eventually(() -> delivery.observe(ref).state() == MemberState.STARTING))
                .isTrue();
        assertThat(eventually(() -> woken.contains(ref))).isTrue();
        assertThat(delivery.observe(ref).reason()).contains("not running: [watcher]");
        ObservedMember after = delivery.start(w, EPOCH, TIMEOUT);
        assertThat(after.state()).isEqualTo(MemberState.RUNNING);
        assertThat(after.incarnation()).as("the main process goes on").isEqualTo(before.incarnation());
        assertThat(eventually(() -> {
                    try {
                        return pid("watcher") != watcher;
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                }))
                .isTrue();
    }

    @Test
    void stop_severalProcesses_endsTheLastStartedFirst() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = withProcesses("main", "watcher", "agent").build();
        run(delivery, w);
        List<Long> pids = List.of(pid("main"), pid("watcher"), pid("agent"));
        assertThat(delivery.stop(w, EPOCH, StopMode.GRACEFUL).state()).isEqualTo(MemberState.STOPPED);
        assertThat(Files.readAllLines(data("order"))).containsExactly("agent", "watcher", "main");
        assertThat(pids)
                .allMatch(pid ->
                        ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty());
    }

    @Test
    void start_commandProbe_isReadyWhenTheCommandSucceeds() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload w = withProcesses("main")
                .ready(new Probe.Exec(Command.of(
                        Duration.ofSeconds(5),
                        Template.text("/bin/sh"),
                        Template.text("-c"),
                        Template.of("test -e ", new Template.DirectoryPath("data"), "/go"))))
                .build();
        delivery.prepare(w, EPOCH);
        refused(ErrorCode.TIMEOUT, () -> delivery.start(w, EPOCH, Duration.ofMillis(300)), "not ready");
        assertThat(delivery.observe(ref).state()).isEqualTo(MemberState.STARTING);
        Files.createFile(data("go"));
        assertThat(delivery.start(w, EPOCH, TIMEOUT).state()).isEqualTo(MemberState.RUNNING);
    }

    @Test
    void start_portProbe_isReadyWhenTheServerListens() throws Exception {
        LocalDelivery delivery = open(cache());
        MemberWorkload silent =
                withProcesses("main").ready(new Probe.PortOpen("db")).build();
        delivery.prepare(silent, EPOCH);
        refused(ErrorCode.TIMEOUT, () -> delivery.start(silent, EPOCH, Duration.ofMillis(300)), "not ready");
        delivery.destroy(ref, EPOCH, DestroyMode.EVERYTHING);
        MemberWorkload server = MemberWorkload.builder()
                .from(TestWorkloads.postgres(ref, false))
                .ready(new Probe.PortOpen("db"))
                .build();
        ObservedMember seen = run(delivery, server);
        assertThat(seen.state()).isEqualTo(MemberState.RUNNING);
        try (Socket client =
                new Socket(InetAddress.getLoopbackAddress(), seen.ports().get("db"))) {
            assertThat(client.isConnected()).isTrue();
        }
    }
}
