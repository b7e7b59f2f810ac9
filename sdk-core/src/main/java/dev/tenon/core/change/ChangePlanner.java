package dev.tenon.core.change;

import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.OperationKind;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Preview;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.Topology;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.Phase;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.Sizing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Checks a change against the catalogue, the engine, the place and the instance, and says how it will be carried out. Stores and
 * does nothing; a preview and a submission ask the same question and so get the same answer. Thread-safe.
 */
public final class ChangePlanner {
    /** A clean stop and a start of a database that had little to write take about this long. */
    private static final Duration RESTART = Duration.ofSeconds(3);

    private static final Duration SWITCHOVER = Duration.ofSeconds(1);

    static final Set<OperationKind> CHANGES_MEMBERS = Set.of(
            OperationKind.STANDBY_ADD,
            OperationKind.STANDBY_REMOVE,
            OperationKind.STANDBY_REBUILD,
            OperationKind.SWITCHOVER,
            OperationKind.FAILOVER);

    private static final Duration DEFAULT_RETENTION = Duration.ofDays(7);

    private final Offering offering;

    /** Asks the engines and places of {@code offering}. */
    public ChangePlanner(Offering offering) {
        this.offering = offering;
    }

    /** Plans a creation. */
    public ChangePlan create(InstanceSpec asked, TenantSpec tenant) {
        EngineDriver engine = offering.engine(asked.engine());
        DeliveryDriver delivery = offering.ordered(asked.delivery());
        offering.offer(delivery, asked.engine(), asked.version());
        engine.check(asked.version(), asked.topology(), asked.ephemeral());
        if (asked.topology().standbys() > 0) {
            require(delivery, Capability.FILL, "topology");
        }
        if (asked.topology().acrossZones()) {
            require(delivery, Capability.SEVERAL_HOSTS, "topology.acrossZones");
        }
        require(delivery, asked.ephemeral() ? Capability.EPHEMERAL : Capability.DURABLE, "ephemeral");
        Resources resources =
                asked.plan().map(offering::plan).or(asked::resources).orElseThrow();
        Map<String, String> parameters = parameters(delivery, asked, asked.parameters());
        InstanceSpec spec = InstanceSpec.builder()
                .from(asked)
                .password(Optional.empty())
                .parameters(parameters)
                .build();
        Sizing sizing = sizing(engine, spec, resources, parameters);
        fits(delivery, spec, resources);
        List<Preview.Warning> warnings = new ArrayList<>(limits(delivery));
        if (spec.topology().standbys() > 0) {
            warnings.addAll(together(delivery));
        }
        return new ChangePlan(
                OperationKind.CREATE,
                spec,
                resources,
                Optional.empty(),
                steps(OperationKind.CREATE, Phase.REQUESTED, spec.topology()),
                false,
                Duration.ZERO,
                differences(Map.of(), settings(sizing), reasons(sizing)),
                tenant.approvalRequired() || wideOpen(List.of(), spec.whitelist()),
                false,
                warnings);
    }

