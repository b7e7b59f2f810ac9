package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.spi.delivery.AdminAddress;
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
import dev.tenon.spi.delivery.SoftwareOffer;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The verbs of a delivery on this machine; see {@link dev.tenon.spi.delivery.DeliveryDriver} for what each promises. */
final class LocalHost implements DeliveryDriver {
    private static final Logger log = LoggerFactory.getLogger(LocalHost.class);
    private static final AtomicLong COUNTER = new AtomicLong();
    private static final int PORT_TRIES = 16;
    private static final int USABLE_PERCENT = 70;
    private static final int FILES_COUNTED = 20_000;
    private static final int FORGET_EVERY = 1_000;
    /** What a throw-away member may take to end: nobody needs what it would still write. */
    private static final Duration SHORT_GRACE = Duration.ofSeconds(2);

    private final LocalDelivery.Settings settings;
    private final DeliveryContext context;
    private final LocalMachine machine;
    private final Set<Capability> capabilities;
    private final ConcurrentHashMap<String, Member> members = new ConcurrentHashMap<>();
    private final Watch watch;

    private LocalHost(LocalDelivery.Settings settings, DeliveryContext context, LocalMachine machine) {
        this.settings = settings;
        this.context = context;
        this.machine = machine;
        this.capabilities = capabilities(machine);
        this.watch = new Watch(machine.ticker(), settings.id(), this::capLogs);
    }

    static LocalHost start(LocalDelivery.Settings settings, DeliveryContext context, Ticker ticker) {
        LocalMachine machine = LocalMachine.open(settings, context.directory(), context.clock(), ticker);
        try {
            LocalHost host = new LocalHost(settings, context, machine);
            host.adoptAll();
            return host;
        } catch (RuntimeException e) {
            machine.close();
            throw e;
        }
    }

    private static Set<Capability> capabilities(LocalMachine machine) {
        Set<Capability> set = EnumSet.of(Capability.DURABLE, Capability.EXEC, Capability.FILL);
        if (machine.runAs().setpriv().isPresent()) {
            set.add(Capability.EPHEMERAL);
        }
        if (machine.cgroups().limitsCpu()) {
            set.add(Capability.CPU_LIMIT);
        }
        if (machine.cgroups().limitsMemory()) {
            set.add(Capability.MEMORY_LIMIT);
        }
        if (machine.cgroups().limitsCpu() && machine.cgroups().limitsMemory()) {
            set.add(Capability.RESIZE_IN_PLACE);
        }
        return Collections.unmodifiableSet(set);
    }

    @Override
    public String id() {
        return settings.id();
    }

    @Override
    public void start(DeliveryContext given) {
        throw new IllegalStateException("started when it was made");
    }

    private void adoptAll() {
        for (MemberRef ref : members()) {
            Member member = member(ref);
            try {
                member.read().ifPresent(content -> adopt(member, content));
            } catch (ProviderException e) {
                log.warn("Cannot read what is known of {}: {}", ref, e.getMessage());
            }
        }
    }

    private void adopt(Member member, MemberRecord content) {
        if (!content.processes().isEmpty()) {
            String main = content.processes().get(0).name();
            Running process = machine.processes().alive(member, content).get(main);
            if (process != null) {
                log.info("Adopted {} of {}, process {}", main, member.ref(), process.pid());
                watchEnd(member, main, process);
            }
        }
    }

    private void watchEnd(Member member, String name, Running process) {
        watch.onEnd(process, () -> {
            if (member.running.get(name) == process) {
                member.lastEnd = name + " ended unasked"
                        + (process.exitCode().isPresent()
                                ? " with " + process.exitCode().getAsInt()
                                : "");
                context.wake().accept(member.ref());
            }
        });
    }

    private void capLogs() {
        for (Member member : members.values()) {
            for (String name : member.running.keySet()) {
                try {
                    MemberLog.cap(member.output(name));
                } catch (IOException e) {
                    log.warn("Cannot shorten the log of {}: {}", member.ref(), e.toString());
                }
            }
        }
    }

    @Override
    public Set<Capability> capabilities() {
        return capabilities;
    }

