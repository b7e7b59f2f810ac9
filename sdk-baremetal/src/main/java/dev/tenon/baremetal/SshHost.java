package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.baremetal.internal.ssh.HostLink;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.MemberMetrics;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.ProcessSpec;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Stop;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The verbs of a delivery on one host that is reached over SSH; see {@link dev.tenon.spi.delivery.DeliveryDriver}. */
final class SshHost implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SshHost.class);
    private static final Duration LOOK = Duration.ofSeconds(10);
    /** For what flushes disks or copies a data directory. */
    private static final Duration WORK = Duration.ofMinutes(3);

    private static final Duration UPLOAD = Duration.ofMinutes(15);
    private static final Duration SHORT_GRACE = Duration.ofSeconds(2);
    private static final Duration SLICE = Duration.ofSeconds(5);
    private static final int PORT_TRIES = 16;
    private static final int TIMED_OUT = 124;

    private final HostSpec spec;
    private final Setup setup;
    private final HostLink link;
    private final Agent agent;
    private final Tunnels.Way sockets = this::socket;
    private final AtomicLong counter = new AtomicLong();
    private final Set<String> installed = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Adopted adopted;

    /**
     * What all hosts of a delivery share.
     *
     * @param id the delivery's name
     * @param runAs user whom members run as
     */
    record Setup(
            String id,
            String runAs,
            int firstPort,
            int lastPort,
            List<Path> software,
            Uploads uploads,
            Tunnels tunnels,
            Ticker ticker,
            Clock clock,
            RandomGenerator random,
            Function<MemberRef, Optional<Peer>> peers) {
        String base() {
            return Agent.BASE + "/" + id;
        }

        String runs() {
            return "/run/tenon/" + id;
        }
    }

    /** Where a member is, for the others of its instance. */
    record Peer(HostSpec host, Map<String, Integer> ports) {}

    /** What is known of the host since it was last reached. */
    record Adopted(HostFacts facts, RunAs runAs, List<SoftwareShelf.Build> builds, boolean forwards) {}

    SshHost(HostSpec spec, Setup setup, HostLink link) {
        this.spec = spec;
        this.setup = setup;
        this.link = link;
        this.agent = new Agent(link, !spec.user().equals("root"));
    }

    HostSpec spec() {
        return spec;
    }

    Location location() {
        return new Location(spec.zone(), spec.name());
    }

    // ---- the host

    /**
     * Connects and makes the host ready for members: asks what it is, refuses what cannot work, makes the directories and the user.
     *
     * @throws ProviderException {@code HOST_KEY_MISMATCH}, {@code PROVIDER_UNAVAILABLE}, {@code PROVIDER_FAILED} with all that it lacks
     */
    HostFacts adopt() {
        agent.install(LOOK);
        HostFacts facts = facts();
        List<String> lacks = new ArrayList<>(facts.lacks());
        boolean forwards = link.hasUnixSockets();
        if (!forwards && agent.call(LOOK, "relays").exit() != 0) {
            lacks.add(
                    "an SSH server that forwards Unix sockets, as that of OpenSSH does, or the program socat in its stead");
        }
        if (!lacks.isEmpty()) {
            throw Failures.of(
                    ErrorCode.PROVIDER_FAILED,
                    "the host " + link.target() + " cannot carry members; it lacks " + String.join(", ", lacks));
        }
        String[] ids = agent.must(LOOK, "adopt", setup.base(), setup.runs(), setup.runAs())
                .text()
                .strip()
                .split(" ");
        RunAs runAs = new RunAs(
                new RunAs.User(setup.runAs(), Integer.parseInt(ids[0]), Integer.parseInt(ids[1])),
                new RunAs.User(spec.user(), 0, 0),
                Optional.empty());
        adopted = new Adopted(facts, runAs, builds(facts), forwards);
        return facts;
    }

    private HostFacts facts() {
        long asked = setup.clock().millis();
        String printed = agent.must(LOOK, "facts", Agent.BASE).text();
        return HostFacts.parse(printed, asked, setup.clock().millis());
    }

    /** Connects to a socket of a member. */
    private HostLink.Stream socket(String path) {
        return adopted().forwards() ? link.unixSocket(path) : agent.talk("relay", path);
    }

    /** Makes the next call look at the host anew: its connection was lost, so that it may have been started anew meanwhile. */
    void forget() {
        adopted = null;
        link.cut();
    }

    private Adopted adopted() {
        Adopted known = adopted;
        if (known == null) {
            adopt();
            known = Objects.requireNonNull(adopted);
        }
        return known;
    }

    /** Returns what the host has, asked now. */
    HostFacts freshFacts() {
        adopted();
        return facts();
    }

    private List<SoftwareShelf.Build> builds(HostFacts facts) {
        List<SoftwareShelf.Build> found = new ArrayList<>();
        String archive = SoftwareShelf.archiveName(
                "linux", facts.architecture(), facts.system().startsWith("Alpine"));
        try {
            for (SoftwareShelf.Found each : SoftwareShelf.archives(archive, setup.software())) {
                SoftwareShelf.named(each).ifPresent(found::add);
            }
        } catch (IOException e) {
            throw Failures.io("looking for database software", e);
        }
        for (HostFacts.Installed package_ : facts.installed()) {
            SoftwareShelf.version(package_.version())
                    .filter(v -> v[0] >= SoftwareShelf.OLDEST_INSTALLED)
                    .ifPresent(v -> found.add(new SoftwareShelf.Build(
                            EngineId.POSTGRESQL,
                            v[0],
                            v[1],
                            "installed: " + package_.home(),
                            2,
                            new SoftwareShelf.Origin.Installed(Path.of(package_.home())))));
        }
        found.sort(SoftwareShelf.BEST_FIRST);
        return List.copyOf(found);
    }

    List<SoftwareShelf.Build> builds() {
        return adopted().builds();
    }

    private SoftwareShelf.Build build(Software software, String key) {
        List<SoftwareShelf.Build> builds = builds();
        return builds.stream()
                .filter(b -> b.key().equals(key))
                .findFirst()
                .orElseGet(() -> SoftwareShelf.find(builds, software, "the host " + spec.name()));
    }

    private static String shelf() {
        return Agent.BASE + "/software";
    }

    /** Returns where a build's programs are, sent and unpacked now if they are not there. */
    private Path home(SoftwareShelf.Build build) {
        if (build.origin() instanceof SoftwareShelf.Origin.Installed distribution) {
            return distribution.home();
        }
        Path home = Path.of(shelf(), build.key());
        if (installed.contains(build.key())) {
            return home;
        }
        Agent.Reply seen = agent.call(LOOK, "software", shelf(), build.key());
        if (seen.exit() == Agent.ABSENT) {
            Uploads.Upload upload = setup.uploads().of(build, (SoftwareShelf.Origin.Archive) build.origin());
            agent.must(
                    UPLOAD,
                    out -> Files.copy(upload.file(), out),
                    "install",
                    shelf(),
                    build.key(),
                    upload.sha256(),
                    upload.size());
            log.info("Installed {} {} on the host {}", build.engine(), build.number(), spec.name());
        } else if (seen.exit() != 0) {
            throw agent.failed("looking for software", seen.exit(), seen.complaint());
        }
        installed.add(build.key());
        return home;
    }

    /** A program that failed for no reason of its own may be damaged; then that is the cause to tell. */
    private void suspect(SoftwareShelf.Build build) {
        if (build.origin() instanceof SoftwareShelf.Origin.Archive) {
            Agent.Reply reply = agent.call(WORK, "verify", shelf(), build.key());
            if (reply.exit() == Agent.CORRUPT) {
                installed.remove(build.key());
                throw agent.failed("verify", reply.exit(), reply.complaint());
            }
        }
    }

    // ---- looking

    private String homeOf(MemberRef ref) {
        return setup.base() + "/members/" + ref.externalName();
    }

    private String runOf(MemberRef ref) {
        return setup.runs() + "/" + ref.externalName();
    }

    /** Looks at the members of these external names, or at all members if none is given. */
    List<Sight> scan(Collection<String> names) {
        adopted();
        List<Object> words = new ArrayList<>();
        words.add(setup.base() + "/members");
        words.addAll(names);
        return Sight.parse(agent.must(LOOK, "scan", words.toArray()).lines());
    }

    private Optional<Sight> look(MemberRef ref) {
        return scan(List.of(ref.externalName())).stream().findFirst();
    }

    /** Reads what the watch says until the connection ends; each line names a member of which something ended, or is empty. */
    HostLink.Stream watch() {
        return agent.stream("watch", setup.base() + "/members");
    }

    ObservedMember observe(MemberRef ref) {
        return look(ref).map(sight -> observed(ref, sight)).orElseGet(() -> ObservedMember.absent(ref));
    }

    ObservedMember observed(MemberRef ref, Sight sight) {
        ObservedMember.Builder seen = ObservedMember.builder().ref(ref);
        if (sight.damage().isPresent()) {
            return seen.state(MemberState.UNKNOWN).reason(sight.damage().get()).build();
        }
        if (sight.record().isEmpty()) {
            return seen.state(MemberState.INCOMPLETE).build();
        }
        MemberRecord content = sight.record().get();
        seen.location(location()).ports(content.ports()).address(spec.clientAddress());
        if (!content.complete()) {
            return seen.state(MemberState.INCOMPLETE).build();
        }
        if (!content.adminSocket().isEmpty()) {
            seen.admin(new AdminAddress.Unix(setup.tunnels().to(ref.externalName(), sockets, content.adminSocket())));
        }
        Sight.Alive main = sight.alive().get(sight.main());
        if (main == null) {
            seen.state(MemberState.STOPPED);
            if (sight.ended().contains(sight.main())) {
                seen.reason(sight.main() + " ended unasked. Its last lines: " + printed(ref, sight.main()));
            }
            return seen.build();
        }
        boolean ready = main.ready() || says(content);
        List<String> missing = content.missing(sight.alive().keySet());
        if (!missing.isEmpty()) {
            seen.reason("not running: " + missing);
        }
        seen.state(ready && missing.isEmpty() ? MemberState.RUNNING : MemberState.STARTING)
                .incarnation(sight.incarnation(main))
                .restartPending(content.staleIncarnation().equals(sight.incarnation(main)))
                .startedAt(Instant.ofEpochSecond(main.since()));
        return seen.build();
    }

    /** Whether the member's own command says that it is ready; false if it has none. */
    private boolean says(MemberRecord content) {
        MemberRecord.ReadyEntry ready = content.ready();
        if (ready.command().isEmpty()) {
            return false;
        }
        ExecResult result = run(ready.command(), Map.of(), new byte[0], Duration.ofSeconds(5));
        return result.exitCode() == 0 && result.stdout().contains(ready.line());
    }

    private String printed(MemberRef ref, String process) {
        List<String> lines = agent.must(LOOK, "printed", homeOf(ref), process).lines();
        return lines.isEmpty()
                ? "(none)"
                : String.join(" | ", lines.stream().map(String::strip).toList());
    }

    // ---- programs

    /** Names something that must not be done twice. */
    private String id() {
        return Long.toHexString(setup.random().nextLong()) + "-" + counter.incrementAndGet();
    }

    /** Runs a program as the members' user, once, even if the connection is lost meanwhile. */
    private ExecResult run(List<String> argv, Map<String, String> environment, byte[] input, Duration timeout) {
        RunAs.User user = adopted().runAs().user();
        List<Object> words = new ArrayList<>(List.of(
                setup.base(),
                id(),
                user.uid(),
                user.gid(),
                Math.max(1, (timeout.toMillis() + 999) / 1000),
                input.length));
        environment.forEach((name, value) -> words.add(name + "=" + value));
        words.addAll(argv);
        Agent.Reply reply =
                agent.call(timeout.plus(SLICE.multipliedBy(3)), out -> out.write(input), "run", words.toArray());
        if (reply.exit() != 0) {
            throw agent.failed(argv.get(0), reply.exit(), reply.complaint());
        }
        byte[] all = reply.output();
        int head = 0;
        while (all[head] != '\n') {
            head++;
        }
        String[] numbers = new String(all, 0, head, StandardCharsets.US_ASCII).split(" ");
        int status = Integer.parseInt(numbers[0]);
        int length = Integer.parseInt(numbers[1]);
        if (status == TIMED_OUT) {
            throw Failures.of(ErrorCode.TIMEOUT, argv.get(0) + " did not end within " + timeout + " and was killed");
        }
        return new ExecResult(
                status,
                new String(all, head + 1, length, StandardCharsets.UTF_8),
                new String(all, head + 1 + length, all.length - head - 1 - length, StandardCharsets.UTF_8));
    }

    private ExecResult run(Command command, Rendering rendering) {
        return run(
                rendering.argv(command.argv()),
                rendering.environment(command.environment()),
                command.stdin()
                        .map(s -> s.<byte[]>reveal(text -> text.getBytes(StandardCharsets.UTF_8)))
                        .orElse(new byte[0]),
                command.timeout());
    }

    ExecResult runTool(Software software, Command command) {
        SoftwareShelf.Build build = SoftwareShelf.find(builds(), software, "the host " + spec.name());
        ExecResult result = run(command, rendering(Map.of(), Map.of(), home(build), Peers.NONE));
        if (SoftwareShelf.suspicious(result)) {
            suspect(build);
        }
        return result;
    }

    private Rendering rendering(
            Map<String, String> directories, Map<String, Integer> ports, Path softwareHome, Peers peers) {
        return new Rendering(
                directories, ports, softwareHome, spec.listen(), adopted().runAs(), peers, program -> true);
    }

    private Rendering rendering(MemberRecord content) {
        return rendering(
                content.directories(), content.ports(), Path.of(content.softwareHome()), new Neighbours(content));
    }

    /** Members are on several hosts and reach each other through the network. */
    private final class Neighbours implements Peers {
        /** No connection comes from the broadcast address. */
        private static final String NOWHERE = "255.255.255.255/32";

        private final MemberRecord asking;

        Neighbours(MemberRecord asking) {
            this.asking = asking;
        }

        private Optional<Peer> peer(String member) {
            return member.equals(asking.member())
                    ? Optional.of(new Peer(spec, asking.ports()))
                    : setup.peers().apply(new MemberRef(asking.tenant(), asking.instance(), member));
        }

        @Override
        public String address(String member) {
            return peer(member)
                    .map(p -> p.host().memberAddress())
                    .orElseThrow(() -> Peers.unprepared(asking.ref(), member, "address"));
        }

        @Override
        public int port(String member, String port) {
            return peer(member)
                    .map(p -> p.ports().get(port))
                    .orElseThrow(() -> Peers.unprepared(asking.ref(), member, "port " + port));
        }

        /** One that is not placed yet may come from anywhere later, but from nowhere now. */
        @Override
        public String source(String member) {
            return peer(member).map(p -> Peers.block(p.host().memberAddress())).orElse(NOWHERE);
        }
    }

    // ---- prepare

    ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        MemberRef ref = workload.ref();
        Optional<MemberRecord> seen = look(ref).flatMap(Sight::record);
        if (seen.isPresent() && seen.get().complete()) {
            agent.must(WORK, "admit", homeOf(ref), epoch.value());
            extend(workload, seen.get(), epoch);
        } else {
            fresh(workload, seen, epoch);
        }
        return observe(ref);
    }

    /** Makes a member of which nothing or only half exists. Nothing of it ever ran, so that starting over loses nothing. */
    private void fresh(MemberWorkload workload, Optional<MemberRecord> seen, Epoch epoch) {
        MemberRef ref = workload.ref();
        SoftwareShelf.Build build = SoftwareShelf.find(builds(), workload.software(), "the host " + spec.name());
        Path softwareHome = home(build);
        agent.must(WORK, "begin", homeOf(ref), epoch.value(), runOf(ref));
        MemberRecord started = MemberRecord.fresh(ref, false, homeOf(ref), epoch.value())
                .edit()
                .softwareKey(build.key())
                .softwareHome(softwareHome.toString())
                .ports(seen.map(MemberRecord::ports).orElse(Map.of()))
                .build();
        try {
            MemberRecord content = describe(claimPorts(started, workload), workload);
            write(content, epoch);
            try {
                initialise(content, workload, epoch);
            } catch (ProviderException e) {
                if (e.code() == ErrorCode.PROVIDER_FAILED) {
                    suspect(build);
                }
                throw e;
            }
            writeFiles(content, workload.files(), epoch);
            // What is still to be filled is not complete: preparing it again starts over, which loses nothing.
            write(content.edit().complete(workload.filled().isEmpty()).build(), epoch);
        } catch (RuntimeException e) {
            abandon(ref, epoch);
            throw e;
        }
    }

    /** Takes back what a failed prepare made; if even that fails, the next prepare does it. */
    private void abandon(MemberRef ref, Epoch epoch) {
        try {
            destroy(ref, epoch, DestroyMode.EVERYTHING);
        } catch (ProviderException e) {
            log.warn("Left half made on {}: {}: {}", spec.name(), ref, e.getMessage());
        }
    }

    private MemberRecord claimPorts(MemberRecord content, MemberWorkload workload) {
        List<String> wanted = workload.ports().stream()
                .map(Port::name)
                .filter(name -> !content.ports().containsKey(name))
                .toList();
        return wanted.isEmpty() ? content : claim(content, wanted);
    }

    /** Claims a number for each name; a name may carry a suffix after {@code /} that tells its claim from an earlier one. */
    private MemberRecord claim(MemberRecord content, List<String> names) {
        List<Object> words = new ArrayList<>(List.of(
                Agent.BASE + "/ports",
                content.home(),
                setup.firstPort(),
                setup.lastPort(),
                Math.floorMod((content.home() + names.get(0)).hashCode(), setup.lastPort() - setup.firstPort() + 1)));
        words.addAll(names);
        Map<String, Integer> ports = new LinkedHashMap<>(content.ports());
        for (String line : agent.must(WORK, "claim", words.toArray()).lines()) {
            String[] f = line.split(" ");
            ports.put(f[0].split("/")[0], Integer.parseInt(f[1]));
        }
        return content.edit().ports(ports).build();
    }

    private MemberRecord describe(MemberRecord content, MemberWorkload workload) {
        return Description.of(content, workload, content.home(), runOf(workload.ref()), List.of(), this::rendering);
    }

    private void write(MemberRecord content, Epoch epoch) {
        try {
            ByteArrayOutputStream text = new ByteArrayOutputStream();
            text.write(Member.json(content));
            text.write(shape(content).getBytes(StandardCharsets.UTF_8));
            agent.must(WORK, text::writeTo, "record", content.home(), epoch.value());
        } catch (IOException e) {
            throw Failures.io("describing " + content.ref(), e);
        }
    }

    /** Returns what the host itself reads of a record, line by line after the first. */
    static String shape(MemberRecord content) {
        StringBuilder lines = new StringBuilder("\n");
        content.processes().forEach(p -> line(lines, "process", p.name()));
        MemberRecord.ReadyEntry ready = content.ready();
        if (!ready.file().isEmpty()) {
            line(lines, "probe-file", ready.file());
            line(lines, "probe-line", ready.line());
        } else if (ready.port() > 0) {
            line(lines, "probe-port", Integer.toString(ready.port()));
        } else if (ready.command().isEmpty()) {
            line(lines, "always", "yes");
        }
        return lines.toString();
    }

    private static void line(StringBuilder lines, String key, String value) {
        if (value.indexOf('\n') >= 0) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, key + " of a member holds a line feed");
        }
        lines.append(key).append(' ').append(value).append('\n');
    }

    private void initialise(MemberRecord content, MemberWorkload workload, Epoch epoch) {
        List<InitialiseStep> shared = Templates.shared(workload);
        if (!shared.isEmpty()) {
            List<String> parts =
                    shared.stream().map(InitialiseStep::directory).distinct().toList();
            String template = template(content, shared, parts);
            List<Object> words = new ArrayList<>(List.of(content.home(), epoch.value(), template));
            words.addAll(parts);
            agent.must(WORK, "clone", words.toArray());
        }
        directories(content, epoch, false);
        Rendering rendering = rendering(content);
        for (InitialiseStep step : workload.initialise()
                .subList(shared.size(), workload.initialise().size())) {
            writeFiles(content, step.inputs(), epoch);
            try {
                step(step, rendering);
            } finally {
                discard(content, step.inputs(), epoch);
            }
        }
    }

    /** Returns where the outcome of the steps that all members share lies, made now if the host has none. */
    private String template(MemberRecord content, List<InitialiseStep> steps, List<String> parts) {
        RunAs runAs = adopted().runAs();
        String templates = setup.base() + "/templates";
        String key = Templates.key(content.softwareKey(), runAs, steps);
        String fresh = "new-" + Long.toHexString(setup.random().nextLong());
        List<Object> words = new ArrayList<>(
                List.of(templates, key, fresh, runAs.user().uid(), runAs.user().gid()));
        words.addAll(parts);
        if (agent.must(WORK, "model", words.toArray()).text().isEmpty()) {
            Map<String, String> directories = new HashMap<>();
            parts.forEach(part -> directories.put(part, templates + "/" + fresh + "/" + part));
            Rendering rendering = rendering(directories, Map.of(), Path.of(content.softwareHome()), Peers.NONE);
            steps.forEach(step -> step(step, rendering));
            agent.must(WORK, "publish", templates, key, fresh);
            log.info("Prepared the template {} on the host {}", key, spec.name());
        }
        return templates + "/" + key;
    }

    private void step(InitialiseStep step, Rendering rendering) {
        Templates.requireDone(
                step,
                run(step.command(), rendering),
                " on the host " + spec.name(),
                () -> agent.call(LOOK, "exists", Templates.made(step, rendering))
                                .exit()
                        == 0);
    }

    /** @param expected whether only what a restart of the host may lose can be missing */
    private void directories(MemberRecord content, Epoch epoch, boolean expected) {
        RunAs.User user = adopted().runAs().user();
        List<Object> words = new ArrayList<>(List.of(content.home(), epoch.value(), user.uid(), user.gid()));
        for (String path : content.directories().values()) {
            boolean lasting = path.startsWith(content.home() + "/");
            // Who logs in without being root reaches the socket as himself; the server asks the kernel who he is.
            words.add(lasting || spec.user().equals("root") ? "700" : "711");
            words.add(expected && lasting ? "yes" : "no");
            words.add(path);
        }
        List<String> wrong = agent.must(WORK, "directories", words.toArray()).lines();
        if (!wrong.isEmpty()) {
            throw Failures.of(
                    wrong.get(0).startsWith("missing") ? ErrorCode.PROVIDER_FAILED : ErrorCode.WRONG_OWNER,
                    content.ref() + " on the host " + spec.name() + ": " + String.join("; ", wrong)
                            + ". Put it right, or restore the instance from a backup.");
        }
    }

    private Set<FileSpec.OnChange> writeFiles(MemberRecord content, List<FileSpec> files, Epoch epoch) {
        Set<FileSpec.OnChange> changes = EnumSet.noneOf(FileSpec.OnChange.class);
        if (files.isEmpty()) {
            return changes;
        }
        RunAs.User user = adopted().runAs().user();
        Rendering rendering = rendering(content);
        List<Object> words = new ArrayList<>(List.of(content.home(), epoch.value(), user.uid(), user.gid()));
        ByteArrayOutputStream contents = new ByteArrayOutputStream();
        for (FileSpec file : files) {
            byte[] bytes = rendering.text(file.content()).getBytes(StandardCharsets.UTF_8);
            words.addAll(List.of(content.target(file), Integer.toOctalString(file.mode()), bytes.length));
            contents.writeBytes(bytes);
        }
        List<String> answers =
                agent.must(WORK, contents::writeTo, "files", words.toArray()).lines();
        for (int i = 0; i < files.size(); i++) {
            if (answers.get(i).equals("changed")) {
                changes.add(files.get(i).onChange());
            }
        }
        return changes;
    }

    private void discard(MemberRecord content, List<FileSpec> files, Epoch epoch) {
        if (!files.isEmpty()) {
            RunAs.User user = adopted().runAs().user();
            List<Object> words = new ArrayList<>(List.of(content.home(), epoch.value(), user.uid(), user.gid()));
            files.forEach(file -> words.add(content.target(file)));
            agent.must(LOOK, "discard", words.toArray());
        }
    }

    /** Brings a prepared member up to what the workload says now. */
    private MemberRecord extend(MemberWorkload workload, MemberRecord content, Epoch epoch) {
        SoftwareShelf.Build build = build(workload.software(), content.softwareKey());
        MemberRecord wanted = describe(
                claimPorts(
                        content.edit()
                                .epoch(epoch.value())
                                .softwareKey(build.key())
                                .softwareHome(home(build).toString())
                                .build(),
                        workload),
                workload);
        directories(wanted, epoch, true);
        Set<FileSpec.OnChange> changes = writeFiles(wanted, workload.files(), epoch);
        if (!changes.isEmpty()) {
            Optional<Sight> sight = look(workload.ref());
            Sight.Alive main = sight.map(s -> s.alive().get(s.main())).orElse(null);
            if (sight.isPresent() && main != null) {
                if (changes.contains(FileSpec.OnChange.RELOAD)
                        && workload.reload().isPresent()) {
                    tell(wanted, sight.get().main(), workload.reload().get(), epoch);
                }
                if (changes.contains(FileSpec.OnChange.RESTART)) {
                    wanted = wanted.edit()
                            .staleIncarnation(sight.get().incarnation(main))
                            .build();
                }
            }
        }
        if (!wanted.equals(content)) {
            write(wanted, epoch);
        }
        return wanted;
    }

    /** Tells a process to do something, by its command or its signal. */
    private void tell(MemberRecord content, String process, Stop how, Epoch epoch) {
        if (how.command().isPresent()) {
            run(how.command().get(), rendering(content));
        } else {
            agent.must(LOOK, "tell", content.home(), epoch.value(), process, how.signal());
        }
    }

    ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        MemberRef ref = workload.ref();
        MemberRecord content = present(ref, epoch);
        RunAs.User user = adopted().runAs().user();
        String id = id();
        AtomicReference<@Nullable IOException> unsent = new AtomicReference<>();
        try {
            Agent.Reply laid = agent.once(
                    UPLOAD,
                    out -> {
                        try {
                            Filling.copy(tar, out);
                        } catch (IOException e) {
                            unsent.set(e);
                            throw e;
                        }
                    },
                    "fill",
                    content.home(),
                    epoch.value(),
                    user.uid(),
                    user.gid(),
                    directory,
                    id);
            if (laid.exit() != 0) {
                throw agent.failed("filling " + directory + " of " + ref, laid.exit(), laid.complaint());
            }
        } catch (UncheckedIOException e) {
            throw Failures.io("reading what is to fill " + directory + " of " + ref, e);
        }
        IOException lost = unsent.get();
        if (lost != null) {
            // Whoever unpacks a stream that ends between two files cannot know that there was more.
            throw Failures.io("filling " + directory + " of " + ref + " on the host " + spec.name(), lost);
        }
        // From here to the last line a crash leaves it incomplete, and it is filled anew.
        MemberRecord half = content.edit().complete(false).build();
        write(half, epoch);
        agent.must(WORK, "take", content.home(), epoch.value(), directory, id, setup.base() + "/trash");
        writeFiles(half, workload.files(), epoch);
        write(half.edit().complete(true).build(), epoch);
        return observe(ref);
    }

    // ---- start and stop

    ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        MemberRef ref = workload.ref();
        MemberRecord content = look(ref)
                .flatMap(Sight::record)
                .filter(MemberRecord::complete)
                .orElseThrow(
                        () -> Failures.of(ErrorCode.PROVIDER_FAILED, ref + " cannot be started before it is prepared"));
        Ticker.Deadline deadline = setup.ticker().in(timeout);
        directories(content, epoch, true);
        for (int tries = 1; ; tries++) {
            Optional<Processes.Failure> failure = startOnce(workload, content, epoch, deadline);
            if (failure.isEmpty()) {
                MemberRecord now = content.limited(workload.resources())
                        .edit()
                        .fenced(false)
                        .build();
                if (!now.equals(content)) {
                    write(now, epoch);
                }
                return observe(ref);
            }
            Processes.Failure why = failure.get();
            if (why.code() == ErrorCode.TIMEOUT) {
                throw Failures.of(why.code(), why.message());
            }
            endAll(content, Optional.empty(), epoch, Processes.Ending.KILLED, SHORT_GRACE);
            if (why.takenPort().isPresent() && !everReady(content) && tries < PORT_TRIES && !deadline.passed()) {
                content = otherPort(content, workload, why.takenPort().get(), epoch);
            } else {
                if (why.code() == ErrorCode.PROVIDER_FAILED) {
                    suspect(build(workload.software(), content.softwareKey()));
                }
                throw Failures.of(why.code(), why.message());
            }
        }
    }

    private boolean units() {
        return adopted().facts().units();
    }

    /** Returns how much of the host's processors a member may use as systemd counts it, at least one hundredth of one. */
    private static int hundredths(Resources resources) {
        return (resources.cpuMillis() + 9) / 10;
    }

    private Optional<Processes.Failure> startOnce(
            MemberWorkload workload, MemberRecord content, Epoch epoch, Ticker.Deadline deadline) {
        RunAs.User user = adopted().runAs().user();
        Rendering rendering = rendering(content);
        for (ProcessSpec process : workload.processes()) {
            MemberRecord.ProcessEntry entry = content.process(process.name());
            List<Object> words =
                    new ArrayList<>(List.of(content.home() + "/" + process.name() + ".run", user.uid(), user.gid()));
            rendering.environment(process.environment()).forEach((name, value) -> words.add(name + "=" + value));
            words.addAll(rendering.argv(process.argv()));
            byte[] launch = Agent.head("launch", words.toArray());
            agent.must(
                    WORK,
                    out -> out.write(launch),
                    "start",
                    content.home(),
                    epoch.value(),
                    process.name(),
                    launch.length,
                    units() ? hundredths(workload.resources()) : 0,
                    workload.resources().memory().bytes(),
                    runOf(content.ref()),
                    entry.signal(),
                    (entry.graceMillis() + 999) / 1000);
        }
        String main = workload.processes().get(0).name();
        while (true) {
            Duration left = deadline.left().compareTo(SLICE) < 0 ? deadline.left() : SLICE;
            String state = agent.must(left.plus(LOOK), "await", content.home(), main, Math.max(1, left.toMillis() / 10))
                    .text()
                    .strip();
            if (state.equals("ready") || state.equals("waiting") && says(content)) {
                return Optional.empty();
            }
            if (state.equals("ended")) {
                return Optional.of(whyEnded(content, main));
            }
            if (deadline.passed()) {
                return Optional.of(new Processes.Failure(
                        ErrorCode.TIMEOUT,
                        content.ref() + " on the host " + spec.name()
                                + " was not ready in time; it still runs. Its last lines: "
                                + printed(content.ref(), main),
                        Optional.empty()));
            }
        }
    }

    private Processes.Failure whyEnded(MemberRecord content, String main) {
        String words = printed(content.ref(), main);
        for (Map.Entry<String, Integer> port : content.ports().entrySet()) {
            String holder = agent.must(LOOK, "holder", port.getValue()).text().strip();
            if (!holder.isEmpty()) {
                return new Processes.Failure(
                        ErrorCode.PORT_TAKEN,
                        "port " + port.getValue() + " of " + content.ref() + " on the host " + spec.name()
                                + " is taken by " + holder + ". End that process, or let it use another port.",
                        Optional.of(port.getKey()));
            }
        }
        return new Processes.Failure(
                Failures.saysDiskFull(words) ? ErrorCode.DISK_FULL : ErrorCode.PROVIDER_FAILED,
                main + " of " + content.ref() + " on the host " + spec.name()
                        + " ended before it was ready. Its last lines: " + words,
                Optional.empty());
    }

    private boolean everReady(MemberRecord content) {
        return agent.call(LOOK, "exists", content.home() + "/ready-once").exit() == 0;
    }

    /** Gives a member that was never ready another number: nobody can know the first one yet. */
    private MemberRecord otherPort(MemberRecord content, MemberWorkload workload, String name, Epoch epoch) {
        int taken = Objects.requireNonNull(content.ports().get(name));
        MemberRecord moved = describe(claim(content, List.of(name + "/" + taken)), workload);
        log.info(
                "Port {} of {} on {} is taken; it gets {}",
                taken,
                content.ref(),
                spec.name(),
                moved.ports().get(name));
        write(moved, epoch);
        agent.must(LOOK, "release", Agent.BASE + "/ports", content.home(), taken);
        writeFiles(moved, workload.files(), epoch);
        return moved;
    }

    ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        MemberRef ref = workload.ref();
        Optional<MemberRecord> content = look(ref).flatMap(Sight::record);
        if (content.isPresent()) {
            agent.must(WORK, "admit", content.get().home(), epoch.value());
            endAll(
                    content.get(),
                    Optional.of(workload),
                    epoch,
                    mode == StopMode.KILL ? Processes.Ending.KILLED : Processes.Ending.GENTLE,
                    Duration.ofDays(1));
        }
        return observe(ref);
    }

    /** Ends all processes of a member, last started first. */
    private void endAll(
            MemberRecord content,
            Optional<MemberWorkload> workload,
            Epoch epoch,
            Processes.Ending ending,
            Duration longestGrace) {
        List<MemberRecord.ProcessEntry> order = new ArrayList<>(content.processes());
        Collections.reverse(order);
        for (MemberRecord.ProcessEntry entry : order) {
            boolean killed = ending == Processes.Ending.KILLED;
            Duration grace =
                    killed ? Duration.ZERO : Duration.ofMillis(Math.min(entry.graceMillis(), longestGrace.toMillis()));
            Optional<Command> command = ending == Processes.Ending.GENTLE
                    ? workload.flatMap(w -> w.processes().stream()
                            .filter(p -> p.name().equals(entry.name()))
                            .findFirst()
                            .flatMap(p -> p.stop().command()))
                    : Optional.empty();
            command.ifPresent(c -> run(c, rendering(content)));
            String signal = ending == Processes.Ending.DISCARDING ? entry.discard() : entry.signal();
            Agent.Reply reply = agent.must(
                    grace.plus(WORK),
                    "end",
                    content.home(),
                    epoch.value(),
                    entry.name(),
                    killed || command.isPresent() ? "" : signal,
                    grace.toMillis() / 10);
            if (!killed && !reply.text().isBlank()) {
                log.warn(
                        "{} of {} on {} did not end within {} and was killed",
                        entry.name(),
                        content.ref(),
                        spec.name(),
                        grace);
            }
        }
    }

    void fence(MemberRef ref, Epoch epoch) {
        look(ref).flatMap(Sight::record).ifPresent(content -> {
            agent.must(WORK, "admit", content.home(), epoch.value());
            if (!content.fenced()) {
                write(content.edit().fenced(true).build(), epoch);
            }
            endAll(content, Optional.empty(), epoch, Processes.Ending.KILLED, SHORT_GRACE);
        });
    }

    // ---- beside

    private MemberRecord present(MemberRef ref, Epoch epoch) {
        MemberRecord content = look(ref)
                .flatMap(Sight::record)
                .orElseThrow(() -> Failures.of(ErrorCode.PROVIDER_FAILED, ref + " does not exist here"));
        agent.must(WORK, "admit", content.home(), epoch.value());
        return content;
    }

    ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        MemberRecord content = present(workload.ref(), epoch);
        if (!content.complete()) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, workload.ref() + " is not prepared");
        }
        return run(command, rendering(content));
    }

    void resize(MemberRef ref, Resources resources, Epoch epoch) {
        MemberRecord content = present(ref, epoch);
        if (look(ref).filter(s -> !s.alive().isEmpty()).isPresent()) {
            limit(content, resources, epoch);
        }
        write(content.limited(resources), epoch);
    }

    /** Changes the limits of a member that runs, if it was started as a unit. */
    private void limit(MemberRecord content, Resources resources, Epoch epoch) {
        Agent.Reply reply = agent.call(
                LOOK,
                "limit",
                content.home(),
                epoch.value(),
                content.processes().get(0).name(),
                hundredths(resources),
                resources.memory().bytes());
        if (reply.exit() == Agent.ABSENT) {
            throw Failures.runs(content.ref());
        }
        if (reply.exit() != 0) {
            throw agent.failed("changing the limits of " + content.ref(), reply.exit(), reply.complaint());
        }
    }

    void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        write(present(ref, epoch).grown(directory, size), epoch);
    }

    List<String> logs(MemberRef ref, int lines) {
        Optional<MemberRecord> content = look(ref).flatMap(Sight::record);
        if (content.isEmpty()) {
            return List.of();
        }
        RunAs.User user = adopted().runAs().user();
        String logs = content.get().logDirectories().isEmpty()
                ? ""
                : content.get()
                        .directories()
                        .getOrDefault(content.get().logDirectories().get(0), "");
        List<Object> words = new ArrayList<>(List.of(user.uid(), user.gid(), lines, homeOf(ref), logs));
        content.get().processes().forEach(p -> words.add(p.name()));
        return agent.must(LOOK, "lines", words.toArray()).lines();
    }

    MemberMetrics metrics(MemberRef ref) {
        MemberRecord content = look(ref)
                .flatMap(Sight::record)
                .orElseThrow(() -> Failures.of(ErrorCode.PROVIDER_FAILED, ref + " does not exist here"));
        List<Object> words = new ArrayList<>(List.of(content.home()));
        content.processes().forEach(p -> words.add(p.name()));
        List<String> lines = agent.must(LOOK, "usage", words.toArray()).lines();
        long[] used = Arrays.stream(lines.get(0).split(" "))
                .mapToLong(Long::parseLong)
                .toArray();
        return new MemberMetrics(
                Duration.ofMillis(used[0] * 1000 / used[2]),
                DataSize.bytes(used[1] * used[3]),
                lines.size() > 1 ? Optional.of(DataSize.bytes(Long.parseLong(lines.get(1)))) : Optional.empty());
    }

    void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        boolean everything = mode == DestroyMode.EVERYTHING;
        Optional<MemberRecord> content = look(ref).flatMap(Sight::record);
        if (content.isPresent()) {
            agent.must(WORK, "admit", content.get().home(), epoch.value());
            endAll(
                    content.get(),
                    Optional.empty(),
                    epoch,
                    everything ? Processes.Ending.DISCARDING : Processes.Ending.GENTLE,
                    everything ? SHORT_GRACE : Duration.ofDays(1));
        }
        if (everything) {
            List<Object> words = new ArrayList<>(
                    List.of(homeOf(ref), epoch.value(), runOf(ref), setup.base() + "/trash", Agent.BASE + "/ports"));
            content.ifPresent(c -> words.addAll(c.ports().values()));
            agent.must(WORK, "destroy", words.toArray());
            setup.tunnels().end(ref.externalName());
        }
    }

    @Override
    public void close() {
        link.close();
    }
}
