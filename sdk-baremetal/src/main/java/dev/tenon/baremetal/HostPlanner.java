package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.workload.Placement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Chooses the host of a new member: state in, decision out. */
final class HostPlanner {
    private HostPlanner() {}

    /** Which of several fitting hosts is better. */
    enum Strategy {
        /** The one with the most room left, so that the loss of one host hits few. */
        SPREAD,
        /** The one with the least room left, so that others stay free for large members. */
        PACK
    }

    /**
     * Amounts of what can run out.
     *
     * @param cpuMillis processors in thousandths
     * @param memory bytes
     * @param storage bytes
     */
    record Amounts(long cpuMillis, long memory, long storage) {
        static final Amounts NOTHING = new Amounts(0, 0, 0);

        Amounts plus(Amounts other) {
            return new Amounts(cpuMillis + other.cpuMillis, memory + other.memory, storage + other.storage);
        }

        HostStatus.Room room() {
            return new HostStatus.Room(cpuMillis, DataSize.bytes(memory), DataSize.bytes(storage));
        }

        /** Returns so many hundredths of it. */
        Amounts share(int percent) {
            return new Amounts(cpuMillis / 100 * percent, memory / 100 * percent, storage / 100 * percent);
        }
    }

    /**
     * A host that might take it.
     *
     * @param location zone and name
     * @param mode whether it takes new members
     * @param unreachable why it cannot be asked now, if so
     * @param usable what members may use of it, the share for others taken off
     * @param committed what its members were promised
     * @param members names of the members of the same instance that it carries
     */
    record Candidate(
            Location location,
            HostStatus.Mode mode,
            Optional<String> unreachable,
            Amounts usable,
            Amounts committed,
            Set<String> members) {
        Candidate {
            members = Set.copyOf(members);
        }

        /** Returns how full the fullest of its resources would be, in thousandths. */
        private long fullness(Amounts wanted) {
            Amounts sum = committed.plus(wanted);
            return Math.max(
                    permille(sum.cpuMillis(), usable.cpuMillis()),
                    Math.max(permille(sum.memory(), usable.memory()), permille(sum.storage(), usable.storage())));
        }

        private static long permille(long part, long whole) {
            return whole <= 0 ? Long.MAX_VALUE : part / Math.max(1, whole / 1000);
        }
    }

    /**
     * What is to be placed.
     *
     * @param amounts what it is promised
     * @param placement where it may be
     */
    record Demand(Amounts amounts, Placement placement) {}

    /** The answer. */
    sealed interface Decision {
        /** It goes there. */
        record Chosen(Location location) implements Decision {}

        /** No host can take it; one reason for each. */
        record Refused(List<String> reasons) implements Decision {
            public Refused {
                reasons = List.copyOf(reasons);
            }
        }
    }

    /** Chooses; the same for the same input, whatever the order of the hosts. */
    static Decision choose(List<Candidate> hosts, Demand demand, Strategy strategy) {
        Set<String> takenZones = hosts.stream()
                .filter(h -> demand.placement().apartFrom().stream().anyMatch(h.members()::contains))
                .map(h -> h.location().zone())
                .collect(Collectors.toSet());
        List<String> reasons = new ArrayList<>();
        List<Candidate> fitting = new ArrayList<>();
        for (Candidate host : hosts) {
            Optional<String> reason = reason(host, demand, takenZones);
            reason.ifPresentOrElse(
                    r -> reasons.add(
                            host.location().host() + " (" + host.location().zone() + "): " + r),
                    () -> fitting.add(host));
        }
        Comparator<Candidate> emptiest = Comparator.comparingLong(h -> h.fullness(demand.amounts()));
        Comparator<Candidate> best = (strategy == Strategy.SPREAD ? emptiest : emptiest.reversed())
                .thenComparing(h -> h.location().host());
        // Other members of the instance on the same host make it worse even where that is allowed.
        return fitting.stream()
                .min(Comparator.<Candidate>comparingInt(h -> h.members().size()).thenComparing(best))
                .<Decision>map(h -> new Decision.Chosen(h.location()))
                .orElseGet(() -> new Decision.Refused(hosts.isEmpty() ? List.of("there is no host") : reasons));
    }

    private static Optional<String> reason(Candidate host, Demand demand, Set<String> takenZones) {
        switch (host.mode()) {
            case DISABLED -> {
                return Optional.of("is disabled");
            }
            case DRAINING -> {
                return Optional.of("is being drained");
            }
            case LOST -> {
                return Optional.of("is lost for good");
            }
            case ENABLED -> {
                // goes on below
            }
        }
        if (host.unreachable().isPresent()) {
            return Optional.of("cannot be reached: " + host.unreachable().get());
        }
        Optional<String> zone = demand.placement().zone();
        if (zone.isPresent() && !zone.get().equals(host.location().zone())) {
            return Optional.of("is not in zone " + zone.get());
        }
        Optional<String> sibling = host.members().stream()
                .filter(demand.placement().apartFrom()::contains)
                .sorted()
                .findFirst();
        if (sibling.isPresent()) {
            return Optional.of("carries " + sibling.get() + " of the same instance");
        }
        if (demand.placement().otherZones()
                && takenZones.contains(host.location().zone())) {
            return Optional.of("its zone carries another member of the same instance");
        }
        Amounts wanted = demand.amounts();
        List<String> lacks = new ArrayList<>();
        long cpu = host.usable().cpuMillis() - host.committed().cpuMillis();
        if (wanted.cpuMillis() > cpu) {
            lacks.add("processors (needs " + wanted.cpuMillis() / 1000.0 + ", has " + Math.max(0, cpu) / 1000.0 + ")");
        }
        lack(
                lacks,
                "memory",
                wanted.memory(),
                host.usable().memory() - host.committed().memory());
        lack(
                lacks,
                "storage",
                wanted.storage(),
                host.usable().storage() - host.committed().storage());
        return lacks.isEmpty() ? Optional.empty() : Optional.of("lacks " + String.join(", ", lacks));
    }

    private static void lack(List<String> lacks, String what, long wanted, long left) {
        if (wanted > left) {
            lacks.add(what + " (needs " + DataSize.bytes(wanted) + ", has " + DataSize.bytes(Math.max(0, left)) + ")");
        }
    }
}
