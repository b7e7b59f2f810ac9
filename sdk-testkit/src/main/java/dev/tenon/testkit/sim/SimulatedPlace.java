package dev.tenon.testkit.sim;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The world that simulated drivers act on: hosts, ports, members and their data. It outlives the drivers, as real hosts outlive a
 * control plane's process, and several drivers may act on it at once. Tests look into it and break it. Thread-safe.
 */
public final class SimulatedPlace {
    /** A changing call that a control plane made while another of its own calls for the same member was in progress. */
    public record Overlap(MemberRef member, String verb) {}

    private static final int FIRST_PORT = 10_000;
    private static final int LAST_PORT = 65_535;

    private final Set<Capability> capabilities;
    private final Clock clock;
    private final Pause pause;
    private final Map<MemberRef, SimulatedMember> members = new ConcurrentHashMap<>();
    private final Map<MemberRef, SimulatedMember> left = new ConcurrentHashMap<>();
    private final Map<MemberRef, Long> destroyed = new ConcurrentHashMap<>();
    private final Map<MemberRef, Boolean> taken = new ConcurrentHashMap<>();
    private final Map<String, SimulatedMember> byAddress = new ConcurrentHashMap<>();
    private final Map<String, HostState> hosts = new LinkedHashMap<>();
    private final Map<String, String> texts = new ConcurrentHashMap<>();
    private final Map<String, Duration> latencies = new ConcurrentHashMap<>();
    private final List<Consumer<MemberRef>> wakes = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Overlap> overlaps = new ConcurrentLinkedQueue<>();
    private final AtomicLong incarnations = new AtomicLong();
    private final AtomicLong changes = new AtomicLong();

    private static final class HostState {
        final PlaceCapacity.Host host;
        final String address;
        final BitSet ports = new BitSet();
        int cursor = FIRST_PORT;
        long cpuMillis;
        long memory;
        long storage;

        HostState(PlaceCapacity.Host host, String address) {
            this.host = host;
            this.address = address;
        }
    }

    private SimulatedPlace(Builder builder) {
        capabilities = Set.copyOf(builder.capabilities);
        clock = builder.clock;
        pause = builder.pause;
        int number = 1;
        for (PlaceCapacity.Host host : builder.hosts) {
            hosts.put(host.location().host(), new HostState(host, "10.0.0." + number++));
        }
    }

    /** Returns a builder; not safe for use by several threads. */
    public static Builder builder() {
        return new Builder();
    }

    /** Returns a place of one large host that can do everything. */
    public static SimulatedPlace create() {
        return builder().build();
    }

    /** Builds a {@link SimulatedPlace}. */
    public static final class Builder {
        private Set<Capability> capabilities = EnumSet.allOf(Capability.class);
        private List<PlaceCapacity.Host> hosts = List.of(new PlaceCapacity.Host(
                new Location("zone-1", "host-1"),
                100_000_000,
                DataSize.gib(1_048_576),
                DataSize.gib(67_108_864),
                DataSize.gib(67_108_864)));
        private Clock clock = Clock.systemUTC();
        private Pause pause = Pause.REAL;

        Builder() {}

        /** Sets what the place can do; defaults to everything. */
        public Builder capabilities(Capability... capabilities) {
            this.capabilities = Set.of(capabilities);
            return this;
        }

        /** Takes one capability away. */
        public Builder without(Capability capability) {
            Set<Capability> left = EnumSet.allOf(Capability.class);
            left.retainAll(capabilities);
            left.remove(capability);
            capabilities = left;
            return this;
        }

        /** Sets the hosts; defaults to one large host. */
        public Builder hosts(PlaceCapacity.Host... hosts) {
            this.hosts = List.copyOf(Arrays.asList(hosts));
            return this;
        }

        /** Sets the clock of start times; defaults to the system's. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets how latencies pass; defaults to real time. */
        public Builder pause(Pause pause) {
            this.pause = pause;
            return this;
        }

        /** Returns the place. */
        public SimulatedPlace build() {
            return new SimulatedPlace(this);
        }
    }

    /** How a latency passes. */
    @FunctionalInterface
    public interface Pause {
        /** Waits in real time. */
        Pause REAL = duration -> new java.util.concurrent.CountDownLatch(1)
                .await(duration.toNanos(), java.util.concurrent.TimeUnit.NANOSECONDS);

        /** Blocks until the duration has passed. */
        @SuppressWarnings("ReturnValueIgnored")
        void pause(Duration duration) throws InterruptedException;
    }

    // ---- what tests see

