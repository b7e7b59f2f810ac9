package dev.tenon.samples;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.MemberMetrics;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.delivery.SoftwareOffer;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A delivery from scratch: members are directories below a root, each with one process of this machine. Everything it knows lies in
 * those directories, so another driver goes on where this one stopped. One control plane at a time; thread-safe.
 */
public final class ProcessDelivery implements DeliveryDriver {
    private static final Location HERE = new Location("here", "localhost");
    private static final String ADDRESS = "127.0.0.1";
    private static final int FIRST_PORT = 30_000;
    private static final int LAST_PORT = 32_000;
    private static final int MOST_LINES = 10_000;

    private final Path root;
    private final Map<Software, Path> software;
    private final Map<MemberRef, Object> locks = new ConcurrentHashMap<>();
    private volatile Consumer<MemberRef> wake = ref -> {};

    /**
     * Creates a driver.
     *
     * @param root where members lie
     * @param software what can run here, and the directory of each with its programs in {@code bin}
     */
    public ProcessDelivery(Path root, Map<Software, Path> software) {
        this.root = root;
        this.software = Map.copyOf(software);
    }

    @Override
    public String id() {
        return "processes";
    }

    @Override
    public void start(DeliveryContext context) {
        wake = context.wake();
        for (MemberRef ref : members()) {
            process(state(ref)).ifPresent(process -> watch(ref, process));
        }
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of(Capability.DURABLE);
    }

    @Override
    public PlaceCapacity capacity() {
        try {
            Files.createDirectories(root);
            DataSize disk = DataSize.bytes(Files.getFileStore(root).getTotalSpace());
            DataSize memory = kib(Path.of("/proc/meminfo"), "MemTotal:");
            int cpus = Runtime.getRuntime().availableProcessors();
            return new PlaceCapacity(List.of(new PlaceCapacity.Host(HERE, 1_000 * cpus, memory, disk, disk)));
        } catch (IOException e) {
            throw failed("look at this machine", e);
        }
    }

    @Override
    public List<SoftwareOffer> software() {
        return software.entrySet().stream()
                .map(each -> new SoftwareOffer(
                        each.getKey(), each.getKey().version(), each.getValue().toString()))
                .toList();
    }