    /**
     * Plans a change of an instance.
     *
     * @param now the instance
     * @param change what is asked for
     * @param tenant its owner
     * @throws ConflictException {@code ILLEGAL_STATE}, {@code DELETION_PROTECTED}, {@code SHRINK_UNSUPPORTED}
     * @throws InvalidSpecException if a value is wrong
     */
    public ChangePlan change(InstanceDoc now, Change change, TenantSpec tenant) {
        Phase phase = now.projectedPhase();
        OperationKind kind = change.kind();
        if (kind == OperationKind.CREATE) {
            throw new InvalidSpecException("change", "an instance is created through its tenant's instances");
        }
        Legality.require(kind, phase);
        if (change instanceof Change.Resize resize) {
            return resize(now, phase, resize, tenant);
        } else if (change instanceof Change.Failover failover) {
            return failover(now, phase, failover);
        } else if (change instanceof Change.Parameters parameters) {
            return parameters(now, phase, parameters);
        } else if (change instanceof Change.Access access) {
            boolean open = wideOpen(now.spec().whitelist(), access.whitelist());
            InstanceSpec spec = InstanceSpec.builder()
                    .from(now.spec())
                    .whitelist(access.whitelist())
                    .build();
            return plain(
                    now,
                    kind,
                    phase,
                    spec,
                    open,
                    List.of(new Preview.Difference(
                            "whitelist",
                            Optional.of(now.spec().whitelist().toString()),
                            Optional.of(access.whitelist().toString()),
                            "as asked")),
                    open ? List.of(Warnings.OPEN_TO_ALL) : List.of());
        } else if (change instanceof Change.Update update) {
            return plain(now, kind, phase, updated(now.spec(), update), false, List.of(), List.of());
        } else if (change instanceof Change.Delete delete) {
            return delete(now, phase, delete);
        } else if (kind == OperationKind.STANDBY_ADD
                || kind == OperationKind.STANDBY_REMOVE
                || kind == OperationKind.STANDBY_REBUILD
                || kind == OperationKind.SWITCHOVER) {
            return members(now, phase, change, tenant);
        } else if (change instanceof Change.Purge) {
            return gone(now, kind, phase, List.of(Warnings.DATA_REMOVED));
        } else if (change instanceof Change.Restart && now.spec().topology().standbys() > 0) {
            Roll roll = roll(now, now.spec(), now.projectedResources());
            return new ChangePlan(
                    kind,
                    now.spec(),
                    now.projectedResources(),
                    Optional.empty(),
                    roll.steps(),
                    true,
                    roll.interruption(),
                    List.of(),
                    false,
                    false,
                    roll.warnings());
        } else {
            Phase steps = change instanceof Change.Recover ? now.before().orElse(Phase.ACTIVE) : phase;
            boolean restart = change instanceof Change.Restart;
            return new ChangePlan(
                    kind,
                    now.spec(),
                    now.projectedResources(),
                    Optional.empty(),
                    steps(kind, steps, now.spec().topology()),
                    restart,
                    restart ? RESTART : Duration.ZERO,
                    List.of(),
                    false,
                    false,
                    change instanceof Change.Stop || change instanceof Change.Freeze
                            ? List.of(Warnings.NO_SERVICE)
                            : List.of());
        }
    }

    private static List<String> steps(OperationKind kind, Phase phase, Topology topology) {
        List<String> steps = StepNames.of(kind, phase, false);
        return topology.standbys() > 0 ? StepNames.withStandbys(steps) : steps;
    }

    /** Returns the change with what is asked of whoever wants it done, if that was left open: the loss to be accepted. */
    static Change completed(InstanceDoc now, Change change) {
        return change instanceof Change.Failover failover
                        && failover.accepted().isEmpty()
                        && now.stakes().containsKey(failover.member())
                ? new Change.Failover(failover.member(), Optional.of(loss(now, failover.member())))
                : change;
    }

    private static PossibleLoss loss(InstanceDoc now, String member) {
        Loss loss = Objects.requireNonNull(now.stakes().get(member)).loss();
        return new PossibleLoss(loss.knownBytes(), loss.since());
    }

    private static String text(PossibleLoss loss) {
        return loss.knownBytes() + " bytes"
                + loss.safeUntil().map(at -> " and what came after " + at).orElse(" and more, from whenever on");
    }