    @Override
    public PlaceCapacity capacity() {
        try {
            Runtime runtime = Runtime.getRuntime();
            long memory = machine.proc().totalMemory().orElse(runtime.maxMemory());
            FileStore disk = Files.getFileStore(machine.durable().path());
            return new PlaceCapacity(List.of(new PlaceCapacity.Host(
                    settings.location(),
                    runtime.availableProcessors() * 1000 * USABLE_PERCENT / 100,
                    DataSize.bytes(memory / 100 * USABLE_PERCENT),
                    DataSize.bytes(disk.getUsableSpace() / 100 * USABLE_PERCENT),
                    DataSize.bytes(disk.getTotalSpace() / 100 * USABLE_PERCENT))));
        } catch (IOException e) {
            throw Failures.io("asking for free space below " + machine.durable().path(), e);
        }
    }

    Path ephemeralDirectory() {
        return machine.ephemeral().path();
    }

    @Override
    public List<SoftwareOffer> software() {
        return machine.shelf().offers();
    }

    @Override
    public ExecResult runTool(Software software, Command command) {
        SoftwareShelf.Build build = machine.shelf().find(software);
        Path home = machine.shelf().home(build);
        Rendering rendering = new Rendering(Map.of(), Map.of(), home, settings.listen(), machine.runAs(), Peers.NONE);
        ExecResult result = machine.commands()
                .run(
                        rendering.argv(command.argv()),
                        rendering.environment(command.environment()),
                        command.stdin(),
                        command.timeout(),
                        Path.of("/"));
        if (SoftwareShelf.suspicious(result)) {
            machine.shelf().check(build, true);
        }
        return result;
    }

    @Override
    public List<MemberRef> members() {
        Set<MemberRef> found = new HashSet<>();
        members.values().stream()
                .filter(m -> !m.root().durable() && m.read().isPresent())
                .forEach(m -> found.add(m.ref()));
        for (MembersRoot root : List.of(machine.durable())) {
            try (DirectoryStream<Path> homes = Files.newDirectoryStream(root.members())) {
                for (Path home : homes) {
                    Path record = home.resolve("member.json");
                    if (Files.exists(record)) {
                        named(record).ifPresent(found::add);
                    }
                }
            } catch (NoSuchFileException e) {
                continue;
            } catch (IOException e) {
                throw Failures.io("listing members in " + root.members(), e);
            }
        }
        return List.copyOf(found);
    }

