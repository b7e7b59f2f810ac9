package dev.tenon.core.spec;

import dev.tenon.api.Resources;

/**
 * What an instance takes of its tenant's quota. The tenant's counters are always the sum of the charges of its instances: they
 * change in the same commit, by the difference.
 *
 * @param cpuMillis processors in thousandths
 * @param memory bytes
 * @param storage bytes
 * @param instances 0 or 1
 * @param owned 1 until it is purged: what keeps its tenant from being deleted
 */
public record Charge(long cpuMillis, long memory, long storage, long instances, long owned) {
    /** Nothing. */
    public static final Charge NONE = new Charge(0, 0, 0, 0, 0);

    /** Returns the charge of an instance that runs or can be started. */
    public static Charge whole(Resources each, int members) {
        return new Charge(
                (long) each.cpuMillis() * members,
                Math.multiplyExact(each.memory().bytes(), members),
                Math.multiplyExact(each.storage().bytes(), members),
                1,
                1);
    }

    /** Returns the charge of an instance in the recycle bin. */
    public static Charge storageOnly(Resources each, int members) {
        return new Charge(0, 0, whole(each, members).storage(), 0, 1);
    }

    /** Returns the charge of an instance that could not be made: it counts, so that failures cannot pile up without bound. */
    public static Charge countOnly() {
        return new Charge(0, 0, 0, 1, 1);
    }

    /** Returns the greater of both in each resource. */
    public Charge max(Charge other) {
        return new Charge(
                Math.max(cpuMillis, other.cpuMillis),
                Math.max(memory, other.memory),
                Math.max(storage, other.storage),
                Math.max(instances, other.instances),
                Math.max(owned, other.owned));
    }

    /** Returns the difference. */
    public Charge minus(Charge other) {
        return new Charge(
                cpuMillis - other.cpuMillis,
                memory - other.memory,
                storage - other.storage,
                instances - other.instances,
                owned - other.owned);
    }
}