    private Path home(Software wanted) {
        return Optional.ofNullable(software.get(wanted))
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.SOFTWARE_MISSING, wanted + " is not here; there is " + software.keySet()));
    }

    @Override
    public ExecResult runTool(Software wanted, Command command) {
        return run(command, new Holes(home(wanted), Map.of(), Map.of()));
    }

    @Override
    public List<MemberRef> members() {
        if (Files.notExists(root)) {
            return List.of();
        }
        try (Stream<Path> homes = Files.list(root)) {
            return homes.filter(home -> Files.exists(home.resolve("state")))
                    .map(home -> {
                        Properties state = read(home.resolve("state"));
                        return new MemberRef(
                                new TenantId(text(state, "tenant")),
                                new InstanceId(text(state, "instance")),
                                text(state, "member"));
                    })
                    .toList();
        } catch (IOException e) {
            throw failed("list the members", e);
        }
    }

    @Override
    public ObservedMember observe(MemberRef ref) {
        Properties state = state(ref);
        if (state.isEmpty()) {
            return ObservedMember.absent(ref);
        }
        Map<String, Integer> ports = ports(state);
        Optional<ProcessHandle> process = process(state);
        boolean answers = process.isPresent() && ports.values().stream().allMatch(ProcessDelivery::isOpen);
        ObservedMember.Builder seen = ObservedMember.builder()
                .ref(ref)
                .location(HERE)
                .address(ADDRESS)
                .ports(ports)
                .state(
                        !state.containsKey("prepared")
                                ? MemberState.INCOMPLETE
                                : process.isEmpty()
                                        ? MemberState.STOPPED
                                        : answers ? MemberState.RUNNING : MemberState.STARTING);
        if (process.isPresent()) {
            seen.startedAt(Instant.parse(text(state, "started")))
                    .incarnation(text(state, "pid") + "@" + text(state, "started"))
                    .restartPending(!text(state, "files").equals(text(state, "filesAtStart")));
            Optional.ofNullable(ports.get(state.getProperty("admin", "")))
                    .ifPresent(port -> seen.admin(new AdminAddress.Tcp(ADDRESS, port)));
        }
        return seen.build();
    }

    // begin
    @Override
    public ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        if (workload.ephemeral()) {
            throw unsupported("members that end with their control plane");
        }
        Path programs = home(workload.software());
        return changing(workload.ref(), epoch, true, state -> {
            for (Port port : workload.ports()) {
                state.computeIfAbsent("port." + port.name(), name -> claim(workload.ref()));
            }
            workload.adminRoutes().stream()
                    .filter(AdminRoute.TcpPort.class::isInstance)
                    .forEach(route -> state.setProperty("admin", ((AdminRoute.TcpPort) route).port()));
            // What is claimed is written down before anything else is made, so that nothing can be left over.
            write(workload.ref(), state);
            Holes holes = new Holes(programs, directories(workload), ports(state));
            initialise(workload.initialise(), holes);
            boolean changed = false;
            int restart = 1;
            for (FileSpec file : workload.files()) {
                String content = holes.fill(file.content());
                changed |= replace(holes.target(file), content, file.mode());
                restart = file.onChange() == FileSpec.OnChange.RESTART ? 31 * restart + content.hashCode() : restart;
            }
            state.setProperty("files", Integer.toString(restart));
            state.setProperty("prepared", "yes");
            if (changed) {
                workload.reload()
                        .ifPresent(reload -> process(state).ifPresent(process -> signal(process, reload.signal())));
            }
        });
    }

    @Override
    public ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        return changing(workload.ref(), epoch, false, state -> {
            if (!state.containsKey("prepared")) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, workload.ref() + " is not prepared");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw interrupted();
            }
            if (process(state).isEmpty()) {
                launch(workload, state);
            }
            ProcessHandle process = process(state).orElseThrow(() -> ended(workload.ref()));
            String port = ((Probe.PortOpen) workload.ready()).port();
            if (!await(
                    timeout,
                    () -> !process.isAlive()
                            || isOpen(Objects.requireNonNull(ports(state).get(port))))) {
                throw new ProviderException(ErrorCode.TIMEOUT, workload.ref() + " does not answer");
            }
            if (!process.isAlive()) {
                throw ended(workload.ref());
            }
        });
    }

    private void launch(MemberWorkload workload, Properties state) {
        if (workload.processes().size() != 1) {
            throw unsupported("members of several processes");
        }
        ProcessSpec main = workload.processes().get(0);
        Holes holes = new Holes(home(workload.software()), directories(workload), ports(state));
        try {
            ProcessHandle process = builder(main.argv(), main.environment(), holes)
                    .redirectErrorStream(true)
                    .redirectOutput(
                            ProcessBuilder.Redirect.appendTo(log(workload.ref()).toFile()))
                    .start()
                    .toHandle();
            state.setProperty("pid", Long.toString(process.pid()));
            state.setProperty("started", started(process));
            state.setProperty("filesAtStart", text(state, "files"));
            write(workload.ref(), state);
            watch(workload.ref(), process);
        } catch (IOException e) {
            throw failed("start " + workload.ref(), e);
        }
    }
    // end

    /** A directory is filled by all of its steps or not at all: what was left half made is made from the start. */
    private static void initialise(List<InitialiseStep> steps, Holes holes) {
        Set<String> half = steps.stream()
                .filter(step -> Files.notExists(holes.made(step)))
                .map(InitialiseStep::directory)
                .collect(Collectors.toSet());
        half.forEach(directory -> empty(holes.directory(directory)));
        for (InitialiseStep step : steps) {
            if (half.contains(step.directory())) {
                List<Path> inputs = step.inputs().stream().map(holes::target).toList();
                try {
                    step.inputs()
                            .forEach(input -> replace(holes.target(input), holes.fill(input.content()), input.mode()));
                    requireDone(step, run(step.command(), holes), holes.made(step));
                } finally {
                    inputs.forEach(ProcessDelivery::remove);
                }
            }
        }
    }

    private ProviderException ended(MemberRef ref) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, ref + " ended: " + logs(ref, 5));
    }

    private void watch(MemberRef ref, ProcessHandle process) {
        process.onExit().thenRun(() -> wake.accept(ref));
    }

    @Override
    public ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        if (state(workload.ref()).isEmpty()) {
            return ObservedMember.absent(workload.ref());
        }
        Duration grace = mode == StopMode.KILL
                ? Duration.ZERO
                : workload.processes().get(0).stop().grace();
        return changing(workload.ref(), epoch, false, state -> end(workload.ref(), state, grace));
    }

    private static void end(MemberRef ref, Properties state, Duration grace) {
        process(state).ifPresent(process -> {
            if (!grace.isZero()) {
                process.destroy();
            }
            if (grace.isZero() || !await(grace, () -> !process.isAlive())) {
                process.destroyForcibly();
                if (!await(Duration.ofSeconds(10), () -> !process.isAlive())) {
                    throw new ProviderException(ErrorCode.TIMEOUT, ref + " does not end");
                }
            }
        });
    }

    /** The process is gone, and the epoch keeps older callers from starting it again. */
    @Override
    public void fence(MemberRef ref, Epoch epoch) {
        if (!state(ref).isEmpty()) {
            changing(ref, epoch, false, state -> end(ref, state, Duration.ZERO));
        }
    }

    @Override
    public void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        if (state(ref).isEmpty()) {
            return;
        }
        changing(ref, epoch, false, state -> {
            end(ref, state, Duration.ZERO);
            if (mode == DestroyMode.EVERYTHING) {
                // Who is older must not make it again; what says that the member is there goes last.
                write(destroyed(ref), state);
                remove(root.resolve(ref.externalName()).resolve("content"));
                ports(state)
                        .values()
                        .forEach(port -> remove(root.resolve("ports").resolve(port.toString())));
                remove(root.resolve(ref.externalName()));
            }
        });
    }

    @Override
    public void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        changing(ref, epoch, false, state -> {
            long now = Long.parseLong(state.getProperty("size." + directory, "0"));
            if (size.bytes() < now) {
                throw new ProviderException(ErrorCode.SHRINK_UNSUPPORTED, size + " is less than " + now + " bytes");
            }
            state.setProperty("size." + directory, Long.toString(size.bytes()));
        });
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        throw unsupported("members that begin as a copy");
    }

    @Override
    public ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        throw unsupported("commands beside a member");
    }

    @Override
    public void resize(MemberRef ref, Resources resources, Epoch epoch) {
        throw unsupported("limits");
    }

    @Override
    public List<String> logs(MemberRef ref, int lines) {
        if (lines < 1 || lines > MOST_LINES) {
            throw new InvalidSpecException("lines", lines + "; expected 1 to " + MOST_LINES);
        }
        try (Stream<String> all = Files.lines(log(ref))) {
            List<String> read = all.toList();
            return read.subList(Math.max(0, read.size() - lines), read.size());
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw failed("read the log of " + ref, e);
        }
    }

    @Override
    public MemberMetrics metrics(MemberRef ref) {
        Optional<ProcessHandle> process = process(state(ref));
        Duration cpu =
                process.flatMap(handle -> handle.info().totalCpuDuration()).orElse(Duration.ZERO);
        DataSize memory = process.map(handle -> kib(Path.of("/proc/" + handle.pid() + "/status"), "VmRSS:"))
                .orElse(DataSize.bytes(0));
        return new MemberMetrics(cpu, memory, Optional.empty());
    }

    /** Members go on; there is nothing of ours to end. */
    @Override
    public void close() {
        wake = ref -> {};
    }

    /** Makes a change if nobody with a later epoch was here, and says what is there then. */
    private ObservedMember changing(MemberRef ref, Epoch epoch, boolean make, Consumer<Properties> change) {
        synchronized (locks.computeIfAbsent(ref, each -> new Object())) {
            Properties state = state(ref);
            if (state.isEmpty() && !make) {
                throw new ProviderException(ErrorCode.PROVIDER_FAILED, ref + " does not exist");
            }
            long highest = Math.max(
                    Long.parseLong(state.getProperty("epoch", "0")),
                    Long.parseLong(read(destroyed(ref)).getProperty("epoch", "0")));
            if (epoch.value() < highest) {
                throw new ProviderException(ErrorCode.FENCED, "epoch " + epoch.value() + " is older than " + highest);
            }
            state.setProperty("tenant", ref.tenant().value());
            state.setProperty("instance", ref.instance().value());
            state.setProperty("member", ref.member());
            state.setProperty("epoch", Long.toString(epoch.value()));
            if (make || epoch.value() > highest) {
                // Before the effect: who is older is kept out from here on, whatever becomes of us.
                write(ref, state);
            }
            change.accept(state);
            if (Files.exists(root.resolve(ref.externalName()))) {
                write(ref, state);
            }
            return observe(ref);
        }
    }

    private static String text(Properties state, String name) {
        return Objects.requireNonNull(state.getProperty(name), name);
    }

    private Properties state(MemberRef ref) {
        return read(root.resolve(ref.externalName()).resolve("state"));
    }

    private static Properties read(Path file) {
        Properties state = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            state.load(in);
        } catch (NoSuchFileException e) {
            return state;
        } catch (IOException e) {
            throw failed("read " + file, e);
        }
        return state;
    }

    private void write(MemberRef ref, Properties state) {
        write(root.resolve(ref.externalName()).resolve("state"), state);
    }

    private static void write(Path file, Properties state) {
        try {
            Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            try (Writer out = Files.newBufferedWriter(fresh)) {
                state.store(out, null);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("write " + file, e);
        }
    }

    private Path destroyed(MemberRef ref) {
        return root.resolve("destroyed").resolve(ref.externalName());
    }

    private Path log(MemberRef ref) {
        return root.resolve(ref.externalName()).resolve("log");
    }

    private Map<String, Path> directories(MemberWorkload workload) {
        Map<String, Path> directories = new TreeMap<>();
        workload.directories().forEach(directory -> {
            Path path = root.resolve(workload.ref().externalName())
                    .resolve("content")
                    .resolve(directory.name());
            try {
                directories.put(directory.name(), Files.createDirectories(path));
            } catch (IOException e) {
                throw failed("make " + path, e);
            }
        });
        return directories;
    }

    private static Map<String, Integer> ports(Properties state) {
        Map<String, Integer> ports = new TreeMap<>();
        state.stringPropertyNames().stream()
                .filter(name -> name.startsWith("port."))
                .forEach(name -> ports.put(name.substring(5), Integer.valueOf(text(state, name))));
        return ports;
    }

    /** A file for each port that is given: only one can make it. */
    private String claim(MemberRef ref) {
        try {
            Path claims = Files.createDirectories(root.resolve("ports"));
            for (int port = FIRST_PORT; port <= LAST_PORT; port++) {
                try {
                    Files.createFile(claims.resolve(Integer.toString(port)));
                } catch (FileAlreadyExistsException e) {
                    continue;
                }
                return Integer.toString(port);
            }
        } catch (IOException e) {
            throw failed("claim a port for " + ref, e);
        }
        throw new ProviderException(ErrorCode.CAPACITY_EXCEEDED, "no port is left");
    }

    /** The number of a process may be another's by now; its time of start is not. */
    private static Optional<ProcessHandle> process(Properties state) {
        return Optional.ofNullable(state.getProperty("pid"))
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)))
                .filter(ProcessHandle::isAlive)
                .filter(process -> started(process).equals(state.getProperty("started")));
    }

    private static String started(ProcessHandle process) {
        return process.info().startInstant().orElse(Instant.EPOCH).toString();
    }

    private static boolean isOpen(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(ADDRESS, port), 1_000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void signal(ProcessHandle process, String signal) {
        try {
            // The shell has its own kill; as a program it is missing on a bare Debian.
            new ProcessBuilder("/bin/sh", "-c", "kill -s $1 $2", "signal", signal, Long.toString(process.pid()))
                    .inheritIO()
                    .start()
                    .onExit()
                    .join();
        } catch (IOException e) {
            throw failed("signal process " + process.pid(), e);
        }
    }

    private static boolean await(Duration time, BooleanSupplier done) {
        CountDownLatch never = new CountDownLatch(1);
        try {
            for (long left = time.toMillis(); !done.getAsBoolean(); left -= 10) {
                if (left <= 0 || never.await(10, TimeUnit.MILLISECONDS)) {
                    return false;
                }
            }
            return true;
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static ProviderException interrupted() {
        Thread.currentThread().interrupt();
        return new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "interrupted; the outcome is unknown");
    }

    /** What a place fills the holes of templates with. */
    private record Holes(Path programs, Map<String, Path> directories, Map<String, Integer> ports) {
        Path directory(String name) {
            return Objects.requireNonNull(directories.get(name));
        }

        Path target(FileSpec file) {
            return directory(file.directory()).resolve(file.path());
        }

        Path made(InitialiseStep step) {
            return directory(step.directory()).resolve(step.creates());
        }

        String fill(Template template) {
            return template.render(part -> {
                if (part instanceof Template.DirectoryPath directory) {
                    return directory(directory.directory()).toString();
                } else if (part instanceof Template.PortNumber port) {
                    return String.valueOf(ports.get(port.port()));
                } else if (part instanceof Template.SoftwareHome) {
                    return programs.toString();
                } else if (part instanceof Template.ListenAddress) {
                    return ADDRESS;
                } else if (part instanceof Template.RunAsUser || part instanceof Template.OperatorUser) {
                    return System.getProperty("user.name");
                }
                throw unsupported("members that know each other");
            });
        }
    }

    private static ProcessBuilder builder(List<Template> argv, Map<String, Template> environment, Holes holes) {
        List<String> words = new ArrayList<>(argv.stream().map(holes::fill).toList());
        if (!words.get(0).startsWith("/")) {
            words.set(0, holes.programs().resolve("bin").resolve(words.get(0)).toString());
        }
        ProcessBuilder builder = new ProcessBuilder(words);
        environment.forEach((name, value) -> builder.environment().put(name, holes.fill(value)));
        return builder;
    }

    private static ExecResult run(Command command, Holes holes) {
        try {
            Path out = Files.createTempFile("tenon-", ".out");
            try {
                Process process = builder(command.argv(), command.environment(), holes)
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
                try (Writer in = process.outputWriter()) {
                    in.write(command.stdin()
                            .map(secret -> secret.reveal(text -> text))
                            .orElse(""));
                }
                if (!process.waitFor(command.timeout().toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                    throw new ProviderException(ErrorCode.TIMEOUT, "a command does not end");
                }
                return new ExecResult(process.exitValue(), Files.readString(out), "");
            } finally {
                Files.delete(out);
            }
        } catch (IOException e) {
            throw failed("run a command", e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static void requireDone(InitialiseStep step, ExecResult result, Path made) {
        boolean said =
                step.command().successText().map(result.stdout()::contains).orElse(true);
        if (result.exitCode() != 0 || !said || Files.notExists(made)) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    "step " + step.name() + " ended with " + result.exitCode() + ": " + result.stdout());
        }
    }

    /** Writes a file if it differs; it is never seen half, nor with a secret for everybody. */
    private static boolean replace(Path file, String content, int mode) {
        try {
            if (Files.exists(file) && Files.readString(file).equals(content)) {
                return false;
            }
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Files.deleteIfExists(fresh);
            Set<PosixFilePermission> own = PosixFilePermissions.fromString("rw-------");
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(own));
            Files.writeString(fresh, content);
            Files.setAttribute(fresh, "unix:mode", mode);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            return true;
        } catch (IOException e) {
            throw failed("write " + file, e);
        }
    }

    private static void remove(Path path) {
        if (Files.exists(path)) {
            empty(path);
            try {
                Files.delete(path);
            } catch (IOException e) {
                throw failed("remove " + path, e);
            }
        }
    }

    private static void empty(Path directory) {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path each : tree.skip(1).sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        } catch (IOException e) {
            throw failed("empty " + directory, e);
        }
    }

    private static DataSize kib(Path file, String name) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> DataSize.bytes(1_024 * Long.parseLong(line.replaceAll("\\D", ""))))
                    .findFirst()
                    .orElse(DataSize.bytes(0));
        } catch (IOException | UncheckedIOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "cannot read " + file, e);
        }
    }

    private static ProviderException unsupported(String what) {
        return new ProviderException(ErrorCode.UNSUPPORTED, "this delivery has no " + what);
    }

    private static ProviderException failed(String what, IOException e) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, "could not " + what + ": " + e, e);
    }
}