    /** One damaged record must not hide all others; its own member shows as unknown when it is asked for. */
    private static Optional<MemberRef> named(Path record) throws IOException {
        try {
            return Optional.of(Member.parse(record).ref());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (com.fasterxml.jackson.core.JsonProcessingException | ProviderException e) {
            log.warn("Cannot read {}: {}", record, e.getMessage());
            return Optional.empty();
        }
    }

    /** Returns what we know of a member; which root it lies in is decided when it is prepared. */
    private Member member(MemberRef ref) {
        Member known = members.get(ref.externalName());
        if (known != null) {
            return known;
        }
        for (MembersRoot root : machine.roots()) {
            if (Files.exists(root.home(ref.externalName()))) {
                return members.computeIfAbsent(ref.externalName(), n -> new Member(ref, root, machine.runAs()));
            }
        }
        return new Member(ref, machine.durable(), machine.runAs());
    }

    private Member memberFor(MemberWorkload workload) {
        Member found = member(workload.ref());
        if (Files.exists(found.home())) {
            return found;
        }
        MembersRoot root = workload.ephemeral() ? machine.ephemeral() : machine.durable();
        return members.compute(
                workload.ref().externalName(),
                (name, old) -> old != null && old.root().equals(root)
                        ? old
                        : new Member(workload.ref(), root, machine.runAs()));
    }

    private <T> T exclusively(Member member, Supplier<T> verb) {
        try {
            member.lock.lockInterruptibly();
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        }
        machine.busy().incrementAndGet();
        try {
            return verb.get();
        } finally {
            machine.busy().decrementAndGet();
            member.lock.unlock();
        }
    }

    /** Reads the record under this epoch: refuses an older one, remembers a newer one before anything else happens. */
    private Optional<MemberRecord> admit(Member member, Epoch epoch) {
        Optional<MemberRecord> seen = member.read();
        if (seen.isEmpty()) {
            refuseOlder(member.ref(), destroyedUnder(member), epoch);
            return seen;
        }
        refuseOlder(member.ref(), seen.get().epoch(), epoch);
        if (epoch.value() == seen.get().epoch()) {
            return seen;
        }
        try (MachineLock lock = MachineLock.take(member.root().path().resolve("epochs.lock"))) {
            Optional<MemberRecord> now = member.read();
            if (now.isEmpty()) {
                return now;
            }
            refuseOlder(member.ref(), now.get().epoch(), epoch);
            return Optional.of(member.write(
                    now.get().edit().epoch(epoch.value()).build(), member.root().durable()));
        } catch (IOException e) {
            throw Failures.io("recording the epoch of " + member.ref(), e);
        }
    }

    private static void refuseOlder(MemberRef ref, long seen, Epoch epoch) {
        if (epoch.value() < seen) {
            throw Failures.of(
                    ErrorCode.FENCED,
                    ref + " was told what to do under epoch " + seen + "; epoch " + epoch.value()
                            + " is older and may not change it");
        }
    }

    /** Whoever was only slow while a member was destroyed must not make it again. */
    private long destroyedUnder(Member member) {
        Path stone = machine.destroyed().resolve(member.ref().externalName());
        try {
            return Long.parseLong(Files.readString(stone));
        } catch (NoSuchFileException e) {
            return 0;
        } catch (IOException e) {
            throw Failures.io("reading under which epoch " + member.ref() + " was destroyed", e);
        }
    }

    private void rememberDestroyed(Member member, Epoch epoch) {
        Path stones = machine.destroyed();
        if (COUNTER.incrementAndGet() % FORGET_EVERY == 0) {
            machine.keeper().later(machine::forgetDestroyed);
        }
        try {
            Disk.makeDirectories(stones, 0700);
            Disk.replace(
                    stones.resolve(member.ref().externalName()),
                    Long.toString(epoch.value()).getBytes(StandardCharsets.US_ASCII),
                    0600,
                    false,
                    machine.runAs(),
                    false);
        } catch (IOException e) {
            throw Failures.io("recording that " + member.ref() + " is destroyed", e);
        }
    }

    @Override
    public ObservedMember observe(MemberRef ref) {
        Member member = member(ref);
        if (!Files.exists(member.home())) {
            return ObservedMember.absent(ref);
        }
        Optional<MemberRecord> content;
        try {
            content = member.read();
        } catch (ProviderException e) {
            return ObservedMember.builder()
                    .ref(ref)
                    .state(MemberState.UNKNOWN)
                    .reason(String.valueOf(e.getMessage()))
                    .build();
        }
        if (content.isEmpty()) {
            return ObservedMember.builder()
                    .ref(ref)
                    .state(MemberState.INCOMPLETE)
                    .build();
        }
        return observed(member, content.get());
    }

    private ObservedMember observed(Member member, MemberRecord content) {
        ObservedMember.Builder seen = ObservedMember.builder()
                .ref(member.ref())
                .location(settings.location())
                .ports(content.ports())
                .address(settings.address().orElse(settings.listen()));
        if (!content.complete()) {
            return seen.state(MemberState.INCOMPLETE).build();
        }
        if (!content.adminSocket().isEmpty()) {
            seen.admin(new AdminAddress.Unix(Path.of(content.adminSocket())));
        } else if (content.adminPort() > 0) {
            seen.admin(new AdminAddress.Tcp(settings.listen(), content.adminPort()));
        }
        Map<String, Running> alive = machine.processes().alive(member, content);
        Running main = content.processes().isEmpty()
                ? null
                : alive.get(content.processes().get(0).name());
        if (main == null) {
            seen.state(MemberState.STOPPED);
            if (!member.lastEnd.isEmpty() && !content.processes().isEmpty()) {
                seen.reason(member.lastEnd + ". Its last lines: "
                        + machine.processes().lastLines(member, content, 0));
            }
            return seen.build();
        }
        Optional<Launcher.Identity> identity = main.identity();
        if (identity.isEmpty()) {
            return seen.state(MemberState.STARTING).build();
        }
        String incarnation = identity.get().incarnation();
        boolean ready = member.readyIncarnation.equals(incarnation)
                || machine.processes().ready(member, content, Optional.empty());
        if (ready) {
            member.readyIncarnation = incarnation;
        }
        List<String> missing = content.missing(alive.keySet());
        if (!missing.isEmpty()) {
            seen.reason("not running: " + missing);
        }
        seen.state(ready && missing.isEmpty() ? MemberState.RUNNING : MemberState.STARTING)
                .incarnation(incarnation)
                .restartPending(content.staleIncarnation().equals(incarnation));
        try {
            seen.startedAt(Files.getLastModifiedTime(
                            member.runFile(content.processes().get(0).name()))
                    .toInstant());
        } catch (IOException e) {
            // Stopped by another control plane in this very moment: the next look will show it.
            return seen.build();
        }
        return seen.build();
    }

    @Override
    public ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        Member member = memberFor(workload);
        return exclusively(member, () -> {
            try {
                Optional<MemberRecord> seen = admit(member, epoch);
                MemberRecord content = seen.isPresent() && seen.get().complete()
                        ? extend(member, seen.get(), workload)
                        : fresh(member, seen, workload, epoch);
                return observed(member, content);
            } catch (IOException e) {
                throw Failures.io("preparing " + member.ref(), e);
            }
        });
    }

