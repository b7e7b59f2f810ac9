package dev.tenon.core.catalogue;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.core.spec.Charge;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.PlaceCapacity;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.StateStore;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What is promised at each place to all instances together, as counters of the store: charged in the commit that promises it, so that
 * control planes that promise at the same time never promise more than there is. Thread-safe.
 */
public final class PlaceLedger {
    private static final String SCOPE = "place:";
    private static final String CPU = "cpuMillis";
    private static final String MEMORY = "memory";
    private static final String STORAGE = "storage";

    private final StateStore store;
    private final Offering offering;
    private final double cpuOvercommit;
    private final double memoryOvercommit;

    /**
     * Counts in an open store.
     *
     * @param cpuOvercommit multiple of a place's processors that may be promised
     * @param memoryOvercommit multiple of its memory
     */
    public PlaceLedger(StateStore store, Offering offering, double cpuOvercommit, double memoryOvercommit) {
        this.store = store;
        this.offering = offering;
        this.cpuOvercommit = cpuOvercommit;
        this.memoryOvercommit = memoryOvercommit;
    }

    /**
     * Returns the changes of a place's counters for a difference between charges.
     *
     * @param ephemeral whether its storage is not reserved
     */
    public List<Commit.Add> adds(String place, Charge delta, boolean ephemeral) {
        long storage = ephemeral ? 0 : delta.storage();
        boolean more = delta.cpuMillis() > 0 || delta.memory() > 0 || storage > 0;
        // What is given back needs no look at the place, which may not be there any more.
        Charge most = more ? most(place) : Charge.NONE;
        List<Commit.Add> adds = new ArrayList<>();
        add(adds, place, CPU, delta.cpuMillis(), most.cpuMillis());
        add(adds, place, MEMORY, delta.memory(), most.memory());
        add(adds, place, STORAGE, storage, most.storage());
        return adds;
    }

    private static void add(List<Commit.Add> adds, String place, String name, long delta, long max) {
        if (delta != 0) {
            adds.add(new Commit.Add(SCOPE + place, name, delta, max));
        }
    }

    private Charge most(String place) {
        DeliveryDriver delivery = offering.delivery(place);
        long cpu = 0;
        long memory = 0;
        long storage = 0;
        for (PlaceCapacity.Host host : offering.capacity(delivery).hosts()) {
            cpu += host.cpuMillis();
            memory += host.memory().bytes();
            storage += host.storageInAll().bytes();
        }
        // Where the place does not limit processors, what is ordered of them is not reserved either.
        boolean limited = delivery.capabilities().contains(Capability.CPU_LIMIT);
        return new Charge(
                limited ? (long) (cpu * cpuOvercommit) : Long.MAX_VALUE,
                (long) (memory * memoryOvercommit),
                storage,
                Long.MAX_VALUE,
                Long.MAX_VALUE);
    }

    /**
     * Requires that a difference fits, as far as can be seen now; the commit decides.
     *
     * @throws ConflictException {@code CAPACITY_EXCEEDED} with what lacks
     */
    public void require(String place, Charge delta, boolean ephemeral) {
        lacking(adds(place, delta, ephemeral)).ifPresent(failure -> {
            throw failure;
        });
    }

    /** Returns the failure for a commit that a counter refused, if it was one of a place. */
    public Optional<ConflictException> lacking(List<Commit.Add> adds) {
        List<String> problems = new ArrayList<>();
        List<Commit.Add> own =
                adds.stream().filter(add -> add.scope().startsWith(SCOPE)).toList();
        for (Commit.Add add : own) {
            long promised = store.counter(add.scope(), add.name());
            if (add.delta() > 0 && promised + add.delta() > add.max()) {
                problems.add(add.name().replace(CPU, "cpus") + ": " + text(add.name(), promised) + " promised + "
                        + text(add.name(), add.delta()) + " asked > " + text(add.name(), add.max()));
            }
        }
        if (problems.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new ConflictException(
                ErrorCode.CAPACITY_EXCEEDED,
                "the place " + own.get(0).scope().substring(SCOPE.length()) + " has no room: "
                        + problems.stream().collect(Collectors.joining("; "))));
    }

    private static String text(String name, long amount) {
        return name.equals(CPU)
                ? BigDecimal.valueOf(amount, 3).stripTrailingZeros().toPlainString()
                : DataSize.bytes(amount).toString();
    }
}