    /** Returns every member that something exists of, in order of name. */
    public List<MemberRef> members() {
        return members.keySet().stream()
                .sorted(Comparator.comparing(MemberRef::externalName))
                .toList();
    }

    /** Returns the number of members whose main process runs. */
    public long running() {
        return members.values().stream()
                .filter(m -> {
                    synchronized (m) {
                        return m.running;
                    }
                })
                .count();
    }

    /** Returns whether a member's main process runs. */
    public boolean isRunning(MemberRef ref) {
        return inspect(ref, m -> m.running).orElse(false);
    }

    /** Returns the content of a file of a member, as it is on the disk. */
    public Optional<String> file(MemberRef ref, String directory, String path) {
        return inspect(ref, m -> Optional.ofNullable(m.files.get(directory + "/" + path))
                        .map(SimulatedMember.StoredFile::content))
                .flatMap(f -> f);
    }

    /** Returns the resources a member has. */
    public Optional<Resources> resources(MemberRef ref) {
        return inspect(ref, m -> Optional.ofNullable(m.resources)).flatMap(r -> r);
    }

    /** Returns whether an account with this password exists in a member's data. */
    public boolean canLogIn(MemberRef ref, String account, Secret password) {
        return inspect(ref, m -> {
                    SimulatedData.StoredAccount a = m.running && m.data != null ? m.data.accounts.get(account) : null;
                    return a != null && a.password.equals(password);
                })
                .orElse(false);
    }

    /** Returns the names of accounts in a member's data, running or not. */
    public List<String> accounts(MemberRef ref) {
        return inspect(ref, m -> m.data == null ? List.<String>of() : List.copyOf(m.data.accounts.keySet()))
                .orElse(List.of());
    }

    /** Returns how many ports are assigned on all hosts. */
    public int portsAssigned() {
        synchronized (hosts) {
            return hosts.values().stream().mapToInt(h -> h.ports.cardinality()).sum();
        }
    }

    /** Returns how many changes the place has seen; equal before and after means nothing was done. */
    public long changes() {
        return changes.get();
    }

    /** Returns calls that a control plane made for one member at the same time, which it must not. */
    public List<Overlap> overlaps() {
        return List.copyOf(overlaps);
    }

    /** Returns everything there is, as text to compare. Holds no secret. */
    public String dump() {
        StringBuilder out = new StringBuilder();
        for (MemberRef ref : members()) {
            inspect(ref, m -> out.append(ref)
                    .append(" prepared=")
                    .append(m.prepared)
                    .append(" running=")
                    .append(m.running)
                    .append(" fenced=")
                    .append(m.fenced)
                    .append(" ports=")
                    .append(new TreeMap<>(m.ports))
                    .append(" resources=")
                    .append(m.resources)
                    .append(" accounts=")
                    .append(m.data == null ? "-" : m.data.accounts.keySet())
                    .append(" databases=")
                    .append(m.data == null ? "-" : m.data.databases)
                    .append('\n'));
        }
        return out.toString();
    }

    // ---- how tests break it

    /** Ends a member's processes and tells the control planes. */
    public void kill(MemberRef ref) {
        killSilently(ref);
        wake(ref);
    }

    /** Ends a member's processes; only looking shows it. */
    public void killSilently(MemberRef ref) {
        change(ref, m -> m.processesGone("killed by signal 9"));
    }

    /** Makes a member (un)reachable: it is seen as {@code UNKNOWN}, and every verb fails; what runs goes on. */
    public void unreachable(MemberRef ref, boolean unreachable) {
        SimulatedMember given = unreachable ? null : left.remove(ref);
        if (given != null) {
            synchronized (given) {
                given.processesGone(null);
            }
        } else {
            change(ref, m -> m.unreachable = unreachable);
        }
    }

    /** Returns the members that were given up while they were unreachable and of which something is still there. */
    public Set<MemberRef> left() {
        return Set.copyOf(left.keySet());
    }

    /** Keeps what an unreachable member runs until it is reachable again. */
    void leave(SimulatedMember m) {
        left.put(m.ref, m);
    }

    /** Makes a running member answer no more without ending it. */
    public void hang(MemberRef ref) {
        change(ref, m -> m.ready = false);
    }

    /**
     * Makes a running member leave every session unanswered although its processes look well, until it answers again or is
     * restarted.
     *
     * @param busy whether it uses processor time meanwhile, as a slow one does and a hung one does not
     */
    public void silence(MemberRef ref, boolean busy) {
        change(ref, m -> {
            m.silent = true;
            m.busy = busy;
        });
    }

    /** Makes a silent member answer again. */
    public void answer(MemberRef ref) {
        change(ref, m -> m.silent = false);
    }