    /** Makes a member of which nothing or only half exists. Nothing of it ever ran, so that starting over loses nothing. */
    private MemberRecord fresh(Member member, Optional<MemberRecord> seen, MemberWorkload workload, Epoch epoch)
            throws IOException {
        SoftwareShelf.Build build = machine.shelf().find(workload.software());
        Path softwareHome = machine.shelf().home(build);
        discardHalfMade(member, seen);
        Disk.makeDirectories(member.home(), 0711);
        MemberRecord started = MemberRecord.fresh(
                        member.ref(), workload.ephemeral(), member.home().toString(), epoch.value())
                .edit()
                .softwareKey(build.key())
                .softwareHome(softwareHome.toString())
                .ports(seen.map(MemberRecord::ports).orElse(Map.of()))
                .build();
        try {
            MemberRecord content = describe(member, claimPorts(member, started, workload), workload);
            member.write(content, false);
            try {
                machine.preparation().fill(member, content, workload, rendering(member, content));
            } catch (ProviderException e) {
                if (e.code() == ErrorCode.PROVIDER_FAILED) {
                    // Programs that fail for no reason of their own may be damaged; then that is the cause to tell.
                    machine.shelf().check(build, true);
                }
                throw e;
            }
            machine.preparation().writeFiles(content, workload, rendering(member, content));
            // What is still to be filled is not complete: preparing it again starts over, which loses nothing.
            return member.write(
                    content.edit().complete(workload.filled().isEmpty()).build(),
                    member.root().durable());
        } catch (IOException | RuntimeException e) {
            abandon(member);
            throw e;
        }
    }

    private void discardHalfMade(Member member, Optional<MemberRecord> seen) throws IOException {
        if (Files.exists(member.home())) {
            log.info("Starts over with {}, which was left half made", member.ref());
            Disk.deleteTree(member.root().run(member.ref().externalName()));
            Path keptForItsPorts = member.home();
            try (DirectoryStream<Path> all = Files.newDirectoryStream(keptForItsPorts)) {
                for (Path path : all) {
                    if (seen.isEmpty() || !path.equals(member.recordFile())) {
                        Disk.deleteTree(path);
                    }
                }
            }
        }
    }

    /** Takes back what a failed prepare made; if even that fails, the next prepare does it. */
    private void abandon(Member member) {
        try {
            remove(member, member.read());
        } catch (ProviderException e) {
            log.warn("Left half made: {}: {}", member.ref(), e.getMessage());
        }
    }

    private MemberRecord claimPorts(Member member, MemberRecord content, MemberWorkload workload) {
        Map<String, Integer> ports = new LinkedHashMap<>(content.ports());
        for (Port port : workload.ports()) {
            ports.computeIfAbsent(port.name(), name -> machine.ports().claim(member.home(), name));
        }
        return content.edit().ports(ports).build();
    }

    /** Fills in what later calls need and only the workload says. */
    private MemberRecord describe(Member member, MemberRecord content, MemberWorkload workload) {
        return Description.of(
                content,
                workload,
                member.home().toString(),
                member.root().run(member.ref().externalName()).toString(),
                machine.cgroups().directories(member.root().group(member.ref().externalName())),
                placed -> rendering(member, placed));
    }