    private ChangePlan failover(InstanceDoc now, Phase phase, Change.Failover change) {
        requireStandby(now, change.member());
        if (now.stakes().isEmpty()) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    "the primary of " + now.spec().name() + " is well, or is being brought back or replaced by itself;"
                            + " to change a primary that is well, switch over, which loses nothing");
        }
        InstanceDoc.Stake stake = now.stakes().get(change.member());
        if (stake == null) {
            throw new InvalidSpecException(
                    "member",
                    "does not answer or has no sound copy; expected one of "
                            + new TreeSet<>(now.stakes().keySet()));
        }
        PossibleLoss accepted = change.accepted()
                .orElseThrow(() -> new InvalidSpecException(
                        "accepted", "is missing; look at a preview, which says what may be lost, and accept that"));
        PossibleLoss stated = loss(now, change.member());
        if (!stake.loss().within(new Loss(accepted.knownBytes(), accepted.safeUntil()))) {
            throw new ConflictException(
                    ErrorCode.STALE,
                    "more may be lost than was accepted: " + text(stated) + "; accepted: " + text(accepted));
        }
        List<Preview.Warning> warnings = new ArrayList<>();
        warnings.add(Warnings.mayLose(change.member(), stated));
        new TreeMap<>(now.stakes()).forEach((name, other) -> {
            if (other.position() > stake.position()) {
                warnings.add(Warnings.otherHasMore(name, other.position() - stake.position()));
            }
        });
        return plain(now, change.kind(), phase, now.spec(), false, List.of(), warnings);
    }

    /** Plans what changes who is a member, or which of them is the primary. */
    private ChangePlan members(InstanceDoc now, Phase phase, Change change, TenantSpec tenant) {
        if (now.effectiveQueue().stream().anyMatch(queued -> CHANGES_MEMBERS.contains(queued.kind()))) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE, "another change of its members is not done yet; wait for it");
        }
        EngineDriver engine = offering.engine(now.spec().engine());
        DeliveryDriver delivery = offering.delivery(now.delivery());
        InstanceSpec spec = applied(now.spec(), change);
        engine.check(spec.version(), spec.topology(), spec.ephemeral());
        require(delivery, Capability.FILL, "topology");
        List<Preview.Warning> warnings = new ArrayList<>();
        if (change instanceof Change.AddStandby) {
            fits(delivery, spec, now.projectedResources());
            warnings.addAll(together(delivery));
        } else if (change instanceof Change.RemoveStandby remove) {
            requireStandby(now, remove.member());
            warnings.add(Warnings.memberRemoved(remove.member()));
        } else if (change instanceof Change.RebuildStandby rebuild) {
            requireStandby(now, rebuild.member());
            warnings.add(Warnings.notReady(rebuild.member()));
        } else if (change instanceof Change.Switchover switchover) {
            requireStandby(now, switchover.member());
            warnings.add(Warnings.WRITES_PAUSE);
        }
        boolean switched = change instanceof Change.Switchover;
        return new ChangePlan(
                change.kind(),
                spec,
                now.projectedResources(),
                Optional.empty(),
                StepNames.of(change.kind(), phase, false),
                false,
                switched ? SWITCHOVER : Duration.ZERO,
                List.of(),
                change instanceof Change.AddStandby && tenant.approvalRequired(),
                false,
                warnings);
    }

    private static void requireStandby(InstanceDoc now, String member) {
        List<String> standbys =
                now.names().subList(Math.min(1, now.names().size()), now.names().size());
        if (!standbys.contains(member)) {
            throw new InvalidSpecException(
                    "member",
                    standbys.isEmpty()
                            ? "the instance has no standby"
                            : "not a standby of the instance; expected one of " + standbys);
        }
    }

    /** How the members of an instance with standbys are restarted. */
    private record Roll(List<String> steps, Duration interruption, List<Preview.Warning> warnings) {}

    /**
     * What standbys need as much of as their primary goes up at the standbys first and down at the primary first, which restarts where it
     * is then: no standby could take its place with less.
     */
    private Roll roll(InstanceDoc now, InstanceSpec spec, Resources size) {
        EngineDriver engine = offering.engine(spec.engine());
        Map<String, String> before = settings(
                sizing(engine, now.spec(), now.projectedResources(), now.spec().parameters()));
        Map<String, String> after = settings(sizing(engine, spec, size, spec.parameters()));
        List<Map<String, String>> all = new ArrayList<>(List.of(before, after));
        if (!now.atLeast().isEmpty()) {
            all.add(now.atLeast());
        }
        Map<String, String> most = engine.standbysNeed(spec.version(), all);
        Map<String, String> then = engine.standbysNeed(spec.version(), List.of(after));
        Set<String> less = new TreeSet<>(most.keySet());
        less.removeIf(name -> Objects.equals(most.get(name), then.get(name)));
        boolean down = !less.isEmpty();
        boolean waits = now.spec().topology().standbys() == 1
                && now.spec().topology().durability() != Durability.ASYNC
                && now.names().size() > 1;
        List<Preview.Warning> warnings = new ArrayList<>();
        warnings.add(down ? Warnings.rollsPrimaryFirst(less) : Warnings.ROLLS);
        warnings.add(Warnings.WRITES_PAUSE);
        if (waits) {
            warnings.add(Warnings.writesWait(now.names().get(1)));
        }
        return new Roll(StepNames.rolling(down), down || waits ? RESTART : SWITCHOVER, warnings);
    }

    private ChangePlan plain(
            InstanceDoc now,
            OperationKind kind,
            Phase phase,
            InstanceSpec spec,
            boolean approval,
            List<Preview.Difference> differences,
            List<Preview.Warning> warnings) {
        return new ChangePlan(
                kind,
                spec,
                now.projectedResources(),
                Optional.empty(),
                StepNames.of(kind, phase, false),
                false,
                Duration.ZERO,
                differences,
                approval,
                false,
                warnings);
    }

    private ChangePlan gone(InstanceDoc now, OperationKind kind, Phase phase, List<Preview.Warning> warnings) {
        return new ChangePlan(
                kind,
                now.spec(),
                now.resources(),
                Optional.empty(),
                StepNames.of(kind, phase, true),
                false,
                Duration.ZERO,
                List.of(),
                false,
                true,
                warnings);
    }

    private ChangePlan delete(InstanceDoc now, Phase phase, Change.Delete delete) {
        if (now.spec().deletionProtection()) {
            throw new ConflictException(
                    ErrorCode.DELETION_PROTECTED,
                    "deletion protection of " + now.spec().name() + " is on; switch it off first");
        }
        Duration retention = delete.retention().orElse(DEFAULT_RETENTION);
        // An ephemeral instance's data may be thrown away at any time, and a failed one has none.
        if (now.spec().ephemeral() || retention.isZero() || phase == Phase.FAILED || phase == Phase.PROVISIONING) {
            return gone(now, OperationKind.DELETE, phase, List.of(Warnings.DATA_REMOVED));
        }
        return plain(
                now,
                OperationKind.DELETE,
                phase,
                now.spec(),
                false,
                List.of(),
                List.of(Warnings.recoverable(retention)));
    }

    /** Returns how long a deleted instance stays in the recycle bin. */
    public static Duration retention(Change change) {
        return change instanceof Change.Delete delete
                ? delete.retention().orElse(DEFAULT_RETENTION)
                : DEFAULT_RETENTION;
    }

    private ChangePlan resize(InstanceDoc now, Phase phase, Change.Resize change, TenantSpec tenant) {
        EngineDriver engine = offering.engine(now.spec().engine());
        DeliveryDriver delivery = offering.delivery(now.delivery());
        Resources before = now.projectedResources();
        Resources after =
                change.plan().map(offering::plan).or(change::resources).orElseThrow();
        if (after.storage().compareTo(before.storage()) < 0) {
            throw new ConflictException(
                    ErrorCode.SHRINK_UNSUPPORTED,
                    "storage grows, it never shrinks: it has " + before.storage() + ", asked were " + after.storage());
        }
        fits(delivery, now.spec(), after);
        InstanceSpec spec = InstanceSpec.builder()
                .from(now.spec())
                .plan(change.plan())
                .resources(change.resources())
                .build();
        Sizing old = sizing(engine, spec, before, spec.parameters());
        Sizing sizing = sizing(engine, spec, after, spec.parameters());
        Set<String> restarts = engine.restartNeeded(spec.version(), settings(old), settings(sizing));
        boolean running = phase.running();
        boolean inPlace = delivery.capabilities().contains(Capability.RESIZE_IN_PLACE);
        boolean restart = running && (!restarts.isEmpty() || !inPlace || now.mixed());
        Optional<Roll> roll = restart && now.spec().topology().standbys() > 0
                ? Optional.of(roll(now, spec, after))
                : Optional.empty();
        List<Preview.Difference> differences = new ArrayList<>();
        difference(
                differences, "cpus", before.cpus().toPlainString(), after.cpus().toPlainString());
        difference(
                differences,
                "memory",
                before.memory().toString(),
                after.memory().toString());
        difference(
                differences,
                "storage",
                before.storage().toString(),
                after.storage().toString());
        differences.addAll(differences(settings(old), settings(sizing), reasons(sizing)));
        List<Preview.Warning> warnings = new ArrayList<>(limits(delivery));
        if (restart) {
            warnings.add(inPlace ? Warnings.restarts(restarts) : Warnings.RESTARTS_FOR_LIMITS);
        }
        roll.ifPresent(how -> warnings.addAll(how.warnings()));
        return new ChangePlan(
                OperationKind.RESIZE,
                spec,
                after,
                Optional.of(after),
                roll.map(Roll::steps).orElseGet(() -> resizeSteps(running, restart, inPlace)),
                restart,
                roll.map(Roll::interruption).orElse(restart ? RESTART : Duration.ZERO),
                differences,
                tenant.approvalRequired(),
                false,
                warnings);
    }

    private static List<String> resizeSteps(boolean running, boolean restart, boolean inPlace) {
        if (!running) {
            return List.of(StepNames.LIMITS, StepNames.FILES);
        } else if (!restart) {
            return List.of(StepNames.LIMITS, StepNames.FILES, StepNames.PUBLISH);
        } else if (inPlace) {
            return List.of(StepNames.FILES, StepNames.STOP, StepNames.LIMITS, StepNames.START, StepNames.PUBLISH);
        }
        return List.of(StepNames.STOP, StepNames.LIMITS, StepNames.FILES, StepNames.START, StepNames.PUBLISH);
    }

    private ChangePlan parameters(InstanceDoc now, Phase phase, Change.Parameters change) {
        EngineDriver engine = offering.engine(now.spec().engine());
        DeliveryDriver delivery = offering.delivery(now.delivery());
        Map<String, String> wanted = new LinkedHashMap<>(now.spec().parameters());
        for (String name : change.reset()) {
            if (change.set().containsKey(name)) {
                throw new InvalidSpecException(ErrorCode.PARAMETER_INVALID, "parameters." + name, "both set and reset");
            }
            if (wanted.remove(name) == null) {
                throw new InvalidSpecException(
                        ErrorCode.PARAMETER_INVALID, "parameters." + name, "is not set, so it cannot be reset");
            }
        }
        wanted.putAll(parameters(delivery, now.spec(), change.set()));
        InstanceSpec spec =
                InstanceSpec.builder().from(now.spec()).parameters(wanted).build();
        Resources size = now.projectedResources();
        Map<String, String> before =
                settings(sizing(engine, spec, size, now.spec().parameters()));
        Sizing sizing = sizing(engine, spec, size, wanted);
        Map<String, String> after = settings(sizing);
        Set<String> restarts = engine.restartNeeded(spec.version(), before, after);
        Set<String> waiting = new TreeSet<>(restarts);
        if (change.restart()) {
            waiting.addAll(now.pendingRestart());
        }
        boolean needed = phase.running() && !waiting.isEmpty();
        boolean restart = needed && change.restart();
        Optional<Roll> roll =
                restart && now.spec().topology().standbys() > 0 ? Optional.of(roll(now, spec, size)) : Optional.empty();
        List<Preview.Warning> warnings = new ArrayList<>();
        if (needed) {
            warnings.add(restart ? Warnings.restarts(waiting) : Warnings.nextRestart(waiting));
        }
        roll.ifPresent(how -> warnings.addAll(how.warnings()));
        return new ChangePlan(
                OperationKind.PARAMETERS,
                spec,
                size,
                Optional.empty(),
                roll.map(Roll::steps)
                        .orElseGet(() -> restart
                                ? List.of(StepNames.FILES, StepNames.STOP, StepNames.START, StepNames.PUBLISH)
                                : StepNames.of(OperationKind.PARAMETERS, phase, false)),
                restart,
                roll.map(Roll::interruption).orElse(restart ? RESTART : Duration.ZERO),
                differences(before, after, reasons(sizing)),
                false,
                false,
                warnings);
    }

    /** Returns the specification with the change of what only people read. */
    static InstanceSpec updated(InstanceSpec spec, Change.Update update) {
        InstanceSpec.Builder builder = InstanceSpec.builder().from(spec);
        update.displayName().ifPresent(builder::displayName);
        update.description()
                .ifPresent(text -> builder.description(text.isEmpty() ? Optional.empty() : Optional.of(text)));
        update.tags().ifPresent(builder::tags);
        update.deletionProtection().ifPresent(builder::deletionProtection);
        return builder.build();
    }

    /** Returns what the instance is after a change that was planned when others were still ahead of it. */
    public static InstanceSpec applied(InstanceSpec spec, Change change) {
        InstanceSpec.Builder builder = InstanceSpec.builder().from(spec);
        if (change instanceof Change.Resize resize) {
            return builder.plan(resize.plan()).resources(resize.resources()).build();
        } else if (change instanceof Change.Access access) {
            return builder.whitelist(access.whitelist()).build();
        } else if (change instanceof Change.Parameters parameters) {
            Map<String, String> wanted = new LinkedHashMap<>(spec.parameters());
            wanted.keySet().removeAll(parameters.reset());
            wanted.putAll(parameters.set());
            return builder.parameters(wanted).build();
        } else if (change instanceof Change.Update update) {
            return updated(spec, update);
        } else if (change instanceof Change.AddStandby) {
            return builder.topology(spec.topology().withStandbys(spec.topology().standbys() + 1))
                    .build();
        } else if (change instanceof Change.RemoveStandby && spec.topology().standbys() > 0) {
            return builder.topology(spec.topology().withStandbys(spec.topology().standbys() - 1))
                    .build();
        }
        return spec;
    }

    private Map<String, String> parameters(DeliveryDriver delivery, InstanceSpec spec, Map<String, String> asked) {
        if (asked.isEmpty()) {
            return asked;
        }
        ParameterCatalogue catalogue = offering.parameters(delivery, spec.engine(), spec.version());
        Map<String, String> checked = new TreeMap<>();
        asked.forEach((name, value) -> checked.put(name, catalogue.check(name, value)));
        return checked;
    }

    private static Sizing sizing(
            EngineDriver engine, InstanceSpec spec, Resources size, Map<String, String> parameters) {
        return spec.ephemeral()
                ? engine.ephemeralSizing(spec.version(), size, parameters)
                : engine.sizing(spec.version(), size, parameters);
    }

    private void fits(DeliveryDriver delivery, InstanceSpec spec, Resources size) {
        List<PlaceCapacity.Host> hosts = offering.capacity(delivery).hosts().stream()
                .filter(host -> spec.zone().map(host.location().zone()::equals).orElse(true))
                .toList();
        if (hosts.isEmpty()) {
            throw new InvalidSpecException("zone", "the place " + delivery.id() + " has no such zone");
        }
        boolean cpuMatters = delivery.capabilities().contains(Capability.CPU_LIMIT);
        if (hosts.stream()
                .noneMatch(host -> (!cpuMatters || host.cpuMillis() >= size.cpuMillis())
                        && host.memory().compareTo(size.memory()) >= 0
                        && (spec.ephemeral() || host.storage().compareTo(size.storage()) >= 0))) {
            PlaceCapacity.Host best = hosts.get(0);
            throw new ConflictException(
                    ErrorCode.CAPACITY_EXCEEDED,
                    "no host of " + delivery.id() + " has room for "
                            + size.cpus().toPlainString() + " cpus, "
                            + size.memory() + " memory and " + size.storage() + " storage; "
                            + best.location().host() + " has " + best.cpuMillis() / 1_000.0 + " cpus, "
                            + gib(best.memory()) + " memory and " + gib(best.storage()) + " storage");
        }
    }

    private static String gib(DataSize size) {
        return String.format(
                java.util.Locale.ROOT,
                "%.1f GiB",
                size.bytes() / (double) DataSize.gib(1).bytes());
    }

    private static void require(DeliveryDriver delivery, Capability capability, String field) {
        if (!delivery.capabilities().contains(capability)) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED, field, "the place " + delivery.id() + " lacks " + capability);
        }
    }

    /** Says what is known of the place when there are standbys. */
    private static List<Preview.Warning> together(DeliveryDriver delivery) {
        return delivery.capabilities().contains(Capability.SEVERAL_HOSTS)
                ? List.of()
                : List.of(Warnings.oneHost(delivery.id()));
    }

    private static List<Preview.Warning> limits(DeliveryDriver delivery) {
        List<Preview.Warning> warnings = new ArrayList<>();
        for (Capability capability : List.of(Capability.CPU_LIMIT, Capability.MEMORY_LIMIT, Capability.STORAGE_LIMIT)) {
            if (!delivery.capabilities().contains(capability)) {
                warnings.add(Warnings.notEnforced(delivery.id(), capability));
            }
        }
        return warnings;
    }

    private static boolean wideOpen(List<Cidr> before, List<Cidr> after) {
        return after.stream().anyMatch(cidr -> cidr.wideOpen() && !before.contains(cidr));
    }

    /** Returns the settings of a size by name. */
    public static Map<String, String> settings(Sizing sizing) {
        Map<String, String> settings = new LinkedHashMap<>();
        sizing.settings().forEach(setting -> settings.put(setting.name(), setting.value()));
        return settings;
    }

    private static Map<String, String> reasons(Sizing sizing) {
        Map<String, String> reasons = new LinkedHashMap<>();
        sizing.settings().forEach(setting -> reasons.put(setting.name(), setting.reason()));
        return reasons;
    }

    private static List<Preview.Difference> differences(
            Map<String, String> before, Map<String, String> after, Map<String, String> reasons) {
        List<Preview.Difference> differences = new ArrayList<>();
        Set<String> names = new TreeSet<>(before.keySet());
        names.addAll(after.keySet());
        for (String name : names) {
            Optional<String> was = Optional.ofNullable(before.get(name));
            Optional<String> is = Optional.ofNullable(after.get(name));
            if (!was.equals(is)) {
                differences.add(new Preview.Difference(name, was, is, reasons.getOrDefault(name, "no longer implied")));
            }
        }
        return differences;
    }

    private static void difference(List<Preview.Difference> out, String name, String before, String after) {
        if (!before.equals(after)) {
            out.add(new Preview.Difference(name, Optional.of(before), Optional.of(after), "as asked"));
        }
    }
}
