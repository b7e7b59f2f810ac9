package dev.tenon.testkit.sim;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
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
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A delivery whose members exist in a {@link SimulatedPlace} only. Keeps every promise of {@link DeliveryDriver}: epochs, ports
 * that stay, every {@link MemberState}, data that survives stopping and {@link DestroyMode#KEEP_DATA}.
 */
public final class SimulatedDelivery implements DeliveryDriver {
    private final String id;
    private final SimulatedPlace place;
    private volatile @Nullable Consumer<MemberRef> wake;
    private volatile boolean closed;
    private final Set<MemberRef> inProgress = ConcurrentHashMap.newKeySet();

    private SimulatedDelivery(String id, SimulatedPlace place) {
        this.id = id;
        this.place = place;
    }

    /** Returns a driver named {@code sim} on a place. */
    public static SimulatedDelivery on(SimulatedPlace place) {
        return named("sim", place);
    }

    /** Returns a driver on a place. */
    public static SimulatedDelivery named(String id, SimulatedPlace place) {
        return new SimulatedDelivery(id, place);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public void start(DeliveryContext context) {
        Consumer<MemberRef> listener = context.wake();
        wake = listener;
        place.subscribe(listener);
    }

    @Override
    public Set<Capability> capabilities() {
        return place.capabilities();
    }

    @Override
    public PlaceCapacity capacity() {
        open();
        return new PlaceCapacity(place.hosts());
    }

    @Override
    public List<SoftwareOffer> software() {
        return SimulatedEngine.VERSIONS.stream()
                .map(v -> new SoftwareOffer(new Software(SimulatedEngine.SIMDB, v), v + ".1", "simulated"))
                .toList();
    }

    @Override
    public ExecResult runTool(Software software, Command command) {
        open();
        if (!software.engine().equals(SimulatedEngine.SIMDB)
                || !SimulatedEngine.VERSIONS.contains(software.version())) {
            throw new ProviderException(
                    ErrorCode.SOFTWARE_MISSING, software.engine() + " " + software.version() + " is not here");
        }
        place.pass("runTool");
        List<String> argv = command.argv().stream()
                .map(t -> t.render(part -> "/opt/" + software.engine()))
                .toList();
        if (argv.equals(SimulatedEngine.DESCRIBE)) {
            return new ExecResult(0, SimulatedEngine.PARAMETERS_TEXT, "");
        }
        return new ExecResult(127, "", "no such program: " + argv.get(0));
    }

    @Override
    public List<MemberRef> members() {
        open();
        return place.members();
    }

    @Override
    public ObservedMember observe(MemberRef ref) {
        open();
        Optional<SimulatedMember> found = place.find(ref);
        if (found.isEmpty()) {
            return ObservedMember.absent(ref);
        }
        SimulatedMember m = found.get();
        synchronized (m) {
            if (m.gone) {
                return ObservedMember.absent(ref);
            }
            if (m.unreachable) {
                return ObservedMember.builder()
                        .ref(ref)
                        .state(MemberState.UNKNOWN)
                        .reason("unreachable")
                        .build();
            }
            return describe(m);
        }
    }

    @Override
    public ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        open();
        require(workload.ephemeral() ? Capability.EPHEMERAL : Capability.DURABLE);
        if (!workload.placement().apartFrom().isEmpty()) {
            require(Capability.SEVERAL_HOSTS);
        }
        if (!software(workload.software())) {
            throw new ProviderException(
                    ErrorCode.SOFTWARE_MISSING,
                    workload.software().engine() + " " + workload.software().version() + " is not here");
        }
        if (epoch.value() < place.destroyedUnder(workload.ref())) {
            throw fenced(workload.ref(), epoch, place.destroyedUnder(workload.ref()));
        }
        return verb(workload.ref(), "prepare", () -> {
            while (true) {
                SimulatedMember m = place.memberOrNew(workload.ref());
                Optional<ObservedMember> done = changing(m, epoch, () -> prepare(m, workload));
                if (done.isPresent()) {
                    return done.get();
                }
            }
        });
    }

    private ObservedMember prepare(SimulatedMember m, MemberWorkload workload) {
        boolean fresh = m.location == null;
        if (fresh) {
            m.madeBy = this;
            m.ephemeral = workload.ephemeral();
            try {
                place.place(m, workload);
            } catch (ProviderException e) {
                place.remove(m);
                throw e;
            }
        } else if (!m.running) {
            place.resize(m, withStorage(workload.resources(), storage(m, workload.resources())));
        }
        place.assignPorts(m, workload.ports().stream().map(Port::name).toList());
        m.directories = workload.directories().stream().map(Directory::name).collect(Collectors.toUnmodifiableSet());
        m.adminPort = workload.adminRoutes().stream()
                .filter(AdminRoute.TcpPort.class::isInstance)
                .map(r -> ((AdminRoute.TcpPort) r).port())
                .findFirst()
                .orElse("");
        Map<String, SimulatedMember.StoredFile> files = new TreeMap<>();
        for (FileSpec file : workload.files()) {
            String content = place.shared(file.content().render(part -> fill(m, part)));
            files.put(
                    place.shared(file.directory() + "/" + file.path()),
                    new SimulatedMember.StoredFile(content, file.secret(), file.onChange()));
        }
        m.files = Map.copyOf(files);
        m.prepared = true;
        if (m.data == null && workload.filled().isEmpty()) {
            m.data = new SimulatedData(SimulatedEngine.platformPassword(m.files));
        }
        if (m.running) {
            m.reload();
        }
        return describe(m);
    }

    @Override
    public ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        SimulatedMember m = existing(workload.ref());
        return verb(workload.ref(), "start", () -> changing(m, epoch, () -> {
                    SimulatedData data = m.data;
                    if (!m.prepared || data == null) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, m.ref + " is not prepared");
                    }
                    if (!m.running || !m.ready) {
                        if (place.portTaken(m.ref)) {
                            m.reason = "address already in use";
                            throw new ProviderException(
                                    ErrorCode.PORT_TAKEN, "another program has a port of " + m.ref + ": " + m.ports);
                        }
                        m.running = true;
                        m.ready = true;
                        m.startedAt = place.clock().instant();
                        m.incarnation = place.nextIncarnation();
                        m.reason = null;
                        m.load();
                        data.standby |= !workload.filled().isEmpty();
                    }
                    m.fenced = false;
                    return describe(m);
                })
                .orElseThrow(() -> absent(workload.ref())));
    }

    @Override
    public ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        open();
        Optional<SimulatedMember> found = place.find(workload.ref());
        if (found.isEmpty()) {
            return ObservedMember.absent(workload.ref());
        }
        SimulatedMember m = found.get();
        return verb(workload.ref(), "stop", () -> changing(m, epoch, () -> {
                    m.processesGone(null);
                    return describe(m);
                })
                .orElseGet(() -> ObservedMember.absent(workload.ref())));
    }

    @Override
    public void fence(MemberRef ref, Epoch epoch) {
        open();
        place.find(ref)
                .ifPresent(m -> verb(
                        ref,
                        "fence",
                        () -> changing(m, epoch, () -> {
                            m.processesGone("fenced");
                            m.fenced = true;
                            return m;
                        })));
    }

    @Override
    public ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        require(Capability.EXEC);
        SimulatedMember m = existing(workload.ref());
        String line = verb(workload.ref(), "exec", () -> changing(m, epoch, () -> command.argv().stream()
                        .map(t -> t.render(part -> fill(m, part)))
                        .collect(Collectors.joining(" ")))
                .orElseThrow(() -> absent(workload.ref())));
        return new ExecResult(0, line + "\n", "");
    }

    @Override
    public void resize(MemberRef ref, Resources resources, Epoch epoch) {
        SimulatedMember m = existing(ref);
        verb(ref, "resize", () -> changing(m, epoch, () -> {
                    if (m.running) {
                        require(Capability.RESIZE_IN_PLACE);
                    }
                    place.resize(m, withStorage(resources, storage(m, resources)));
                    return m;
                })
                .orElseThrow(() -> absent(ref)));
    }

    @Override
    public void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        SimulatedMember m = existing(ref);
        verb(ref, "growVolume", () -> changing(m, epoch, () -> {
                    if (!m.directories.contains(directory)) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, ref + " has no directory " + directory);
                    }
                    Resources now = Objects.requireNonNull(m.resources);
                    if (size.compareTo(now.storage()) < 0) {
                        throw new ProviderException(
                                ErrorCode.SHRINK_UNSUPPORTED, size + " is less than the present " + now.storage());
                    }
                    place.resize(m, withStorage(now, size));
                    return m;
                })
                .orElseThrow(() -> absent(ref)));
    }

    @Override
    public List<String> logs(MemberRef ref, int lines) {
        if (lines < 1 || lines > 10_000) {
            throw new InvalidSpecException("lines", lines + "; expected 1 to 10000");
        }
        ObservedMember seen = observe(ref);
        List<String> all = seen.state() == MemberState.RUNNING
                ? List.of("simdb starts", "simdb is ready")
                : seen.state() == MemberState.STOPPED ? List.of("simdb starts", "simdb ended") : List.of();
        return all.subList(Math.max(0, all.size() - lines), all.size());
    }

    @Override
    public MemberMetrics metrics(MemberRef ref) {
        SimulatedMember m = existing(ref);
        synchronized (m) {
            Instant since = m.startedAt;
            Duration up = since == null
                    ? Duration.ZERO
                    : Duration.between(since, place.clock().instant());
            return new MemberMetrics(
                    m.busy ? up : up.dividedBy(100),
                    since == null ? DataSize.bytes(0) : DataSize.mib(16),
                    Optional.of(DataSize.mib(40)));
        }
    }

    @Override
    public void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        open();
        place.find(ref)
                .ifPresent(m -> verb(
                        ref,
                        "destroy",
                        () -> changing(m, epoch, () -> {
                            m.processesGone(null);
                            if (mode == DestroyMode.EVERYTHING) {
                                place.remove(m);
                            }
                            return m;
                        })));
    }

    @Override
    public void giveUp(MemberRef ref, Epoch epoch) {
        require(Capability.GIVE_UP);
        open();
        place.find(ref)
                .ifPresent(m -> verb(ref, "giveUp", () -> {
                    synchronized (m) {
                        if (epoch.value() < m.epoch) {
                            throw fenced(ref, epoch, m.epoch);
                        }
                        if (!m.gone) {
                            m.epoch = epoch.value();
                            if (m.unreachable) {
                                place.leave(m);
                            } else {
                                m.processesGone(null);
                            }
                            place.remove(m);
                            place.changed();
                        }
                        return m;
                    }
                }));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Consumer<MemberRef> listener = wake;
            if (listener != null) {
                place.unsubscribe(listener);
            }
            endEphemeral();
        }
    }

    /** Ends what ends with a control plane's process, as the operating system does when it is killed; nothing else is tidied. */
    public void processDied() {
        close();
    }

    private void endEphemeral() {
        for (MemberRef ref : place.members()) {
            place.find(ref).ifPresent(m -> {
                synchronized (m) {
                    if (m.ephemeral && m.madeBy == this && !m.gone) {
                        m.processesGone(null);
                        place.remove(m);
                        place.changed();
                    }
                }
            });
        }
    }

    /** Runs a changing verb, notes it if another of this driver's callers is in one for the same member, and takes its time. */
    private <T> T verb(MemberRef ref, String verb, Supplier<T> body) {
        boolean first = inProgress.add(ref);
        if (!first) {
            place.overlap(ref, verb);
        }
        try {
            T answer = body.get();
            place.pass(verb);
            return answer;
        } finally {
            if (first) {
                inProgress.remove(ref);
            }
        }
    }

    /** Carries a change out under the member's lock; empty if the member went meanwhile. */
    private <T> Optional<T> changing(SimulatedMember m, Epoch epoch, Supplier<T> change) {
        synchronized (m) {
            if (m.gone) {
                return Optional.empty();
            }
            if (m.unreachable) {
                throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, m.ref + " is unreachable");
            }
            if (epoch.value() < m.epoch) {
                throw fenced(m.ref, epoch, m.epoch);
            }
            m.epoch = epoch.value();
            place.changed();
            return Optional.of(change.get());
        }
    }

    private ObservedMember describe(SimulatedMember m) {
        MemberState state = !m.prepared || m.data == null
                ? MemberState.INCOMPLETE
                : !m.running ? MemberState.STOPPED : m.ready ? MemberState.RUNNING : MemberState.STARTING;
        ObservedMember.Builder seen = ObservedMember.builder()
                .ref(m.ref)
                .state(state)
                .ports(m.ports)
                .restartPending(m.restartPending())
                .startedAt(Optional.ofNullable(m.startedAt))
                .reason(Optional.ofNullable(m.reason));
        Location location = m.location;
        if (location != null) {
            seen.location(location).address(place.address(location));
        }
        if (m.running) {
            seen.incarnation(Long.toString(m.incarnation));
            Integer port = m.ports.get(m.adminPort);
            if (location != null && port != null) {
                seen.admin(new AdminAddress.Tcp(place.address(location), port));
            }
        }
        return seen.build();
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        open();
        require(Capability.FILL);
        SimulatedMember m = existing(workload.ref());
        if (!workload.filled().contains(directory)) {
            throw new InvalidSpecException("directory", directory + "; expected one of " + workload.filled());
        }
        SimulatedData copied = copied(workload.ref(), tar);
        return verb(workload.ref(), "fill", () -> changing(m, epoch, () -> {
                    if (m.running) {
                        throw new ProviderException(ErrorCode.PROVIDER_FAILED, m.ref + " runs");
                    }
                    m.data = copied;
                    return describe(m);
                })
                .orElseThrow(() -> absent(workload.ref())));
    }

    @Override
    public Optional<ObservedMember> fillAlike(MemberWorkload workload, MemberRef other, Epoch epoch) {
        open();
        Optional<SimulatedMember> found = place.find(workload.ref()).filter(m -> m.prepared);
        Optional<SimulatedData> began =
                place.find(other).flatMap(o -> Optional.ofNullable(o.data)).filter(data -> !data.filled);
        if (found.isEmpty() || began.isEmpty() || workload.filled().isEmpty()) {
            return Optional.empty();
        }
        SimulatedMember m = found.get();
        return verb(workload.ref(), "fillAlike", () -> changing(m, epoch, () -> {
                    if (m.data != null) {
                        return Optional.<ObservedMember>empty();
                    }
                    m.data = began.get().alike();
                    return Optional.of(describe(m));
                })
                .orElseThrow(() -> absent(workload.ref())));
    }

    /** The archive of a simulated engine names the member whose data it stands for; any other is laid out nowhere. */
    private SimulatedData copied(MemberRef ref, InputStream archive) {
        try {
            TarArchiveInputStream tar = new TarArchiveInputStream(archive);
            String from = "";
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (!entry.isFile() && !entry.isDirectory() || entry.getName().contains("..")) {
                    throw new ProviderException(
                            ErrorCode.PROVIDER_FAILED,
                            "the archive holds " + entry.getName() + ", which is no plain file");
                }
                if (entry.getName().equals("member")) {
                    from = new String(tar.readAllBytes(), StandardCharsets.UTF_8);
                }
            }
            archive.transferTo(OutputStream.nullOutputStream());
            if (from.isEmpty()) {
                return new SimulatedData("").copied();
            }
            SimulatedData data = existing(new MemberRef(ref.tenant(), ref.instance(), from)).data;
            return Objects.requireNonNull(data).copied();
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the archive cannot be read: " + e.getMessage(), e);
        }
    }

    private boolean software(Software software) {
        return software.engine().equals(SimulatedEngine.SIMDB) && SimulatedEngine.VERSIONS.contains(software.version());
    }

    private String fill(SimulatedMember m, Template.Part part) {
        if (part instanceof Template.Literal literal) {
            return literal.text();
        } else if (part instanceof Template.DirectoryPath directory) {
            return "/sim/" + m.ref.externalName() + "/" + directory.directory();
        } else if (part instanceof Template.PortNumber port) {
            return String.valueOf(m.ports.get(port.port()));
        } else if (part instanceof Template.SoftwareHome) {
            return "/opt/simdb";
        } else if (part instanceof Template.ListenAddress) {
            return "0.0.0.0";
        } else if (part instanceof Template.RunAsUser || part instanceof Template.OperatorUser) {
            return "simdb";
        } else if (part instanceof Template.PeerAddress peer) {
            return peer.member();
        } else if (part instanceof Template.PeerSource peer) {
            return peer.member();
        } else if (part instanceof Template.PeerPort peer) {
            SimulatedMember other = place.find(new MemberRef(m.ref.tenant(), m.ref.instance(), peer.member()))
                    .orElse(m);
            return String.valueOf(other.ports.get(peer.port()));
        }
        throw new IllegalStateException("unknown part of a template");
    }

    private SimulatedMember existing(MemberRef ref) {
        open();
        return place.find(ref).orElseThrow(() -> absent(ref));
    }

    private void open() {
        if (closed) {
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "the delivery is closed");
        }
    }

    private void require(Capability capability) {
        if (!place.capabilities().contains(capability)) {
            throw new ProviderException(ErrorCode.UNSUPPORTED, "this place cannot do " + capability);
        }
    }

    private static DataSize storage(SimulatedMember m, Resources wanted) {
        Resources now = m.resources;
        return now != null && now.storage().compareTo(wanted.storage()) > 0 ? now.storage() : wanted.storage();
    }

    private static Resources withStorage(Resources resources, DataSize storage) {
        return new Resources(resources.cpus(), resources.memory(), storage);
    }

    private static ProviderException absent(MemberRef ref) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, ref + " does not exist");
    }

    private static ProviderException fenced(MemberRef ref, Epoch epoch, long highest) {
        return new ProviderException(
                ErrorCode.FENCED, "epoch " + epoch.value() + " for " + ref + " is older than " + highest);
    }
}