    /** Brings a prepared member up to what the workload says now. */
    private MemberRecord extend(Member member, MemberRecord content, MemberWorkload workload) throws IOException {
        SoftwareShelf.Build build = machine.shelf().find(workload.software(), content.softwareKey());
        MemberRecord wanted = describe(
                member,
                claimPorts(
                        member,
                        content.edit()
                                .softwareKey(build.key())
                                .softwareHome(machine.shelf().home(build).toString())
                                .build(),
                        workload),
                workload);
        machine.preparation().makeDirectories(wanted, !content.directories().isEmpty());
        Rendering rendering = rendering(member, wanted);
        Set<FileSpec.OnChange> changes = machine.preparation().writeFiles(wanted, workload, rendering);
        Map<String, Running> alive = machine.processes().alive(member, content);
        if (!alive.isEmpty() && !changes.isEmpty()) {
            Running main = alive.get(content.processes().get(0).name());
            if (main != null
                    && changes.contains(FileSpec.OnChange.RELOAD)
                    && workload.reload().isPresent()) {
                machine.processes().tell(main, workload.reload().get(), rendering);
            }
            if (main != null && changes.contains(FileSpec.OnChange.RESTART)) {
                wanted = wanted.edit()
                        .staleIncarnation(main.identity()
                                .map(Launcher.Identity::incarnation)
                                .orElse(""))
                        .build();
            }
        }
        return wanted.equals(content)
                ? content
                : member.write(wanted, member.root().durable());
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        Member member = member(workload.ref());
        return exclusively(member, () -> {
            MemberRecord content = present(member, epoch);
            if (!machine.processes().alive(member, content).isEmpty()) {
                throw Failures.of(ErrorCode.PROVIDER_FAILED, member.ref() + " runs; stop it before it is filled");
            }
            try {
                return observed(member, filled(member, content, workload, directory, tar));
            } catch (IOException e) {
                throw Failures.io("filling " + directory + " of " + member.ref(), e);
            } catch (UncheckedIOException e) {
                throw Failures.io("reading what is to fill " + directory + " of " + member.ref(), e);
            }
        });
    }

    private MemberRecord filled(
            Member member, MemberRecord content, MemberWorkload workload, String directory, InputStream tar)
            throws IOException {
        Path target = content.path(directory);
        Path beside = target.resolveSibling(directory + ".filling");
        boolean durable = member.root().durable();
        Disk.deleteTree(beside);
        try {
            Filling.unpack(tar, beside, machine.runAs());
            if (durable && !machine.syncFileSystem(beside)) {
                Disk.syncTree(beside);
            }
        } catch (IOException | RuntimeException e) {
            Disk.deleteTree(beside);
            throw e;
        }
        // From here to the last line a crash leaves it incomplete, and it is filled anew.
        MemberRecord half = member.write(content.edit().complete(false).build(), durable);
        machine.preparation().forgetOrigin(member);
        discard(member, target);
        Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        machine.preparation().writeFiles(half, workload, rendering(member, half));
        if (durable) {
            Disk.syncDirectory(member.home());
        }
        return member.write(half.edit().complete(true).build(), durable);
    }

    @Override
    public Optional<ObservedMember> fillAlike(MemberWorkload workload, MemberRef other, Epoch epoch) {
        Member member = member(workload.ref());
        return exclusively(member, () -> {
            Optional<MemberRecord> seen = admit(member, epoch).filter(r -> !r.complete());
            if (seen.isEmpty()) {
                return Optional.empty();
            }
            MemberRecord content = seen.get();
            try {
                if (!machine.preparation().fillAlike(member, content, workload.filled(), member(other))) {
                    return Optional.empty();
                }
                machine.preparation().writeFiles(content, workload, rendering(member, content));
                return Optional.of(observed(
                        member,
                        member.write(
                                content.edit().complete(true).build(),
                                member.root().durable())));
            } catch (IOException e) {
                throw Failures.io("filling " + member.ref() + " as " + other, e);
            }
        });
    }

    private Rendering rendering(Member member, MemberRecord content) {
        return new Rendering(
                content.directories(),
                content.ports(),
                Path.of(content.softwareHome()),
                settings.listen(),
                machine.runAs(),
                new Neighbours(member.ref()));
    }

    /** Members are on one machine: who listens everywhere is reached, and reaches others, through the loopback. */
    private final class Neighbours implements Peers {
        private final MemberRef asking;

        Neighbours(MemberRef asking) {
            this.asking = asking;
        }

        @Override
        public String address(String member) {
            return switch (settings.listen()) {
                case "0.0.0.0", "*" -> "127.0.0.1";
                case "::" -> "::1";
                default -> settings.listen();
            };
        }

        @Override
        public int port(String member, String port) {
            return member(new MemberRef(asking.tenant(), asking.instance(), member))
                    .read()
                    .map(r -> r.ports().get(port))
                    .orElseThrow(() -> Peers.unprepared(asking, member, "port " + port));
        }
    }

