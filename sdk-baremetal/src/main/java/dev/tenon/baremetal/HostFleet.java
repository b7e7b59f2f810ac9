package dev.tenon.baremetal;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.internal.ssh.HostLink;
import dev.tenon.baremetal.internal.ssh.Links;
import dev.tenon.baremetal.internal.ssh.Target;
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
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Software;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Several hosts as one place: knows which host carries which member, chooses hosts for new ones, and notices what ends. A thread per
 * host keeps the connection; only that thread waits for a host that cannot be reached, everybody else is told at once. Hosts are those
 * that the builder describes and those that are adopted; of the same name, the described one counts.
 */
final class HostFleet implements DeliveryDriver {
    private static final Logger log = LoggerFactory.getLogger(HostFleet.class);
    private static final Duration FIRST_CONTACT = Duration.ofSeconds(30);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);

    private final SshDelivery.Settings settings;
    private final DeliveryContext context;
    private final Ticker ticker;
    private final RandomGenerator random = new SecureRandom();
    private final Uploads uploads;
    private final Assignments assignments;
    private final Adoptions adoptions;
    private final ExecutorService askers;
    /** Held while hosts come and go; nobody else waits for it. */
    private final Object changing = new Object();
    /** By name; replaced as a whole. */
    private volatile Map<String, Entry> hosts = Map.of();

    private volatile @Nullable Reach reach;
    private long edition;
    private volatile boolean closed;

    /** How hosts are reached; made for the first one, as a place without hosts shall cost nothing. */
    private record Reach(Links links, Tunnels tunnels, SshHost.Setup setup) {}

    /** A host, what was last seen on it, and whether it answers. */
    private static final class Entry {
        final SshHost host;
        /** Empty if the builder describes it. */
        final Optional<Adoptions.Adopted> adopted;

        final Thread keeper;
        /** What each member that lies here was promised, by external name. */
        final Map<String, MemberRecord> members = new ConcurrentHashMap<>();

        volatile @Nullable HostFacts facts;
        /** Why it does not answer; empty if it does. */
        volatile Optional<String> silent = Optional.of("it was not reached yet");

        volatile boolean tried;
        /** It is not one of the hosts any more. */
        volatile boolean gone;

        volatile ErrorCode code = ErrorCode.PROVIDER_UNAVAILABLE;

        Entry(SshHost host, Optional<Adoptions.Adopted> adopted, Function<Entry, Thread> keeper) {
            this.host = host;
            this.adopted = adopted;
            this.keeper = keeper.apply(this);
        }
    }

    private HostFleet(SshDelivery.Settings settings, DeliveryContext context, Ticker ticker) {
        this.settings = settings;
        this.context = context;
        this.ticker = ticker;
        AtomicInteger number = new AtomicInteger();
        this.assignments = new Assignments(context.state(), context.clock());
        this.adoptions = new Adoptions(context.state(), assignments);
        this.askers = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "tenon-" + settings.id() + "-ask-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        this.uploads = new Uploads(context.directory().resolve("uploads"));
    }

    private Reach reach() {
        synchronized (changing) {
            if (closed) {
                throw Failures.of(ErrorCode.PROVIDER_UNAVAILABLE, "the delivery " + id() + " is closed");
            }
            Reach made = reach;
            if (made == null) {
                Tunnels tunnels = new Tunnels(sockets(context.directory()), settings.id());
                SshHost.Setup setup = new SshHost.Setup(
                        settings.id(),
                        settings.runAs(),
                        settings.firstPort(),
                        settings.lastPort(),
                        settings.software(),
                        uploads,
                        tunnels,
                        ticker,
                        context.clock(),
                        random,
                        this::peer);
                made = new Reach(new Links(settings.id(), settings.limits(), ticker::nanos), tunnels, setup);
                reach = made;
            }
            return made;
        }
    }

    private SshHost reached(HostSpec spec) {
        Reach how = reach();
        return new SshHost(spec, how.setup(), how.links().to(target(spec)));
    }

    private Entry begin(HostSpec spec, Optional<Adoptions.Adopted> adopted) {
        Entry entry = new Entry(reached(spec), adopted, e -> {
            Thread keeper = new Thread(() -> keep(e), "tenon-" + settings.id() + "-host-" + spec.name());
            keeper.setDaemon(true);
            return keeper;
        });
        entry.keeper.start();
        return entry;
    }

    private Path sockets(Path directory) {
        try {
            int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid", LinkOption.NOFOLLOW_LINKS);
            return LocalMachine.runtime(uid)
                    .resolve("ssh-"
                            + MembersRoot.of(directory.resolve(settings.id()), directory, true)
                                    .tag());
        } catch (IOException e) {
            throw Failures.io("finding a place for sockets", e);
        }
    }

    private static Target target(HostSpec spec) {
        return new Target(
                spec.name(),
                spec.address(),
                spec.port(),
                spec.user(),
                spec.privateKey()
                        .map(pem -> Target.privateKey("host.privateKey", pem))
                        .orElse(List.of()),
                spec.password(),
                spec.hostKeys().stream()
                        .map(line -> Target.publicKey("host.hostKeys", line))
                        .toList());
    }

    /** Starts the keepers and waits until each host has answered or failed once, but never long. */
    static HostFleet start(SshDelivery.Settings settings, DeliveryContext context, Ticker ticker) {
        HostFleet fleet = new HostFleet(settings, context, ticker);
        try {
            Map<String, Entry> described = new LinkedHashMap<>();
            settings.hosts().forEach(spec -> {
                described.put(spec.name(), fleet.begin(spec, Optional.empty()));
                fleet.hosts = Collections.unmodifiableMap(new LinkedHashMap<>(described));
            });
            fleet.refresh();
            fleet.firstContact();
        } catch (RuntimeException e) {
            fleet.close();
            throw e;
        }
        return fleet;
    }

    private void firstContact() {
        Ticker.Deadline deadline = ticker.in(FIRST_CONTACT);
        while (hosts.values().stream().anyMatch(e -> !e.tried) && !deadline.passed()) {
            ticker.pause(Duration.ofMillis(2));
        }
    }

    @Override
    public String id() {
        return settings.id();
    }

    @Override
    public void start(DeliveryContext given) {
        throw new IllegalStateException("started when it was made");
    }

    // ---- keeping in touch

    private void keep(Entry entry) {
        Duration pause = Duration.ofMillis(500);
        while (!closed && !entry.gone) {
            try {
                HostFacts facts = entry.host.adopt();
                clean(entry);
                relist(entry);
                adoptStrangers(entry);
                entry.facts = facts;
                try (HostLink.Stream stream = entry.host.watch();
                        BufferedReader lines =
                                new BufferedReader(new InputStreamReader(stream.in(), StandardCharsets.UTF_8))) {
                    boolean back = entry.silent.isPresent();
                    entry.silent = Optional.empty();
                    entry.tried = true;
                    pause = Duration.ofMillis(500);
                    log.info(
                            "The host {} answers and carries {} members",
                            entry.host.spec().name(),
                            entry.members.size());
                    if (back) {
                        wakeAll(entry);
                    }
                    for (String line = lines.readLine(); line != null && !closed; line = lines.readLine()) {
                        heard(entry, line);
                    }
                    lost(entry, ErrorCode.PROVIDER_UNAVAILABLE, "the connection was lost");
                }
            } catch (TenonException e) {
                lost(entry, e.code(), String.valueOf(e.getMessage()));
            } catch (IOException | RuntimeException e) {
                // Whatever it was, the keeper must go on: nobody else would find the host again.
                lost(entry, ErrorCode.PROVIDER_UNAVAILABLE, e.toString());
            }
            entry.tried = true;
            if (!closed && !entry.gone) {
                try {
                    ticker.pause(pause);
                } catch (ProviderException e) {
                    // Only its end interrupts.
                    return;
                }
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
            }
        }
    }

    private void lost(Entry entry, ErrorCode code, String why) {
        boolean news = entry.silent.isEmpty() || !entry.tried;
        entry.code = code;
        entry.silent = Optional.of(why);
        entry.host.forget();
        if (news && !closed && !entry.gone) {
            log.warn("The host {} does not answer: {}", entry.host.spec().name(), why);
            wakeAll(entry);
        }
    }

    /** Looks at everything that the host carries. */
    private static boolean relist(Entry entry) {
        Map<String, MemberRecord> seen = new HashMap<>();
        for (Sight sight : entry.host.scan(List.of())) {
            sight.record().ifPresent(r -> seen.put(sight.name(), r));
        }
        entry.members.keySet().retainAll(seen.keySet());
        entry.members.putAll(seen);
        return true;
    }

    /** Before anything else is done there: what was given up must not go on beside what was made in its stead. */
    private void clean(Entry entry) {
        for (Assignments.Assigned left : assignments.left(entry.host.spec().name())) {
            MemberRef ref = left.promised().ref();
            entry.host.destroy(ref, new Epoch(left.promised().epoch()), DestroyMode.EVERYTHING);
            assignments.removed(left);
            log.info(
                    "Removed {} from the host {}: it was given up while the host did not answer",
                    ref,
                    entry.host.spec().name());
        }
    }

    /** Looked at again after the notes were read: what another control plane has destroyed since is not noted once more. */
    private void adoptStrangers(Entry entry) {
        assignments.forgetDestroyed();
        List<String> strangers = assignments.strangers(entry.members.keySet());
        if (!strangers.isEmpty()) {
            for (Sight sight : entry.host.scan(strangers)) {
                sight.record()
                        .ifPresent(r -> assignments.adopt(entry.host.spec().name(), r));
            }
        }
    }

    private void heard(Entry entry, String line) {
        String[] words = line.split(" ");
        if (words.length == 2 && words[0].equals("ended")) {
            Optional.ofNullable(entry.members.get(words[1])).ifPresent(r -> {
                log.info(
                        "A process of {} on {} ended unasked",
                        r.ref(),
                        entry.host.spec().name());
                context.wake().accept(r.ref());
            });
        }
    }

    private void wakeAll(Entry entry) {
        entry.members.values().forEach(r -> context.wake().accept(r.ref()));
    }

    // ---- hosts

    private Entry entry(String name) {
        Entry entry = hosts.get(name);
        if (entry == null) {
            throw new InvalidSpecException("host", name + "; expected one of " + hosts.keySet());
        }
        return entry;
    }

    SshHost host(String name) {
        return entry(name).host;
    }

    /**
     * Looks whether hosts were adopted, described anew or removed, by whomever. What this control plane adopts and removes takes effect
     * here, too: what is written is what is known.
     */
    @Override
    public void refresh() {
        List<Entry> before;
        Map<String, Entry> now = new LinkedHashMap<>();
        synchronized (changing) {
            long latest = adoptions.edition();
            if (closed || latest == edition) {
                return;
            }
            before = List.copyOf(hosts.values());
            before.stream().filter(e -> e.adopted.isEmpty()).forEach(e -> now.put(name(e), e));
            for (Adoptions.Adopted adopted : adoptions.list()) {
                String name = adopted.spec().name();
                Entry known = hosts.get(name);
                if (now.containsKey(name)) {
                    log.warn("The host {} is described in the builder, which counts, and was adopted, too", name);
                } else if (known != null && same(known.adopted.orElseThrow(), adopted)) {
                    now.put(name, known);
                } else {
                    now.put(name, begin(adopted.spec(), Optional.of(adopted)));
                }
            }
            hosts = Collections.unmodifiableMap(now);
            edition = latest;
        }
        List<Entry> gone = before.stream().filter(e -> !now.containsValue(e)).toList();
        gone.forEach(this::release);
        gone.forEach(HostFleet::join);
    }

    private static boolean same(Adoptions.Adopted one, Adoptions.Adopted other) {
        return one.adoption().equals(other.adoption()) && one.version() == other.version();
    }

    private static String name(Entry entry) {
        return entry.host.spec().name();
    }

    private void release(Entry entry) {
        entry.gone = true;
        entry.host.close();
        entry.keeper.interrupt();
        entry.members.keySet().forEach(this::untunnel);
    }

    private static void join(Entry entry) {
        try {
            entry.keeper.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void untunnel(String member) {
        Reach made = reach;
        if (made != null) {
            made.tunnels().end(member);
        }
    }

    /** Adds a host; see {@link SshDelivery#adopt}. */
    HostStatus adopt(HostSpec spec) {
        target(spec);
        refresh();
        requireNew(spec);
        tryOut(spec);
        for (int tries = 0; tries < Assignments.CONFLICTS; tries++) {
            boolean noted = adoptions.add(spec, Long.toHexString(random.nextLong()));
            if (noted) {
                refresh();
                firstContact();
                log.info("The host {} is adopted", spec.name());
                return status(spec.name());
            }
            refresh();
            requireNew(spec);
        }
        throw Assignments.contended();
    }

    private void requireNew(HostSpec spec) {
        if (hosts.containsKey(spec.name())) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_TAKEN, "host.name", "another host has the name " + spec.name());
        }
        requireElsewhere(spec);
    }

    /** Members of one machine under two names would seem to be on two hosts. */
    private void requireElsewhere(HostSpec spec) {
        for (Entry entry : hosts.values()) {
            HostSpec other = entry.host.spec();
            if (!other.name().equals(spec.name())
                    && other.address().equals(spec.address())
                    && other.port() == spec.port()) {
                throw new InvalidSpecException("host.address", "the host " + other.name() + " has this address");
            }
        }
    }

    /**
     * Connects as described and looks whether the host can carry members, and does carry those that it shall.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if a member that is noted there is not
     */
    private void tryOut(HostSpec spec) {
        try (SshHost host = reached(spec)) {
            log.debug("The host {} says of itself: {}", spec.name(), host.adopt());
            Set<String> there = host.scan(List.of()).stream().map(Sight::name).collect(Collectors.toSet());
            List<String> missing = assignments.seen().members().values().stream()
                    .filter(a -> a.host().equals(spec.name()))
                    .map(Assignments.Assigned::name)
                    .filter(name -> !there.contains(name))
                    .toList();
            if (!missing.isEmpty()) {
                throw new ConflictException(
                        ErrorCode.ILLEGAL_STATE,
                        "the host " + spec.name() + " carries " + String.join(", ", missing) + ", and what answers at "
                                + spec.address() + " does not: it is another machine");
            }
        }
    }

    private Adoptions.Adopted adopted(String name) {
        return entry(name)
                .adopted
                .orElseThrow(() -> new ConflictException(
                        ErrorCode.ILLEGAL_STATE,
                        "the host " + name + " is described in the builder; change it or leave it out there"));
    }

    /** Describes an adopted host anew; see {@link SshDelivery#change}. */
    HostStatus change(String name, Consumer<HostSpec.Builder> edit) {
        refresh();
        Adoptions.Adopted known = adopted(name);
        HostSpec.Builder builder = HostSpec.builder().from(known.spec());
        edit.accept(builder);
        HostSpec spec = builder.build();
        if (!spec.name().equals(name)) {
            throw new InvalidSpecException(
                    "host.name", "is " + name + " and stays; adopt another host for another name");
        }
        target(spec);
        requireElsewhere(spec);
        tryOut(spec);
        if (!adoptions.change(known, spec)) {
            throw Failures.of(
                    ErrorCode.PROVIDER_UNAVAILABLE, "somebody else changed the hosts at the same time; try again");
        }
        refresh();
        firstContact();
        log.info("The host {} is described anew", name);
        return status(name);
    }

    /** Removes an adopted host; see {@link SshDelivery#remove}. */
    void remove(String name) {
        refresh();
        for (int tries = 0; tries < Assignments.CONFLICTS; tries++) {
            Entry entry = entry(name);
            Adoptions.Adopted known = adopted(name);
            // What is on the host but not noted is from before there were notes.
            Set<String> there = new TreeSet<>();
            if (entry.silent.isEmpty() && relist(entry)) {
                there.addAll(entry.members.keySet());
            }
            Assignments.Seen counted = assignments.seen();
            there.addAll(counted.on(name));
            if (!there.isEmpty()) {
                throw new ConflictException(
                        ErrorCode.NOT_EMPTY,
                        "the host " + name + " still carries " + String.join(", ", there)
                                + "; drain it and move them away first");
            }
            if (adoptions.remove(known, counted)) {
                refresh();
                log.info("The host {} is removed", name);
                return;
            }
            refresh();
        }
        throw Assignments.contended();
    }

    void mode(String name, HostStatus.Mode mode) {
        assignments.mode(entry(name).host.spec().name(), mode);
    }

    /**
     * Says that a host which does not answer is lost for good.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if it answers
     */
    void lost(String name) {
        Entry entry = entry(name);
        if (entry.silent.isEmpty()) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    "the host " + name + " answers, so it is not lost; to take it out of use, drain it");
        }
        assignments.mode(name, HostStatus.Mode.LOST);
        wakeAll(entry);
    }

    OptionalLong draining(String name) {
        return assignments.draining(entry(name).host.spec().name());
    }

    List<HostStatus> hosts() {
        Map<String, Entry> known = hosts;
        if (known.isEmpty()) {
            return List.of();
        }
        Assignments.Seen assigned = assignments.seen();
        return known.values().stream().map(entry -> status(entry, assigned)).toList();
    }

    private HostStatus status(String name) {
        return status(entry(name), assignments.seen());
    }

    /** Returns the members that are assigned to a host. */
    List<MemberRef> carriedBy(String name) {
        return carried(entry(name), assignments.seen()).stream()
                .map(MemberRecord::ref)
                .toList();
    }

    private HostStatus status(Entry entry, Assignments.Seen assigned) {
        HostSpec spec = entry.host.spec();
        Collection<MemberRecord> carried = carried(entry, assigned);
        return new HostStatus(
                spec.name(),
                spec.zone(),
                spec.labels(),
                mode(entry, assigned),
                entry.silent,
                Optional.ofNullable(entry.facts),
                usable(entry).room(),
                sum(carried).room(),
                entry.adopted.isPresent(),
                carried.stream().map(MemberRecord::ref).toList());
    }

    /** Returns what a host's members were promised; what one has by now counts instead of what it got when it was placed. */
    private static Collection<MemberRecord> carried(Entry entry, Assignments.Seen assigned) {
        Map<String, MemberRecord> carried = new HashMap<>();
        assigned.members().forEach((name, a) -> {
            if (a.host().equals(entry.host.spec().name())) {
                carried.put(name, entry.members.getOrDefault(name, a.promised()));
            }
        });
        return carried.values();
    }

    private static HostPlanner.Amounts sum(Collection<MemberRecord> members) {
        return members.stream().map(HostFleet::amounts).reduce(HostPlanner.Amounts.NOTHING, HostPlanner.Amounts::plus);
    }

    private static HostStatus.Mode mode(Entry entry, Assignments.Seen assigned) {
        HostSpec spec = entry.host.spec();
        HostStatus.Mode described = spec.enabled() ? HostStatus.Mode.ENABLED : HostStatus.Mode.DISABLED;
        return assigned.modes().getOrDefault(spec.name(), described);
    }

    /** Promises limits only while every host that was ever reached has them: a member may come to any of them. */
    @Override
    public Set<Capability> capabilities() {
        Map<String, Entry> known = hosts;
        Set<Capability> can = EnumSet.of(Capability.DURABLE, Capability.EXEC, Capability.FILL, Capability.GIVE_UP);
        if (known.size() > 1) {
            can.add(Capability.SEVERAL_HOSTS);
        }
        List<HostFacts> reached = known.values().stream()
                .flatMap(entry -> Optional.ofNullable(entry.facts).stream())
                .toList();
        if (!reached.isEmpty() && reached.stream().allMatch(HostFacts::units)) {
            can.addAll(Set.of(Capability.CPU_LIMIT, Capability.MEMORY_LIMIT, Capability.RESIZE_IN_PLACE));
        }
        return Collections.unmodifiableSet(can);
    }

    private HostPlanner.Amounts usable(Entry entry) {
        HostFacts facts = entry.facts;
        return facts == null
                ? HostPlanner.Amounts.NOTHING
                : new HostPlanner.Amounts(
                                facts.cores() * 1000L,
                                facts.memory().bytes(),
                                facts.disk().size().bytes())
                        .share(settings.committedPercent());
    }

    @Override
    public PlaceCapacity capacity() {
        Map<String, Entry> known = hosts;
        if (known.isEmpty()) {
            return new PlaceCapacity(List.of());
        }
        List<PlaceCapacity.Host> answers = new ArrayList<>();
        Assignments.Seen assigned = assignments.seen();
        for (Entry entry : known.values()) {
            HostFacts facts = entry.facts;
            if (facts != null && mode(entry, assigned) == HostStatus.Mode.ENABLED && entry.silent.isEmpty()) {
                HostPlanner.Amounts usable = usable(entry);
                answers.add(new PlaceCapacity.Host(
                        entry.host.location(),
                        Math.toIntExact(usable.cpuMillis()),
                        DataSize.bytes(usable.memory()),
                        DataSize.bytes(facts.disk().free().bytes() / 100 * settings.committedPercent()),
                        DataSize.bytes(usable.storage())));
            }
        }
        return new PlaceCapacity(answers);
    }

    @Override
    public List<SoftwareOffer> software() {
        Set<SoftwareOffer> offers = new LinkedHashSet<>();
        answering().forEach(entry -> entry.host.builds().stream()
                .map(SoftwareShelf.Build::offer)
                .forEach(offers::add));
        return List.copyOf(offers);
    }

    @Override
    public ExecResult runTool(Software software, Command command) {
        List<Entry> answering = answering();
        for (Entry entry : answering) {
            if (entry.host.builds().stream().map(SoftwareShelf.Build::offer).anyMatch(o -> o.software()
                    .equals(software))) {
                return entry.host.runTool(software, command);
            }
        }
        throw Failures.of(
                answering.isEmpty() ? ErrorCode.PROVIDER_UNAVAILABLE : ErrorCode.SOFTWARE_MISSING,
                "no host that answers has " + software.engine() + " " + software.version() + "; there is "
                        + software());
    }

    private List<Entry> answering() {
        return hosts.values().stream().filter(e -> e.silent.isEmpty()).toList();
    }

    // ---- members

    @Override
    public List<MemberRef> members() {
        inParallel(answering(), HostFleet::relist);
        return Stream.concat(
                        hosts.values().stream().flatMap(e -> e.members.values().stream()),
                        assignments.seen().members().values().stream().map(Assignments.Assigned::promised))
                .map(MemberRecord::ref)
                .distinct()
                .toList();
    }

    /** Where a member is, as far as can be known now. */
    private sealed interface Whereabouts {
        record On(Entry entry) implements Whereabouts {}

        record Nowhere() implements Whereabouts {}

        /**
         * @param entry the host it is on, if this control plane knows that host
         * @param lost whether somebody said that this host is lost for good
         */
        record Unknown(Optional<Entry> entry, ErrorCode code, String why, boolean lost) implements Whereabouts {}
    }

    private Whereabouts where(MemberRef ref) {
        return assignments
                .of(ref.externalName())
                .map(assigned -> where(ref, assigned.host()))
                .orElseGet(Whereabouts.Nowhere::new);
    }

    private Whereabouts where(MemberRef ref, String host) {
        Entry entry = hosts.get(host);
        if (entry == null) {
            return new Whereabouts.Unknown(
                    Optional.empty(),
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "the host " + host + ", which carries " + ref + ", is not given to this control plane; it has "
                            + hosts.keySet(),
                    assignments.lost(host));
        }
        return entry.silent
                .<Whereabouts>map(why -> unknown(ref, entry, why))
                .orElseGet(() -> new Whereabouts.On(entry));
    }

    private Whereabouts.Unknown unknown(MemberRef ref, Entry entry, String why) {
        String host = entry.host.spec().name();
        boolean lost = assignments.lost(host);
        return new Whereabouts.Unknown(
                Optional.of(entry),
                entry.code,
                "the host " + host + ", which carries " + ref + ", "
                        + (lost ? "is lost for good" : "does not answer: " + why),
                lost);
    }

    /** Returns where a member is; also that of a host which does not answer now, as its members shall be let in when it does again. */
    private Optional<SshHost.Peer> peer(MemberRef ref) {
        String name = ref.externalName();
        Optional<Entry> carrier = assignments.of(name).map(assigned -> hosts.get(assigned.host()));
        if (carrier.isEmpty()) {
            return Optional.empty();
        }
        Entry entry = carrier.get();
        MemberRecord known = entry.members.get(name);
        if ((known == null || known.ports().isEmpty()) && entry.silent.isEmpty()) {
            // Another control plane may have prepared it since we looked.
            entry.host.scan(List.of(name)).stream()
                    .flatMap(s -> s.record().stream())
                    .forEach(r -> entry.members.put(name, r));
            known = entry.members.get(name);
        }
        return Optional.of(new SshHost.Peer(entry.host.spec(), known == null ? Map.of() : known.ports()));
    }

    /** Does something on the host that carries a member; empty if none does. */
    private <T> Optional<T> on(MemberRef ref, Function<SshHost, T> verb) {
        Whereabouts where = where(ref);
        if (where instanceof Whereabouts.On on) {
            return Optional.of(verb.apply(on.entry().host));
        } else if (where instanceof Whereabouts.Unknown unknown) {
            throw Failures.of(unknown.code(), unknown.why());
        }
        return Optional.empty();
    }

    private <T> T present(MemberRef ref, Function<SshHost, T> verb) {
        return on(ref, verb).orElseThrow(() -> absent(ref));
    }

    private static ProviderException absent(MemberRef ref) {
        return Failures.of(ErrorCode.PROVIDER_FAILED, ref + " does not exist here");
    }

    /** Does something on the host that carries a member, if one does. */
    private void each(MemberRef ref, Consumer<SshHost> verb) {
        Optional<Boolean> done = on(ref, host -> {
            verb.accept(host);
            return true;
        });
        log.debug("{} on the host of {}", done.isPresent() ? "Done" : "Nothing to do", ref);
    }

    @Override
    public ObservedMember start(MemberWorkload workload, Epoch epoch, Duration timeout) {
        return present(workload.ref(), host -> host.start(workload, epoch, timeout));
    }

    @Override
    public ObservedMember stop(MemberWorkload workload, Epoch epoch, StopMode mode) {
        return on(workload.ref(), host -> host.stop(workload, epoch, mode))
                .orElseGet(() -> ObservedMember.absent(workload.ref()));
    }

    @Override
    public void fence(MemberRef ref, Epoch epoch) {
        each(ref, host -> host.fence(ref, epoch));
    }

    @Override
    public ExecResult exec(MemberWorkload workload, Command command, Epoch epoch) {
        return present(workload.ref(), host -> host.exec(workload, command, epoch));
    }

    @Override
    public void resize(MemberRef ref, Resources resources, Epoch epoch) {
        each(ref, host -> host.resize(ref, resources, epoch));
    }

    @Override
    public void growVolume(MemberRef ref, String directory, DataSize size, Epoch epoch) {
        each(ref, host -> host.growVolume(ref, directory, size, epoch));
    }

    @Override
    public List<String> logs(MemberRef ref, int lines) {
        return on(ref, host -> host.logs(ref, lines)).orElse(List.of());
    }

    @Override
    public MemberMetrics metrics(MemberRef ref) {
        return present(ref, host -> host.metrics(ref));
    }

    @Override
    public ObservedMember observe(MemberRef ref) {
        return observeAll(List.of(ref)).get(0);
    }

    @Override
    public List<ObservedMember> observeAll(Collection<MemberRef> refs) {
        Map<MemberRef, ObservedMember> seen = new ConcurrentHashMap<>();
        look(refs, this::remembered, seen);
        // Of what is not where it was, the notes know more: another control plane may have placed it anew.
        look(refs.stream().filter(ref -> !seen.containsKey(ref)).toList(), this::where, seen);
        return refs.stream()
                .map(ref -> seen.getOrDefault(ref, ObservedMember.absent(ref)))
                .toList();
    }

    /** Where a member was when its host was last looked at, if that answers; the notes are asked only for the others. */
    private Whereabouts remembered(MemberRef ref) {
        return hosts.values().stream()
                .filter(entry -> entry.silent.isEmpty() && entry.members.containsKey(ref.externalName()))
                .findFirst()
                .map(entry -> where(ref, entry.host.spec().name()))
                .orElseGet(Whereabouts.Nowhere::new);
    }

    private void look(
            Collection<MemberRef> refs, Function<MemberRef, Whereabouts> place, Map<MemberRef, ObservedMember> seen) {
        Map<Entry, List<MemberRef>> byHost = new LinkedHashMap<>();
        for (MemberRef ref : refs) {
            Whereabouts where = place.apply(ref);
            if (where instanceof Whereabouts.On on) {
                byHost.computeIfAbsent(on.entry(), e -> new ArrayList<>()).add(ref);
            } else if (where instanceof Whereabouts.Unknown unknown) {
                seen.put(ref, observed(ref, unknown));
            }
        }
        Map<Entry, Boolean> answered = inParallel(List.copyOf(byHost.keySet()), entry -> {
            List<MemberRef> here = Objects.requireNonNull(byHost.get(entry));
            Map<String, Sight> sights = entry
                    .host
                    .scan(here.stream().map(MemberRef::externalName).toList())
                    .stream()
                    .collect(Collectors.toMap(Sight::name, s -> s));
            for (MemberRef ref : here) {
                Sight sight = sights.get(ref.externalName());
                if (sight == null) {
                    entry.members.remove(ref.externalName());
                } else {
                    sight.record().ifPresent(r -> entry.members.put(sight.name(), r));
                    seen.put(ref, entry.host.observed(ref, sight));
                }
            }
            return true;
        });
        byHost.forEach((entry, here) -> {
            if (!answered.containsKey(entry)) {
                here.forEach(ref -> seen.putIfAbsent(
                        ref, observed(ref, unknown(ref, entry, entry.silent.orElse("it did not answer in time")))));
            }
        });
    }

    private static ObservedMember observed(MemberRef ref, Whereabouts.Unknown unknown) {
        ObservedMember.Builder seen = ObservedMember.builder()
                .ref(ref)
                .state(MemberState.UNKNOWN)
                .reason(unknown.why())
                .lost(unknown.lost());
        unknown.entry().ifPresent(entry -> {
            seen.location(entry.host.location()).address(entry.host.spec().clientAddress());
            Optional.ofNullable(entry.members.get(ref.externalName())).ifPresent(known -> seen.ports(known.ports()));
        });
        return seen.build();
    }

    /** Asks several hosts at once; one that fails is missing from the answer. */
    private <T> Map<Entry, T> inParallel(List<Entry> entries, Function<Entry, T> question) {
        Map<Entry, T> answers = new LinkedHashMap<>();
        if (entries.size() == 1) {
            ask(entries.get(0), question).ifPresent(a -> answers.put(entries.get(0), a));
            return answers;
        }
        Map<Entry, Future<Optional<T>>> asked = new LinkedHashMap<>();
        entries.forEach(e -> asked.put(e, askers.submit(() -> ask(e, question))));
        asked.forEach((entry, answer) -> {
            try {
                answer.get().ifPresent(a -> answers.put(entry, a));
            } catch (InterruptedException e) {
                throw Failures.interrupted();
            } catch (ExecutionException e) {
                throw new IllegalStateException("asking " + entry.host.spec().name(), e.getCause());
            }
        });
        return answers;
    }

    private <T> Optional<T> ask(Entry entry, Function<Entry, T> question) {
        try {
            return Optional.of(question.apply(entry));
        } catch (ProviderException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw e;
            }
            log.debug("The host {} did not answer: {}", entry.host.spec().name(), e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public ObservedMember prepare(MemberWorkload workload, Epoch epoch) {
        MemberRef ref = workload.ref();
        Assignments.Assigned assigned =
                assignments.under(assignments.of(ref.externalName()).orElseGet(() -> placed(workload, epoch)), epoch);
        Whereabouts where = where(ref, assigned.host());
        if (where instanceof Whereabouts.Unknown unknown) {
            throw Failures.of(unknown.code(), unknown.why());
        }
        Entry entry = entry(assigned.host());
        ObservedMember seen = prepared(entry, assigned, workload, epoch);
        entry.host.scan(List.of(ref.externalName())).stream()
                .flatMap(s -> s.record().stream())
                .forEach(r -> entry.members.put(ref.externalName(), r));
        return seen;
    }

    /** Prepares a member where it was placed; if that fails and nothing of it is there, it may go elsewhere the next time. */
    private ObservedMember prepared(Entry entry, Assignments.Assigned assigned, MemberWorkload workload, Epoch epoch) {
        try {
            return entry.host.prepare(workload, epoch);
        } catch (RuntimeException e) {
            try {
                if (entry.host.scan(List.of(assigned.name())).isEmpty()) {
                    forget(assigned);
                }
            } catch (ProviderException unknown) {
                e.addSuppressed(unknown);
            }
            throw e;
        }
    }

    private void forget(Assignments.Assigned assigned) {
        if (assignments.release(assigned)) {
            dropped(assigned);
        }
    }

    private void dropped(Assignments.Assigned assigned) {
        hosts.values().forEach(e -> e.members.remove(assigned.name()));
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        return present(workload.ref(), host -> host.fill(workload, directory, tar, epoch));
    }

    /** Chooses a host and notes the choice, which promises the room to it before the host is told anything. */
    private Assignments.Assigned placed(MemberWorkload workload, Epoch epoch) {
        refresh();
        List<Entry> offering = hosts.values().stream()
                .filter(e -> !e.silent.isEmpty()
                        || e.host.builds().stream()
                                .map(SoftwareShelf.Build::offer)
                                .anyMatch(o -> o.software().equals(workload.software())))
                .toList();
        if (offering.isEmpty()) {
            throw Failures.of(
                    ErrorCode.SOFTWARE_MISSING,
                    "no host has " + workload.software().engine() + " "
                            + workload.software().version() + "; there is " + software());
        }
        MemberRecord promised = MemberRecord.fresh(workload.ref(), false, "", epoch.value())
                .limited(workload.resources())
                .edit()
                .sizes(workload.directories().stream()
                        .filter(d -> d.size().isPresent())
                        .collect(Collectors.toMap(
                                Directory::name, d -> d.size().orElseThrow().bytes())))
                .build();
        HostPlanner.Demand demand = new HostPlanner.Demand(amounts(promised), workload.placement());
        for (int tries = 0; tries < Assignments.CONFLICTS; tries++) {
            long gone = assignments.gone(workload.ref().externalName(), epoch);
            Assignments.Seen assigned = assignments.seen();
            HostPlanner.Decision decision = HostPlanner.choose(
                    offering.stream()
                            .filter(e -> current(e, assigned))
                            .map(e -> candidate(e, assigned, workload.ref()))
                            .toList(),
                    demand,
                    settings.strategy());
            if (decision instanceof HostPlanner.Decision.Refused refused) {
                throw Failures.of(
                        ErrorCode.CAPACITY_EXCEEDED,
                        "no host can take " + workload.ref() + ": " + String.join("; ", refused.reasons()));
            }
            String host = ((HostPlanner.Decision.Chosen) decision).location().host();
            boolean noted = assignments.assign(assigned, gone, host, promised);
            // Whoever was faster for this very member is as good.
            Optional<Assignments.Assigned> there = assignments.of(workload.ref().externalName());
            if (noted || there.isPresent()) {
                return there.orElseThrow(Assignments::contended);
            }
        }
        throw Assignments.contended();
    }

    /** Whether a host is still the one that was adopted under its name: another control plane may just have removed it. */
    private static boolean current(Entry entry, Assignments.Seen assigned) {
        return entry.adopted
                .map(a -> a.adoption().equals(assigned.adoptions().get(name(entry))))
                .orElse(true);
    }

    private HostPlanner.Candidate candidate(Entry entry, Assignments.Seen assigned, MemberRef ref) {
        Collection<MemberRecord> carried = carried(entry, assigned);
        return new HostPlanner.Candidate(
                entry.host.location(),
                mode(entry, assigned),
                entry.silent.or(() -> assigned.left()
                                .contains(Assignments.place(entry.host.spec().name(), ref.externalName()))
                        ? Optional.of("what was given up there is not removed yet")
                        : Optional.empty()),
                usable(entry),
                sum(carried),
                carried.stream()
                        .filter(r -> r.instance().equals(ref.instance()))
                        .map(MemberRecord::member)
                        .collect(Collectors.toSet()));
    }

    private static HostPlanner.Amounts amounts(MemberRecord record) {
        return new HostPlanner.Amounts(
                record.cpuMillis(),
                record.memoryBytes(),
                record.sizes().values().stream().mapToLong(Long::longValue).sum());
    }

    @Override
    public void destroy(MemberRef ref, Epoch epoch, DestroyMode mode) {
        Optional<Assignments.Assigned> assigned = assignments.of(ref.externalName());
        if (mode == DestroyMode.EVERYTHING
                && assigned.isPresent()
                && where(ref, assigned.get().host()) instanceof Whereabouts.Unknown unknown
                && unknown.lost()) {
            giveUp(assigned.get(), epoch);
            return;
        }
        each(ref, host -> host.destroy(ref, epoch, mode));
        if (mode == DestroyMode.EVERYTHING) {
            assigned.filter(a -> assignments.destroyed(a, epoch)).ifPresent(this::dropped);
        }
    }

    @Override
    public void giveUp(MemberRef ref, Epoch epoch) {
        Optional<Assignments.Assigned> assigned = assignments.of(ref.externalName());
        if (assigned.isPresent() && where(ref, assigned.get().host()) instanceof Whereabouts.Unknown) {
            giveUp(assigned.get(), epoch);
        } else {
            destroy(ref, epoch, DestroyMode.EVERYTHING);
        }
    }

    private void giveUp(Assignments.Assigned assigned, Epoch epoch) {
        if (!assignments.givenUp(assigned, epoch)) {
            throw Assignments.contended();
        }
        dropped(assigned);
        untunnel(assigned.name());
        log.warn(
                "{} on the host {}, which does not answer, is given up; it is removed there when the host answers",
                assigned.promised().ref(),
                assigned.host());
    }

    @Override
    public void close() {
        synchronized (changing) {
            closed = true;
        }
        Collection<Entry> all = hosts.values();
        all.forEach(this::release);
        Reach made = reach;
        if (made != null) {
            made.tunnels().close();
            made.links().close();
        }
        askers.shutdownNow();
        all.forEach(HostFleet::join);
        uploads.close();
    }
}
