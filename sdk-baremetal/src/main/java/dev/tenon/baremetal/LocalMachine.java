package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.ExecResult;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This machine's directories, users and tools, put together once per delivery. */
final class LocalMachine implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LocalMachine.class);
    private static final Path ELSEWHERE = Path.of("/var/lib/tenon");
    private static final AtomicLong COUNTER = new AtomicLong();

    private final Ticker ticker;
    private final ProcFs proc = new ProcFs(Path.of("/proc"));
    private final AtomicInteger busy = new AtomicInteger();
    private final RunAs runAs;
    private final ExecutorService helpers;
    private final Signals signals = new Signals();
    private final Launcher launcher;
    private final Commands commands;
    private final Cgroups cgroups;
    private final Ports ports;
    private final SoftwareShelf shelf;
    private final SpareKeeper keeper;
    private final Preparation preparation;
    private final Processes processes;
    private final Optional<Path> sync;
    private final Path runtime;
    private final Path ephemeralHome;
    private final Path directory;
    private final MembersRoot durable;
    private final MembersRoot ephemeral;
    private final MachineLock alive;
    private final Clock clock;

    private LocalMachine(LocalDelivery.Settings settings, Path directory, Clock clock, Ticker ticker)
            throws IOException {
        this.ticker = ticker;
        this.clock = clock;
        this.directory = directory;
        List<Path> searchPath = searchPath();
        this.runAs = RunAs.resolve(settings.runAs(), Path.of("/etc/passwd"), program(searchPath, "setpriv"));
        this.sync = program(searchPath, "sync");
        boolean root = runAs.operator().uid() == 0;
        Path cache = settings.cache().orElseGet(() -> defaultCache(root));
        Disk.makeDirectories(cache, 0755);
        if (!runAs.reaches(cache)) {
            throw Failures.of(
                    ErrorCode.WRONG_OWNER,
                    "user " + runAs.user().name() + " cannot reach the cache " + cache
                            + ": a directory above it is closed to others. Name another with LocalDelivery.builder().cache(…).");
        }
        this.runtime = runtime(runAs.operator().uid());
        AtomicInteger number = new AtomicInteger();
        this.helpers = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "tenon-" + settings.id() + "-io-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        this.launcher = new Launcher(runAs, proc, program(searchPath, "setsid"), settings.id());
        this.commands = new Commands(runAs, helpers);
        this.processes = new Processes(launcher, signals, commands, proc, ticker, settings.listen());
        this.cgroups = Cgroups.detect(Path.of("/sys/fs/cgroup"), read("/proc/self/cgroup"), "tenon");
        this.ports = new Ports(cache.resolve("ports"), settings.firstPort(), settings.lastPort());
        this.shelf = new SoftwareShelf(
                cache,
                settings.software(),
                settings.installedSoftware() ? List.of(Path.of("/usr/lib/postgresql")) : List.of(),
                settings.installedSoftware() ? searchPath : List.of(),
                new Unpacker(helpers, program(searchPath, "xz")),
                this::printedVersion);
        shelf.refresh();
        helpers.execute(this::unpackAhead);

        this.durable = MembersRoot.of(reachable(directory), runtime, true);
        this.ephemeralHome = ephemeralHome(settings.ephemeralData(), cache.resolve("ephemeral"));
        Path owner = newOwner();
        this.alive = lockOwner(owner);
        Disk.makeDirectories(owner, 0711);
        this.ephemeral = MembersRoot.of(owner, runtime, false);
        for (MembersRoot each : List.of(durable, ephemeral)) {
            Disk.makeDirectories(each.members(), 0711);
        }

        TreeCopier copier = new TreeCopier(runAs);
        Templates templates = new Templates(cache, runAs, copier, helpers, this::runStep, clock);
        Recycler recycler = new Recycler(runAs, copier);
        int most = 4 + 2 * settings.spares();
        Spares shared =
                new Spares(cache.resolve("spares"), most, proc.bootId(), templates, recycler, this::syncFileSystem);
        Spares own = Disk.sameFileSystem(cache, durable.path())
                ? shared
                : new Spares(
                        durable.path().resolve("spares"),
                        most,
                        proc.bootId(),
                        templates,
                        recycler,
                        this::syncFileSystem);
        // Memory is dear, and a copy there takes no longer than mending a used one here.
        Spares thrownAway = Disk.sameFileSystem(cache, owner)
                ? shared
                : new Spares(owner.resolve("spares"), 0, proc.bootId(), templates, recycler, this::syncFileSystem);
        this.keeper = new SpareKeeper(settings.spares(), ticker, busy, settings.id());
        this.preparation = new Preparation(runAs, templates, own, thrownAway, keeper);
        keeper.later(() -> {
            templates.removeUnused();
            shared.sweep();
            own.sweep();
            SpareKeeper.empty(durable.trash(), () -> {});
            forgetDestroyed();
            if (root) {
                removeOrphans();
            }
            cgroups.sweep(name -> name.startsWith(durable.tag() + "-")
                    && !Files.exists(durable.home(name.substring(durable.tag().length() + 1))));
        });
    }

    static LocalMachine open(LocalDelivery.Settings settings, Path directory, Clock clock, Ticker ticker) {
        try {
            return new LocalMachine(settings, directory.toAbsolutePath().normalize(), clock, ticker);
        } catch (IOException e) {
            throw Failures.io("starting the delivery " + settings.id(), e);
        }
    }

    Ticker ticker() {
        return ticker;
    }

    ProcFs proc() {
        return proc;
    }

    /** Number of calls in progress; what can wait gives way to them. */
    AtomicInteger busy() {
        return busy;
    }

    RunAs runAs() {
        return runAs;
    }

    Commands commands() {
        return commands;
    }

    Cgroups cgroups() {
        return cgroups;
    }

    Ports ports() {
        return ports;
    }

    SoftwareShelf shelf() {
        return shelf;
    }

    SpareKeeper keeper() {
        return keeper;
    }

    Preparation preparation() {
        return preparation;
    }

    Processes processes() {
        return processes;
    }

    MembersRoot durable() {
        return durable;
    }

    MembersRoot ephemeral() {
        return ephemeral;
    }

    List<MembersRoot> roots() {
        return List.of(ephemeral, durable);
    }

    static Path defaultCache(boolean root) {
        if (root) {
            return Path.of("/var/cache/tenon");
        }
        String configured = System.getenv("XDG_CACHE_HOME");
        return configured != null && configured.startsWith("/")
                ? Path.of(configured, "tenon")
                : Path.of(System.getProperty("user.home"), ".cache", "tenon");
    }

    /** Returns where sockets lie: they need short paths, at most 107 bytes in all. */
    static Path runtime(int uid) throws IOException {
        boolean root = uid == 0;
        String session = System.getenv("XDG_RUNTIME_DIR");
        Path path = root && Files.isWritable(Path.of("/run"))
                ? Path.of("/run/tenon")
                : !root && session != null && session.length() < 30 && Files.isWritable(Path.of(session))
                        ? Path.of(session, "tenon")
                        : Path.of("/tmp/tenon-" + uid);
        makeOwn(path, uid);
        return path;
    }

    /** Where everybody may make directories, somebody else may have made one of our name. */
    private static void makeOwn(Path path, int uid) throws IOException {
        Disk.makeDirectories(path, 0711);
        int owner = (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (owner != uid) {
            throw Failures.of(
                    ErrorCode.WRONG_OWNER,
                    path + " belongs to user " + owner + ", expected " + uid + ". Somebody else made it; remove it.");
        }
    }

    /** Returns where throw-away members lie, without what dead processes left there. */
    private Path ephemeralHome(Optional<LocalDelivery.EphemeralData> wanted, Path usual) throws IOException {
        Disk.makeDirectories(usual, 0711);
        sweepDeadOwners(usual);
        if (wanted.isEmpty()) {
            return usual;
        }
        Path directory = wanted.get().directory();
        makeOwn(directory, runAs.operator().uid());
        sweepDeadOwners(directory);
        long least = wanted.get().least().bytes();
        long disk = Files.getFileStore(directory).getUsableSpace();
        long memory = Math.min(
                proc.availableMemory().orElse(Long.MAX_VALUE),
                Cgroups.headroom(Path.of("/sys/fs/cgroup"), read("/proc/self/cgroup")));
        if (Math.min(disk, memory) >= least && runAs.reaches(directory)) {
            return directory;
        }
        log.warn(
                "Throw-away members lie in {}, not in {}, which has room for {} (memory: {}) and should have {}",
                usual,
                directory,
                DataSize.bytes(disk),
                DataSize.bytes(memory),
                wanted.get().least());
        return usual;
    }

    /**
     * Returns the directory itself if members' processes can get at what lies in it; they cannot if they run as another user and
     * a directory above is closed, as {@code /root} is. Then everything lies below {@code /var/lib/tenon}, for as long as there are
     * members.
     */
    private Path reachable(Path directory) throws IOException {
        if (runAs.reaches(directory)) {
            Disk.makeDirectories(directory, 0711);
            if (runAs.reaches(directory)) {
                return directory;
            }
        }
        Disk.makeDirectories(directory, 0711);
        Path elsewhere =
                ELSEWHERE.resolve(MembersRoot.of(directory, directory, true).tag());
        Disk.makeDirectories(elsewhere, 0711);
        Files.writeString(elsewhere.resolve("belongs-to"), directory + "\n");
        Files.writeString(directory.resolve("data-is-in"), elsewhere + "\n");
        log.info("User {} cannot reach {}; members lie in {}", runAs.user().name(), directory, elsewhere);
        return elsewhere;
    }

    /** Removes what stands in for a directory if no member lies in it; returns whether it is gone. */
    private static boolean removeUnused(Path elsewhere) throws IOException {
        try {
            // Fails while there is a member, also one that another process makes right now.
            Files.deleteIfExists(elsewhere.resolve("members"));
        } catch (DirectoryNotEmptyException e) {
            return false;
        }
        Disk.deleteTree(elsewhere);
        return true;
    }

    /**
     * Holds, for a day, under which epoch durable members were destroyed. Not with the members themselves: that directory may go with
     * the last of them.
     */
    Path destroyed() {
        return directory.resolve("destroyed");
    }

    /** Who was paused for longer than a day has long lost its lease, and finds that out before it acts. */
    void forgetDestroyed() throws IOException {
        Instant old = clock.instant().minus(Duration.ofDays(1));
        try (DirectoryStream<Path> stones = Files.newDirectoryStream(destroyed())) {
            for (Path stone : stones) {
                if (Files.getLastModifiedTime(stone).toInstant().isBefore(old)) {
                    Files.deleteIfExists(stone);
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    /** Removes what stands in for directories that are no more, as those of tests. */
    private static void removeOrphans() throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(ELSEWHERE, Files::isDirectory)) {
            for (Path elsewhere : all) {
                String owner = read(elsewhere.resolve("belongs-to").toString()).strip();
                if (!owner.isEmpty() && Files.notExists(Path.of(owner))) {
                    removeUnused(elsewhere);
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    private static List<Path> searchPath() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
        List<Path> found = new ArrayList<>();
        Arrays.stream(path.split(":"))
                .filter(p -> p.startsWith("/"))
                .map(Path::of)
                .forEach(found::add);
        for (String usual : List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin")) {
            found.add(Path.of(usual));
        }
        return found.stream().distinct().toList();
    }

    private static Optional<Path> program(List<Path> searchPath, String name) {
        return searchPath.stream()
                .map(d -> d.resolve(name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static String read(String file) throws IOException {
        try {
            return Files.readString(Path.of(file));
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    private void unpackAhead() {
        try {
            shelf.unpackAhead();
        } catch (ProviderException | RejectedExecutionException e) {
            // It fails again, or works, for whoever needs it; the second one only says that we are closing.
            log.debug("Unpacking ahead: {}", e.toString());
        }
    }

    private String printedVersion(Path program) {
        ExecResult result = commands.run(
                List.of(program.toString(), "--version"),
                Map.of(),
                Optional.empty(),
                Duration.ofSeconds(10),
                Path.of("/"));
        return result.stdout();
    }

    private ExecResult runStep(dev.tenon.spi.workload.Command command, Rendering rendering) {
        return commands.run(
                rendering.argv(command.argv()),
                rendering.environment(command.environment()),
                command.stdin(),
                command.timeout(),
                Path.of("/"));
    }

    boolean syncFileSystem(Path path) {
        return sync.isPresent()
                && commands.runAsOurselves(
                                        List.of(sync.get().toString(), "--file-system", path.toString()),
                                        Map.of(),
                                        Optional.empty(),
                                        Duration.ofMinutes(2),
                                        Path.of("/"))
                                .exitCode()
                        == 0;
    }

    private Path newOwner() {
        return ephemeralHome.resolve(ProcessHandle.current().pid() + "-"
                + Long.toString(ticker.nanos() & Long.MAX_VALUE, 36) + "-" + COUNTER.incrementAndGet());
    }

    /** The lock says that we live; its file is there before the directory, so that no sweeper takes a new owner for a dead one. */
    private static MachineLock lockOwner(Path owner) throws IOException {
        return MachineLock.tryTake(lockFile(owner))
                .orElseThrow(() -> new IOException("somebody holds " + lockFile(owner)));
    }

    private static Path lockFile(Path owner) {
        return owner.resolveSibling(owner.getFileName() + ".lock");
    }

    /** Ends and removes what the throw-away members of dead JVMs left. */
    private void sweepDeadOwners(Path home) throws IOException {
        try (DirectoryStream<Path> owners = Files.newDirectoryStream(home, Files::isDirectory)) {
            for (Path owner : owners) {
                Optional<MachineLock> dead = MachineLock.tryTake(lockFile(owner));
                if (dead.isPresent()) {
                    try (MachineLock lock = dead.get()) {
                        sweep(MembersRoot.of(owner, runtime, false));
                        Files.deleteIfExists(lockFile(owner));
                    }
                }
            }
        }
    }

    private void sweep(MembersRoot root) throws IOException {
        log.info("Removes what a process that died left in {}", root.path());
        if (Files.isDirectory(root.members())) {
            try (DirectoryStream<Path> homes = Files.newDirectoryStream(root.members())) {
                for (Path home : homes) {
                    try (DirectoryStream<Path> runFiles = Files.newDirectoryStream(home, "*.run")) {
                        for (Path runFile : runFiles) {
                            launcher.adopt(runFile).ifPresent(process -> {
                                process.killTree(signals);
                                processes.gone(process, Duration.ofSeconds(10));
                            });
                        }
                    }
                }
            }
        }
        Disk.deleteTree(root.runs());
        Disk.deleteTree(root.path());
        cgroups.sweep(name -> name.startsWith(root.tag() + "-"));
    }

    @Override
    public void close() {
        keeper.close();
        launcher.close();
        signals.close();
        helpers.shutdownNow();
        try {
            if (!helpers.awaitTermination(5, TimeUnit.SECONDS)) {
                log.warn("Still at work while closing: {}", helpers);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            Disk.deleteTree(ephemeral.path());
            Disk.deleteTree(ephemeral.runs());
            Cgroups.removeIfEmpty(durable.runs());
            SpareKeeper.empty(durable.trash(), () -> {});
            if (!durable.path().equals(directory) && removeUnused(durable.path())) {
                Files.deleteIfExists(directory.resolve("data-is-in"));
            }
            cgroups.sweep(name -> name.startsWith(ephemeral.tag() + "-"));
            Files.deleteIfExists(lockFile(ephemeral.path()));
            alive.close();
        } catch (IOException e) {
            throw Failures.io("closing the delivery", e);
        }
    }
}