    @Override
    public ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        Member member = memberFor(workload);
        return exclusively(member, () -> {
            MemberRecord content = admit(member, epoch)
                    .filter(MemberRecord::complete)
                    .orElseThrow(() -> Failures.of(
                            ErrorCode.PROVIDER_FAILED, member.ref() + " cannot be started before it is prepared"));
            try {
                machine.preparation().makeDirectories(content, true);
                return started(member, content, workload, timeout);
            } catch (IOException e) {
                throw Failures.io("starting " + member.ref(), e);
            }
        });
    }

    private ObservedMember started(Member member, MemberRecord before, MemberWorkload workload, Duration timeout)
            throws IOException {
        MemberRecord content = before;
        Ticker.Deadline deadline = machine.ticker().in(timeout);
        for (int tries = 1; ; tries++) {
            content = limited(member, content, workload);
            Optional<Processes.Failure> failure = startOnce(member, content, workload, deadline.left());
            if (failure.isEmpty()) {
                member.noteReady();
                if (content.fenced()) {
                    content = member.write(content.edit().fenced(false).build(), false);
                }
                return observed(member, content);
            }
            Processes.Failure why = failure.get();
            if (why.code() == ErrorCode.TIMEOUT) {
                throw Failures.of(why.code(), why.message());
            }
            machine.processes()
                    .endAll(
                            member,
                            content,
                            Optional.of(workload),
                            Optional.of(rendering(member, content)),
                            Processes.Ending.KILLED,
                            SHORT_GRACE);
            if (why.takenPort().isPresent() && !member.everReady() && tries < PORT_TRIES && !deadline.passed()) {
                content = otherPort(member, content, workload, why.takenPort().get());
            } else {
                if (why.code() == ErrorCode.PROVIDER_FAILED) {
                    machine.shelf().check(machine.shelf().find(workload.software(), content.softwareKey()), true);
                }
                throw Failures.of(why.code(), why.message());
            }
        }
    }

    private Optional<Processes.Failure> startOnce(
            Member member, MemberRecord content, MemberWorkload workload, Duration timeout) {
        Map<String, Running> alive = machine.processes().alive(member, content);
        Rendering rendering = rendering(member, content);
        Processes.Before before = machine.processes().before(member, content);
        String mainName = workload.processes().get(0).name();
        boolean mainRan = alive.containsKey(mainName);
        for (ProcessSpec process : workload.processes()) {
            if (!alive.containsKey(process.name())) {
                Running running = machine.processes().spawn(member, content, process, rendering);
                watchEnd(member, process.name(), running);
            }
        }
        Running main = Objects.requireNonNull(member.running.get(mainName));
        if (mainRan && machine.processes().ready(member, content, Optional.empty())) {
            return Optional.empty();
        }
        Optional<Processes.Failure> failure = machine.processes().awaitReady(member, content, main, before, timeout);
        if (failure.isEmpty()) {
            member.lastEnd = "";
            member.readyIncarnation =
                    main.identity().map(Launcher.Identity::incarnation).orElse("");
        }
        return failure;
    }

    private MemberRecord limited(Member member, MemberRecord content, MemberWorkload workload) throws IOException {
        int cpuMillis = workload.resources().cpuMillis();
        long memory = workload.resources().memory().bytes();
        String group = member.root().group(member.ref().externalName());
        machine.cgroups().limit(group, cpuMillis, memory);
        MemberRecord limited = content.limited(workload.resources())
                .edit()
                .cgroups(machine.cgroups().directories(group))
                .build();
        return limited.equals(content) ? content : member.write(limited, false);
    }

    /** Gives a member that was never ready another number: nobody can know the first one yet. */
    private MemberRecord otherPort(Member member, MemberRecord content, MemberWorkload workload, String name)
            throws IOException {
        int taken = Objects.requireNonNull(content.ports().get(name));
        Map<String, Integer> ports = new LinkedHashMap<>(content.ports());
        // Under another name, or it would find the claim it already has.
        ports.put(name, machine.ports().claim(member.home(), name + "-" + taken));
        log.info("Port {} of {} is taken; it gets {}", taken, member.ref(), ports.get(name));
        MemberRecord moved = describe(member, content.edit().ports(ports).build(), workload);
        member.write(moved, member.root().durable());
        machine.ports().release(taken, member.home());
        machine.preparation().writeFiles(moved, workload, rendering(member, moved));
        return moved;
    }

    @Override
    public ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        Member member = member(workload.ref());
        return exclusively(member, () -> {
            Optional<MemberRecord> content = admit(member, epoch);
            if (content.isEmpty()) {
                return observe(workload.ref());
            }
            end(
                    member,
                    content.get(),
                    Optional.of(workload),
                    mode == StopMode.KILL ? Processes.Ending.KILLED : Processes.Ending.GENTLE,
                    Duration.ofDays(1));
            return observed(member, content.get());
        });
    }

    private void end(
            Member member,
            MemberRecord content,
            Optional<MemberWorkload> workload,
            Processes.Ending ending,
            Duration longestGrace) {
        machine.processes()
                .endAll(member, content, workload, workload.map(w -> rendering(member, content)), ending, longestGrace);
        for (String group : content.cgroups()) {
            removeGroup(Path.of(group));
        }
    }

    /** A group stays busy for a moment after its last process was reaped. */
    private void removeGroup(Path group) {
        Ticker.Deadline deadline = machine.ticker().in(Duration.ofSeconds(2));
        while (!Cgroups.removeIfEmpty(group)) {
            if (deadline.passed()) {
                log.warn("The control group {} is still busy; it is removed at the next start", group);
                return;
            }
            machine.ticker().pause(Duration.ofMillis(1));
        }
    }

    @Override
    public void fence(MemberRef ref, Epoch epoch) {
        Member member = member(ref);
        exclusively(member, () -> {
            admit(member, epoch).ifPresent(content -> {
                MemberRecord fenced = content.fenced()
                        ? content
                        : member.write(
                                content.edit().fenced(true).build(),
                                member.root().durable());
                end(member, fenced, Optional.empty(), Processes.Ending.KILLED, SHORT_GRACE);
            });
            return true;
        });
    }

    @Override
    public ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        Member member = member(workload.ref());
        MemberRecord content = admit(member, epoch)
                .filter(MemberRecord::complete)
                .orElseThrow(() -> Failures.of(ErrorCode.PROVIDER_FAILED, member.ref() + " is not prepared"));
        Rendering rendering = rendering(member, content);
        return machine.commands()
                .run(
                        rendering.argv(command.argv()),
                        rendering.environment(command.environment()),
                        command.stdin(),
                        command.timeout(),
                        Path.of("/"));
    }

    @Override
    public void resize(MemberRef ref, Resources resources, Epoch epoch) {
        Member member = member(ref);
        exclusively(member, () -> {
            MemberRecord content = present(member, epoch);
            if (!machine.processes().alive(member, content).isEmpty()) {
                if (!capabilities.contains(Capability.RESIZE_IN_PLACE)) {
                    throw Failures.runs(ref);
                }
                try {
                    machine.cgroups()
                            .limit(
                                    member.root().group(ref.externalName()),
                                    resources.cpuMillis(),
                                    resources.memory().bytes());
                } catch (IOException e) {
                    throw Failures.io("changing the limits of " + ref, e);
                }
            }
            return member.write(content.limited(resources), member.root().durable());
        });
    }

    @Override
    public void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        Member member = member(ref);
        exclusively(
                member,
                () -> member.write(
                        present(member, epoch).grown(directory, size),
                        member.root().durable()));
    }

    private MemberRecord present(Member member, Epoch epoch) {
        return admit(member, epoch)
                .orElseThrow(() -> Failures.of(ErrorCode.PROVIDER_FAILED, member.ref() + " does not exist here"));
    }

    @Override
    public List<String> logs(MemberRef ref, int lines) {
        Member member = member(ref);
        Optional<MemberRecord> content = member.read();
        if (content.isEmpty()) {
            return List.of();
        }
        try {
            List<Path> files = new ArrayList<>();
            for (MemberRecord.ProcessEntry process : content.get().processes()) {
                Path output = member.output(process.name());
                files.add(output.resolveSibling(output.getFileName() + ".1"));
                files.add(output);
            }
            files.addAll(logFiles(content.get()));
            return MemberLog.tail(files, lines);
        } catch (IOException e) {
            throw Failures.io("reading the log of " + ref, e);
        }
    }

    /** The engine's own log files, oldest first. */
    private static List<Path> logFiles(MemberRecord content) throws IOException {
        List<Path> files = new ArrayList<>();
        for (String name : content.logDirectories()) {
            Path directory = Path.of(content.directories().getOrDefault(name, ""));
            if (Files.isDirectory(directory)) {
                try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
                    all.forEach(files::add);
                }
            }
        }
        Map<Path, java.nio.file.attribute.FileTime> written = new HashMap<>();
        for (Path file : files) {
            written.put(file, Files.getLastModifiedTime(file, java.nio.file.LinkOption.NOFOLLOW_LINKS));
        }
        files.sort(java.util.Comparator.comparing(written::get));
        return files;
    }

    @Override
    public MemberMetrics metrics(MemberRef ref) {
        Member member = member(ref);
        Optional<MemberRecord> content = member.read();
        if (content.isEmpty()) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, ref + " does not exist here");
        }
        long ticks = 0;
        long memory = 0;
        for (Running process : machine.processes().alive(member, content.get()).values()) {
            for (ProcFs.Stat stat : machine.proc().tree(process.pid())) {
                ticks += stat.cpuTicks();
                memory += machine.proc().proportionalMemory(stat.pid()).orElse(stat.residentPages() * 4096);
            }
        }
        return new MemberMetrics(ProcFs.ticks(ticks), DataSize.bytes(memory), storage(member));
    }

    private static Optional<DataSize> storage(Member member) {
        try (var files = Files.walk(member.home())) {
            long bytes = 0;
            int counted = 0;
            for (var i = files.iterator(); i.hasNext(); ) {
                Path file = i.next();
                if (++counted > FILES_COUNTED) {
                    return Optional.empty();
                }
                bytes += (Long) Files.getAttribute(file, "size", java.nio.file.LinkOption.NOFOLLOW_LINKS);
            }
            return Optional.of(DataSize.bytes(bytes));
        } catch (IOException | java.io.UncheckedIOException e) {
            // Files come and go while a database runs; then this time it could not be told cheaply.
            return Optional.empty();
        }
    }

    private void discard(Member member, MemberRecord content) {
        end(member, content, Optional.empty(), Processes.Ending.DISCARDING, SHORT_GRACE);
    }

    @Override
    public void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        Member member = member(ref);
        exclusively(member, () -> {
            Optional<MemberRecord> content = admit(member, epoch);
            boolean everything = mode == DestroyMode.EVERYTHING;
            if (everything) {
                if (member.root().durable()) {
                    rememberDestroyed(member, epoch);
                }
                content.ifPresent(c -> discard(member, c));
                remove(member, content);
            } else {
                content.ifPresent(c -> end(member, c, Optional.empty(), Processes.Ending.GENTLE, Duration.ofDays(1)));
            }
            return true;
        });
    }

    /** Takes away directories, ports and groups. The home goes first: without it, what is left counts as nobody's. */
    private void remove(Member member, Optional<MemberRecord> content) {
        String name = member.ref().externalName();
        try {
            if (Files.exists(member.home())) {
                machine.preparation().giveBack(member);
                discard(member, member.home());
            }
            Disk.deleteTree(member.root().run(name));
            content.ifPresent(
                    c -> c.ports().values().forEach(p -> machine.ports().release(p, member.home())));
            member.forget();
            members.remove(name, member);
        } catch (IOException e) {
            throw Failures.io("removing " + member.ref(), e);
        }
    }

    /** Moves a directory out of the way by one rename; it is removed when there is time. */
    private void discard(Member member, Path directory) throws IOException {
        Path trash = member.root().trash();
        Disk.makeDirectories(trash, 0711);
        Files.move(
                directory,
                trash.resolve(member.ref().externalName() + "-"
                        + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet()),
                StandardCopyOption.ATOMIC_MOVE);
        machine.keeper().rubbish(trash);
    }

    /** Stops every member, however many tenants they belong to; answers how many there were. */
    int stopMembers() {
        int stopped = 0;
        for (Member member : members.values()) {
            boolean ran = exclusively(member, () -> {
                Optional<MemberRecord> content = member.read();
                content.ifPresent(
                        c -> end(member, c, Optional.empty(), Processes.Ending.GENTLE, Duration.ofMinutes(1)));
                return content.isPresent();
            });
            stopped += ran ? 1 : 0;
        }
        return stopped;
    }

    @Override
    public void close() {
        watch.close();
        for (Member member : members.values()) {
            if (!member.root().durable()) {
                try {
                    member.read().ifPresent(c -> discard(member, c));
                    remove(member, member.read());
                } catch (ProviderException e) {
                    log.warn("Ending {}: {}", member.ref(), e.getMessage());
                }
            }
        }
        machine.close();
    }
}