    /** Makes another program take the member's ports the next time it starts, until freed. */
    public void portTaken(MemberRef ref, boolean isTaken) {
        if (isTaken) {
            taken.put(ref, true);
        } else {
            taken.remove(ref);
        }
    }

    /** Makes a member look as if its preparation had been cut short. */
    public void halfMade(MemberRef ref) {
        change(ref, m -> {
            m.processesGone(null);
            m.prepared = false;
        });
    }

    /** Loses a member with everything it had, as a burnt host would. */
    public void lose(MemberRef ref) {
        change(ref, m -> {
            m.processesGone(null);
            remove(m);
        });
    }

    /** Makes a member no control plane asked for, as a lost one would have left it. */
    public void orphan(MemberRef ref) {
        SimulatedMember m = memberOrNew(ref);
        synchronized (m) {
            m.prepared = true;
            changes.incrementAndGet();
        }
    }

    /** Opens a client session in a running member; returns its number. */
    public long openSession(MemberRef ref, String account, String database) {
        return inspect(ref, m -> {
                    if (!m.running || m.data == null) {
                        throw new IllegalStateException("not running: " + ref);
                    }
                    return m.data.open(new Session(
                            0, account, database, Optional.of("10.9.9.9"), "test", "idle", clock.instant()));
                })
                .orElseThrow();
    }

    /** Sets how long a verb takes, such as {@code start}; it has its effect before the time passes. */
    public void latency(String verb, Duration duration) {
        latencies.put(verb, duration);
    }

    // ---- what drivers use

    Set<Capability> capabilities() {
        return capabilities;
    }

    Clock clock() {
        return clock;
    }

    boolean portTaken(MemberRef ref) {
        return taken.containsKey(ref);
    }

    void subscribe(Consumer<MemberRef> wake) {
        wakes.add(wake);
    }

    void unsubscribe(Consumer<MemberRef> wake) {
        wakes.remove(wake);
    }

    void wake(MemberRef ref) {
        wakes.forEach(w -> w.accept(ref));
    }

    void changed() {
        changes.incrementAndGet();
    }

    void overlap(MemberRef ref, String verb) {
        overlaps.add(new Overlap(ref, verb));
    }

    long nextIncarnation() {
        return incarnations.incrementAndGet();
    }

    /** One copy of equal texts: thousands of members of one size have the same files. */
    String shared(String text) {
        if (texts.size() > 10_000) {
            return text;
        }
        String first = texts.putIfAbsent(text, text);
        return first == null ? text : first;
    }

    void pass(String verb) {
        Duration duration = latencies.getOrDefault(verb, Duration.ZERO);
        if (duration.isZero()) {
            return;
        }
        try {
            pause.pause(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, verb + " was interrupted", e);
        }
    }

    Optional<SimulatedMember> find(MemberRef ref) {
        return Optional.ofNullable(members.get(ref));
    }

    SimulatedMember memberOrNew(MemberRef ref) {
        return members.computeIfAbsent(ref, r -> {
            SimulatedMember m = new SimulatedMember(r);
            m.epoch = destroyed.getOrDefault(r, 0L);
            return m;
        });
    }

    long destroyedUnder(MemberRef ref) {
        return destroyed.getOrDefault(ref, 0L);
    }

    Optional<SimulatedMember> at(String host, int port) {
        return Optional.ofNullable(byAddress.get(host + ":" + port));
    }

    List<PlaceCapacity.Host> hosts() {
        synchronized (hosts) {
            return hosts.values().stream()
                    .map(h -> new PlaceCapacity.Host(
                            h.host.location(),
                            h.host.cpuMillis(),
                            h.host.memory(),
                            DataSize.bytes(Math.max(0, h.host.storage().bytes() - h.storage)),
                            h.host.storageInAll()))
                    .toList();
        }
    }

    String address(Location location) {
        synchronized (hosts) {
            return host(location).address;
        }
    }

    /** Returns who runs, follows a member and belongs to its instance. */
    List<ReplicationStatus.Standby> followers(MemberRef leader) {
        List<ReplicationStatus.Standby> followers = new ArrayList<>();
        for (SimulatedMember other : members.values()) {
            synchronized (other) {
                SimulatedData data = other.data;
                boolean follows = other.ref.instance().equals(leader.instance())
                        && other.running
                        && other.ready
                        && !other.silent
                        && data != null
                        && data.standby
                        && SimulatedEngine.lines(other.loaded, SimulatedEngine.FOLLOW_FILE)
                                .equals(List.of(leader.member()));
                if (follows) {
                    followers.add(new ReplicationStatus.Standby(
                            other.ref.member(), "streaming", "quorum", 1, 1, Optional.of(Duration.ZERO)));
                }
            }
        }
        return followers;
    }

