package dev.tenon.core.tenancy;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Preview;
import dev.tenon.api.Quota;
import dev.tenon.api.TenantId;
import dev.tenon.core.spec.Charge;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.StateStore;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Quotas as counters of the store: charged in the commit that needs them, so they are never exceeded, whoever else charges. */
public final class QuotaLedger {
    static final String CPU = "cpuMillis";
    static final String MEMORY = "memory";
    static final String STORAGE = "storage";
    static final String INSTANCES = "instances";
    static final String OWNED = "owned";
    /** The counter of a tenant's unfinished operations. */
    public static final String OPERATIONS = "operations";

    private QuotaLedger() {}

    /** Returns the scope of a tenant's counters. */
    public static String scope(TenantId tenant) {
        return "quota:" + tenant.value();
    }

    /** Returns the changes of the counters for a difference between charges. */
    public static List<Commit.Add> adds(TenantId tenant, Charge delta, Quota quota) {
        List<Commit.Add> adds = new ArrayList<>();
        add(adds, tenant, CPU, delta.cpuMillis(), millis(quota.cpus()));
        add(adds, tenant, MEMORY, delta.memory(), quota.memory().bytes());
        add(adds, tenant, STORAGE, delta.storage(), quota.storage().bytes());
        add(adds, tenant, INSTANCES, delta.instances(), quota.instances());
        add(adds, tenant, OWNED, delta.owned(), Long.MAX_VALUE);
        return adds;
    }

    private static void add(List<Commit.Add> adds, TenantId tenant, String name, long delta, long max) {
        if (delta != 0) {
            adds.add(new Commit.Add(scope(tenant), name, delta, max));
        }
    }

    /** Returns what a difference does to the quota, for people. */
    public static List<Preview.QuotaEffect> effects(StateStore store, TenantId tenant, Charge delta, Quota quota) {
        String scope = scope(tenant);
        long cpu = store.counter(scope, CPU);
        long memory = store.counter(scope, MEMORY);
        long storage = store.counter(scope, STORAGE);
        long instances = store.counter(scope, INSTANCES);
        return List.of(
                new Preview.QuotaEffect("cpus", cpus(cpu), cpus(cpu + delta.cpuMillis()), cpus(millis(quota.cpus()))),
                new Preview.QuotaEffect(
                        "memory",
                        size(memory),
                        size(memory + delta.memory()),
                        size(quota.memory().bytes())),
                new Preview.QuotaEffect(
                        "storage",
                        size(storage),
                        size(storage + delta.storage()),
                        size(quota.storage().bytes())),
                new Preview.QuotaEffect(
                        "instances",
                        Long.toString(instances),
                        Long.toString(instances + delta.instances()),
                        Integer.toString(quota.instances())));
    }

    /**
     * Requires that a difference fits, as far as can be seen now; the commit decides.
     *
     * @throws ConflictException {@code QUOTA_EXCEEDED} with the numbers
     */
    public static void require(StateStore store, TenantId tenant, Charge delta, Quota quota) {
        List<String> problems = new ArrayList<>();
        for (Commit.Add add : adds(tenant, delta, quota)) {
            long used = store.counter(add.scope(), add.name());
            if (add.delta() > 0 && used + add.delta() > add.max()) {
                problems.add(problem(add, used));
            }
        }
        if (!problems.isEmpty()) {
            throw exceeded(problems);
        }
    }

    /** Returns the failure for a commit that a counter refused. */
    public static ConflictException exceeded(StateStore store, List<Commit.Add> adds) {
        List<String> problems = new ArrayList<>();
        for (Commit.Add add : adds) {
            long used = store.counter(add.scope(), add.name());
            if (add.delta() > 0 && used + add.delta() > add.max()) {
                if (add.name().equals(OPERATIONS)) {
                    return new ConflictException(
                            ErrorCode.TOO_MANY_REQUESTS,
                            used + " operations of the tenant are unfinished; at most " + add.max()
                                    + " may be. Try again later");
                }
                problems.add(problem(add, used));
            }
        }
        // Another commit may have given it back since: the numbers that refused it are then gone.
        return exceeded(problems.isEmpty() ? List.of("it was used up for a moment; try again") : problems);
    }

    private static ConflictException exceeded(List<String> problems) {
        return new ConflictException(
                ErrorCode.QUOTA_EXCEEDED, "the tenant's quota does not allow it: " + String.join("; ", problems));
    }

    private static String problem(Commit.Add add, long used) {
        return switch (add.name()) {
            case CPU -> "cpus: " + cpus(used) + " used + " + cpus(add.delta()) + " asked > " + cpus(add.max());
            case MEMORY, STORAGE ->
                add.name() + ": " + size(used) + " used + " + size(add.delta()) + " asked > " + size(add.max());
            default -> add.name() + ": " + used + " used + " + add.delta() + " asked > " + add.max();
        };
    }

    private static long millis(BigDecimal cpus) {
        return cpus.movePointRight(3).longValueExact();
    }

    private static String cpus(long millis) {
        return BigDecimal.valueOf(millis, 3).stripTrailingZeros().toPlainString();
    }

    private static String size(long bytes) {
        return DataSize.bytes(bytes).toString();
    }
}
