package dev.tenon.baremetal;

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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Several hosts as one place: knows which host carries which member, chooses hosts for new ones, and notices what ends. A thread per
 * host keeps the connection; only that thread waits for a host that cannot be reached, everybody else is told at once.
 */
final class HostFleet implements DeliveryDriver {
    private static final Logger log = LoggerFactory.getLogger(HostFleet.class);
    private static final Duration FIRST_CONTACT = Duration.ofSeconds(30);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);

    private final SshDelivery.Settings settings;
    private final DeliveryContext context;
    private final Ticker ticker;
    private final Links links;
    private final Uploads uploads;
    private final Tunnels tunnels;
    private final ExecutorService askers;
    private final Map<String, Entry> hosts = new LinkedHashMap<>();
    private final Set<Capability> capabilities;
    private volatile boolean closed;

    /** A host, what was last seen on it, and whether it answers. */
    private static final class Entry {
        final SshHost host;
        final Thread keeper;
        /** What each member that lies here was promised, by external name. */
        final Map<String, MemberRecord> members = new ConcurrentHashMap<>();

        volatile HostPlanner.Mode mode;
        volatile @Nullable HostFacts facts;
        /** Why it does not answer; empty if it does. */
        volatile Optional<String> silent = Optional.of("it was not reached yet");

        volatile boolean tried;

        volatile ErrorCode code = ErrorCode.PROVIDER_UNAVAILABLE;

        Entry(SshHost host, HostPlanner.Mode mode, Function<Entry, Thread> keeper) {
            this.host = host;
            this.mode = mode;
            this.keeper = keeper.apply(this);
        }

        /** Whether what it carries was seen at least once; until then nobody can say that a member does not exist. */
        boolean listed() {
            return facts != null;
        }
    }

    private HostFleet(SshDelivery.Settings settings, DeliveryContext context, Ticker ticker) {
        this.settings = settings;
        this.context = context;
        this.ticker = ticker;
        AtomicInteger number = new AtomicInteger();
        this.askers = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "tenon-" + settings.id() + "-ask-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        this.links = new Links(settings.id(), settings.limits(), ticker::nanos);
        this.uploads = new Uploads(context.directory().resolve("uploads"));
        this.tunnels = new Tunnels(sockets(context.directory()), settings.id());
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
                new SecureRandom());
        for (HostSpec spec : settings.hosts()) {
            SshHost host = new SshHost(spec, setup, links.to(target(spec)));
            hosts.put(
                    spec.name(),
                    new Entry(
                            host,
                            spec.enabled() ? HostPlanner.Mode.ENABLED : HostPlanner.Mode.DISABLED,
                            entry -> new Thread(() -> keep(entry), "tenon-" + settings.id() + "-host-" + spec.name())));
        }
        Set<Capability> can = EnumSet.of(Capability.DURABLE, Capability.EXEC);
        if (hosts.size() > 1) {
            can.add(Capability.SEVERAL_HOSTS);
        }
        this.capabilities = Collections.unmodifiableSet(can);
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
        for (Entry entry : fleet.hosts.values()) {
            entry.keeper.setDaemon(true);
            entry.keeper.start();
        }
        Ticker.Deadline deadline = ticker.in(FIRST_CONTACT);
        try {
            while (fleet.hosts.values().stream().anyMatch(e -> !e.tried) && !deadline.passed()) {
                ticker.pause(Duration.ofMillis(2));
            }
        } catch (RuntimeException e) {
            fleet.close();
            throw e;
        }
        return fleet;
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
        while (!closed) {
            try {
                entry.facts = relisted(entry, entry.host.adopt());
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
            if (!closed) {
                try {
                    ticker.pause(pause);
                } catch (ProviderException e) {
                    // Only close() interrupts.
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
        if (news && !closed) {
            log.warn("The host {} does not answer: {}", entry.host.spec().name(), why);
            wakeAll(entry);
        }
    }

    /** Looks at everything that the host carries; what it said of itself counts only together with that. */
    private static HostFacts relisted(Entry entry, HostFacts facts) {
        Map<String, MemberRecord> seen = new HashMap<>();
        for (Sight sight : entry.host.scan(List.of())) {
            sight.record().ifPresent(r -> seen.put(sight.name(), r));
        }
        entry.members.keySet().retainAll(seen.keySet());
        entry.members.putAll(seen);
        return facts;
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

    void mode(String name, HostPlanner.Mode mode) {
        entry(name).mode = mode;
    }

    @Override
    public Set<Capability> capabilities() {
        return capabilities;
    }

    private HostPlanner.Amounts usable(HostFacts facts) {
        return new HostPlanner.Amounts(
                        facts.cores() * 1000L,
                        facts.memory().bytes(),
                        facts.disk().size().bytes())
                .share(settings.committedPercent());
    }

    @Override
    public PlaceCapacity capacity() {
        List<PlaceCapacity.Host> answers = new ArrayList<>();
        for (Entry entry : hosts.values()) {
            HostFacts facts = entry.facts;
            if (facts != null && entry.mode == HostPlanner.Mode.ENABLED && entry.silent.isEmpty()) {
                HostPlanner.Amounts usable = usable(facts);
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
        List<Entry> answering = answering();
        inParallel(answering, entry -> {
            return relisted(entry, java.util.Objects.requireNonNull(entry.facts));
        });
        return hosts.values().stream()
                .flatMap(e -> e.members.values().stream())
                .map(MemberRecord::ref)
                .distinct()
                .toList();
    }

    /** Where a member is, as far as can be known now. */
    private sealed interface Whereabouts {
        record On(Entry entry) implements Whereabouts {}

        record Nowhere() implements Whereabouts {}

        record Unknown(Entry entry) implements Whereabouts {}
    }

    private Whereabouts where(MemberRef ref) {
        String name = ref.externalName();
        for (Entry entry : hosts.values()) {
            if (entry.members.containsKey(name)) {
                return entry.silent.isEmpty() ? new Whereabouts.On(entry) : new Whereabouts.Unknown(entry);
            }
        }
        // Another control plane may have placed it since we looked.
        Map<Entry, List<Sight>> seen = inParallel(answering(), entry -> entry.host.scan(List.of(name)));
        for (Map.Entry<Entry, List<Sight>> answer : seen.entrySet()) {
            for (Sight sight : answer.getValue()) {
                sight.record().ifPresent(r -> answer.getKey().members.put(name, r));
                return new Whereabouts.On(answer.getKey());
            }
        }
        return hosts.values().stream()
                .filter(e -> !seen.containsKey(e) && (!e.listed() || e.silent.isEmpty()))
                .findFirst()
                .<Whereabouts>map(Whereabouts.Unknown::new)
                .orElseGet(Whereabouts.Nowhere::new);
    }

    private static ProviderException silent(MemberRef ref, Entry entry) {
        return Failures.of(
                entry.code,
                "the host " + entry.host.spec().name() + ", which carries " + ref + " or may do so, does not answer: "
                        + entry.silent.orElse("it did not answer in time"));
    }

    /** Does something on the host that carries a member; empty if none does. */
    private <T> Optional<T> on(MemberRef ref, Function<SshHost, T> verb) {
        Whereabouts where = where(ref);
        if (where instanceof Whereabouts.On on) {
            return Optional.of(verb.apply(on.entry().host));
        } else if (where instanceof Whereabouts.Unknown unknown) {
            throw silent(ref, unknown.entry());
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
        Map<Entry, List<MemberRef>> byHost = new LinkedHashMap<>();
        for (MemberRef ref : refs) {
            Whereabouts where = where(ref);
            if (where instanceof Whereabouts.On on) {
                byHost.computeIfAbsent(on.entry(), e -> new ArrayList<>()).add(ref);
            } else if (where instanceof Whereabouts.Unknown unknown) {
                seen.put(ref, unknown(ref, unknown.entry()));
            } else {
                seen.put(ref, ObservedMember.absent(ref));
            }
        }
        inParallel(List.copyOf(byHost.keySet()), entry -> {
            List<MemberRef> here = java.util.Objects.requireNonNull(byHost.get(entry));
            Map<String, Sight> sights = entry
                    .host
                    .scan(here.stream().map(MemberRef::externalName).toList())
                    .stream()
                    .collect(Collectors.toMap(Sight::name, s -> s));
            for (MemberRef ref : here) {
                Sight sight = sights.get(ref.externalName());
                if (sight == null) {
                    entry.members.remove(ref.externalName());
                    seen.put(ref, ObservedMember.absent(ref));
                } else {
                    sight.record().ifPresent(r -> entry.members.put(sight.name(), r));
                    seen.put(ref, entry.host.observed(ref, sight));
                }
            }
            return true;
        });
        return refs.stream()
                .map(ref -> seen.computeIfAbsent(ref, r -> byHost.entrySet().stream()
                        .filter(e -> e.getValue().contains(r))
                        .map(e -> unknown(r, e.getKey()))
                        .findFirst()
                        .orElseGet(() -> ObservedMember.absent(r))))
                .toList();
    }

    private static ObservedMember unknown(MemberRef ref, Entry entry) {
        ObservedMember.Builder seen = ObservedMember.builder()
                .ref(ref)
                .state(MemberState.UNKNOWN)
                .reason(String.valueOf(silent(ref, entry).getMessage()));
        MemberRecord known = entry.members.get(ref.externalName());
        if (known != null) {
            seen.location(entry.host.location())
                    .ports(known.ports())
                    .address(entry.host.spec().clientAddress());
        }
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
        if (!workload.filled().isEmpty()) {
            throw cannotFill();
        }
        MemberRef ref = workload.ref();
        Whereabouts where = where(ref);
        if (where instanceof Whereabouts.Unknown unknown) {
            throw silent(ref, unknown.entry());
        }
        Entry entry = where instanceof Whereabouts.On on ? on.entry() : placed(workload, epoch);
        try {
            ObservedMember seen = entry.host.prepare(workload, epoch);
            entry.host.scan(List.of(ref.externalName())).stream()
                    .flatMap(s -> s.record().stream())
                    .forEach(r -> entry.members.put(ref.externalName(), r));
            return seen;
        } catch (RuntimeException e) {
            if (where instanceof Whereabouts.Nowhere) {
                entry.members.remove(ref.externalName());
            }
            throw e;
        }
    }

    @Override
    public ObservedMember fill(MemberWorkload workload, String directory, InputStream tar, Epoch epoch) {
        throw cannotFill();
    }

    private ProviderException cannotFill() {
        return Failures.of(
                ErrorCode.UNSUPPORTED, "hosts do not fill members from an archive yet; they offer " + capabilities);
    }

    /** Chooses a host and promises the room at once, so that the next choice counts with it. */
    private synchronized Entry placed(MemberWorkload workload, Epoch epoch) {
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
                .edit()
                .cpuMillis(workload.resources().cpuMillis())
                .memoryBytes(workload.resources().memory().bytes())
                .sizes(workload.directories().stream()
                        .filter(d -> d.size().isPresent())
                        .collect(Collectors.toMap(
                                d -> d.name(), d -> d.size().orElseThrow().bytes())))
                .build();
        HostPlanner.Decision decision = HostPlanner.choose(
                offering.stream().map(e -> candidate(e, workload.ref())).toList(),
                new HostPlanner.Demand(amounts(promised), workload.placement(), false),
                settings.strategy());
        if (decision instanceof HostPlanner.Decision.Chosen chosen) {
            Entry entry = entry(chosen.location().host());
            entry.members.put(workload.ref().externalName(), promised);
            return entry;
        }
        throw Failures.of(
                ErrorCode.CAPACITY_EXCEEDED,
                "no host can take " + workload.ref() + ": "
                        + String.join("; ", ((HostPlanner.Decision.Refused) decision).reasons()));
    }

    private HostPlanner.Candidate candidate(Entry entry, MemberRef ref) {
        HostFacts facts = entry.facts;
        return new HostPlanner.Candidate(
                entry.host.location(),
                entry.mode,
                entry.silent,
                facts == null ? HostPlanner.Amounts.NOTHING : usable(facts),
                entry.members.values().stream()
                        .map(HostFleet::amounts)
                        .reduce(HostPlanner.Amounts.NOTHING, HostPlanner.Amounts::plus),
                entry.members.values().stream()
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
        each(ref, host -> {
            host.destroy(ref, epoch, mode);
            if (mode == DestroyMode.EVERYTHING) {
                hosts.values().forEach(e -> e.members.remove(ref.externalName()));
            }
        });
    }

    @Override
    public void close() {
        closed = true;
        for (Entry entry : hosts.values()) {
            entry.host.close();
            entry.keeper.interrupt();
        }
        tunnels.close();
        links.close();
        askers.shutdownNow();
        for (Entry entry : hosts.values()) {
            try {
                entry.keeper.join(5000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        uploads.close();
    }
}
