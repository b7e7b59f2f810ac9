package dev.tenon.core.operation;

import static dev.tenon.core.operation.Phase.ACTIVE;
import static dev.tenon.core.operation.Phase.DELETED;
import static dev.tenon.core.operation.Phase.FAILED;
import static dev.tenon.core.operation.Phase.FROZEN;
import static dev.tenon.core.operation.Phase.PROVISIONING;
import static dev.tenon.core.operation.Phase.RECYCLED;
import static dev.tenon.core.operation.Phase.REQUESTED;
import static dev.tenon.core.operation.Phase.STOPPED;

import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.OperationKind;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which operation is legal in which phase, and the phase after it has succeeded: one table. It is asked twice, when an operation
 * is submitted (with the phase as it will be after what is queued already) and again when it begins.
 */
public final class Legality {
    /**
     * One line of the table.
     *
     * @param from phases in which the operation may begin
     * @param to the phase after it; absent if it stays, or depends on what was before the recycle bin
     */
    record Rule(Set<Phase> from, Optional<Phase> to) {}

    private static final Map<OperationKind, Rule> TABLE = table();

    private Legality() {}

    private static Map<OperationKind, Rule> table() {
        Map<OperationKind, Rule> table = new EnumMap<>(OperationKind.class);
        table.put(OperationKind.CREATE, to(ACTIVE, REQUESTED, PROVISIONING));
        table.put(OperationKind.START, to(ACTIVE, STOPPED));
        table.put(OperationKind.STOP, to(STOPPED, ACTIVE));
        table.put(OperationKind.RESTART, stays(ACTIVE));
        table.put(OperationKind.FREEZE, to(FROZEN, ACTIVE, STOPPED));
        table.put(OperationKind.UNFREEZE, to(ACTIVE, FROZEN));
        table.put(OperationKind.RESIZE, stays(ACTIVE, STOPPED));
        // Failed too, so that its protection can be lifted and it can be deleted.
        table.put(OperationKind.UPDATE, stays(ACTIVE, STOPPED, FROZEN, FAILED));
        table.put(OperationKind.ACCESS, stays(ACTIVE, STOPPED));
        table.put(OperationKind.PARAMETERS, stays(ACTIVE, STOPPED));
        // Provisioning is seen here only while a creation is parked: a queued one projects to Active.
        table.put(OperationKind.DELETE, to(RECYCLED, ACTIVE, STOPPED, FROZEN, FAILED, PROVISIONING));
        table.put(OperationKind.RECOVER, to(ACTIVE, RECYCLED));
        table.put(OperationKind.PURGE, to(DELETED, RECYCLED, FAILED));
        table.put(OperationKind.ACCOUNT_CREATE, stays(ACTIVE));
        table.put(OperationKind.ACCOUNT_GRANT, stays(ACTIVE));
        table.put(OperationKind.ACCOUNT_PASSWORD, stays(ACTIVE));
        table.put(OperationKind.ACCOUNT_DROP, stays(ACTIVE));
        table.put(OperationKind.DATABASE_CREATE, stays(ACTIVE));
        table.put(OperationKind.DATABASE_DROP, stays(ACTIVE));
        table.put(OperationKind.STANDBY_ADD, stays(ACTIVE));
        table.put(OperationKind.STANDBY_REMOVE, stays(ACTIVE));
        table.put(OperationKind.STANDBY_REBUILD, stays(ACTIVE));
        table.put(OperationKind.SWITCHOVER, stays(ACTIVE));
        table.put(OperationKind.FAILOVER, stays(ACTIVE));
        table.put(OperationKind.HEAL, stays(ACTIVE, STOPPED, FROZEN));
        return table;
    }

    private static Rule to(Phase to, Phase first, Phase... more) {
        return new Rule(EnumSet.of(first, more), Optional.of(to));
    }

    private static Rule stays(Phase first, Phase... more) {
        return new Rule(EnumSet.of(first, more), Optional.empty());
    }

    /** Returns whether the operation may begin in this phase. */
    public static boolean allowed(OperationKind kind, Phase phase) {
        return rule(kind).from().contains(phase);
    }

    /** Returns the operations that people may ask for in this phase. */
    public static Set<OperationKind> allowed(Phase phase) {
        Set<OperationKind> kinds = EnumSet.allOf(OperationKind.class);
        // These begin by themselves: with a new instance, and when one is not what it shall be.
        kinds.removeAll(EnumSet.of(OperationKind.CREATE, OperationKind.HEAL));
        kinds.removeIf(kind -> !allowed(kind, phase));
        return kinds;
    }

    /** Returns the phase after the operation has succeeded. */
    public static Phase after(OperationKind kind, Phase phase) {
        return rule(kind).to().orElse(phase);
    }

    /**
     * Requires that the operation may begin in this phase.
     *
     * @throws ConflictException {@code ILLEGAL_STATE}, naming the phases that allow it
     */
    public static void require(OperationKind kind, Phase phase) {
        if (!allowed(kind, phase)) {
            throw new ConflictException(ErrorCode.ILLEGAL_STATE, refusal(kind, phase));
        }
    }

    /** Returns why the operation may not begin in this phase. */
    public static String refusal(OperationKind kind, Phase phase) {
        return "the instance is " + phase.title() + "; " + kind + " needs "
                + rule(kind).from().stream().sorted().map(Phase::title).collect(Collectors.joining(" or "));
    }

    private static Rule rule(OperationKind kind) {
        Rule rule = TABLE.get(kind);
        if (rule == null) {
            throw new IllegalStateException("the table lacks " + kind);
        }
        return rule;
    }
}