    /** Chooses a host and reserves the room; caller holds the member. */
    void place(SimulatedMember m, MemberWorkload workload) {
        Resources wanted = workload.resources();
        List<String> apart = new ArrayList<>();
        for (String other : workload.placement().apartFrom()) {
            SimulatedMember o = members.get(new MemberRef(m.ref.tenant(), m.ref.instance(), other));
            Location where = o == null ? null : o.location;
            if (where != null) {
                apart.add(where.host());
            }
        }
        synchronized (hosts) {
            for (HostState h : hosts.values()) {
                boolean zoneFits = workload.placement()
                        .zone()
                        .map(z -> z.equals(h.host.location().zone()))
                        .orElse(true);
                if (zoneFits && !apart.contains(h.host.location().host()) && fits(h, wanted)) {
                    book(h, wanted, 1);
                    m.location = h.host.location();
                    m.resources = wanted;
                    return;
                }
            }
        }
        throw new ProviderException(
                ErrorCode.CAPACITY_EXCEEDED,
                "no host has room for " + wanted.cpus() + " processors, " + wanted.memory() + " memory and "
                        + wanted.storage() + " storage");
    }

    /** Books a new size for a placed member; caller holds it. */
    void resize(SimulatedMember m, Resources wanted) {
        Location location = m.location;
        Resources before = m.resources;
        if (location == null || before == null || before.equals(wanted)) {
            m.resources = wanted;
            return;
        }
        synchronized (hosts) {
            HostState h = host(location);
            book(h, before, -1);
            if (!fits(h, wanted)) {
                book(h, before, 1);
                throw new ProviderException(
                        ErrorCode.CAPACITY_EXCEEDED, "host " + location.host() + " has no room for the new size");
            }
            book(h, wanted, 1);
        }
        m.resources = wanted;
    }

    /** Assigns ports to a placed member; caller holds it. */
    void assignPorts(SimulatedMember m, List<String> names) {
        Location location = Objects.requireNonNull(m.location);
        if (m.ports.keySet().containsAll(names)) {
            return;
        }
        Map<String, Integer> ports = new TreeMap<>(m.ports);
        synchronized (hosts) {
            HostState h = host(location);
            for (String name : names) {
                if (!ports.containsKey(name)) {
                    int port = h.ports.nextClearBit(h.cursor);
                    if (port > LAST_PORT) {
                        port = h.ports.nextClearBit(FIRST_PORT);
                    }
                    if (port > LAST_PORT) {
                        throw new ProviderException(ErrorCode.CAPACITY_EXCEEDED, "no port is free on " + location);
                    }
                    h.ports.set(port);
                    h.cursor = port + 1;
                    ports.put(name, port);
                    byAddress.put(h.address + ":" + port, m);
                }
            }
        }
        m.ports = Map.copyOf(ports);
    }

    /** Takes everything of a member away; caller holds it. */
    void remove(SimulatedMember m) {
        Location location = m.location;
        if (location != null) {
            synchronized (hosts) {
                HostState h = host(location);
                m.ports.values().forEach(port -> {
                    h.ports.clear(port);
                    byAddress.remove(h.address + ":" + port);
                });
                if (m.resources != null) {
                    book(h, m.resources, -1);
                }
            }
        }
        m.gone = true;
        destroyed.put(m.ref, m.epoch);
        members.remove(m.ref, m);
    }

    private HostState host(Location location) {
        return Objects.requireNonNull(hosts.get(location.host()));
    }

    private static boolean fits(HostState h, Resources wanted) {
        return h.cpuMillis + wanted.cpuMillis() <= h.host.cpuMillis()
                && h.memory + wanted.memory().bytes() <= h.host.memory().bytes()
                && h.storage + wanted.storage().bytes() <= h.host.storage().bytes();
    }

    private static void book(HostState h, Resources amount, int sign) {
        h.cpuMillis += (long) sign * amount.cpuMillis();
        h.memory += sign * amount.memory().bytes();
        h.storage += sign * amount.storage().bytes();
    }

    private <T> Optional<T> inspect(MemberRef ref, java.util.function.Function<SimulatedMember, T> look) {
        return find(ref).map(m -> {
            synchronized (m) {
                return look.apply(m);
            }
        });
    }

    private void change(MemberRef ref, Consumer<SimulatedMember> act) {
        SimulatedMember m = find(ref).orElseThrow(() -> new IllegalArgumentException("no member " + ref));
        synchronized (m) {
            act.accept(m);
            changes.incrementAndGet();
        }
    }
}
