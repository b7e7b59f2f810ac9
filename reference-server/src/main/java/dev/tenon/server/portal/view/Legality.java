package dev.tenon.server.portal.view;

import dev.tenon.api.Lifecycle;
import dev.tenon.api.OperationKind;
import java.util.EnumSet;
import java.util.Set;

/**
 * Which buttons are offered in which lifecycle. The control plane decides; this only keeps people from pressing what it would
 * refuse anyway.
 */
public final class Legality {
    private static final Set<OperationKind> OBJECTS = EnumSet.of(
            OperationKind.ACCOUNT_CREATE,
            OperationKind.ACCOUNT_GRANT,
            OperationKind.ACCOUNT_PASSWORD,
            OperationKind.ACCOUNT_DROP,
            OperationKind.DATABASE_CREATE,
            OperationKind.DATABASE_DROP);
    private static final Set<OperationKind> RUNNING = with(
            OBJECTS,
            OperationKind.STOP,
            OperationKind.RESTART,
            OperationKind.FREEZE,
            OperationKind.RESIZE,
            OperationKind.UPDATE,
            OperationKind.ACCESS,
            OperationKind.PARAMETERS,
            OperationKind.DELETE);
    private static final Set<OperationKind> STOPPED = EnumSet.of(
            OperationKind.START,
            OperationKind.FREEZE,
            OperationKind.RESIZE,
            OperationKind.UPDATE,
            OperationKind.ACCESS,
            OperationKind.PARAMETERS,
            OperationKind.DELETE);
    private static final Set<OperationKind> FROZEN =
            EnumSet.of(OperationKind.UNFREEZE, OperationKind.UPDATE, OperationKind.DELETE);
    private static final Set<OperationKind> RECYCLED = EnumSet.of(OperationKind.RECOVER, OperationKind.PURGE);
    private static final Set<OperationKind> FAILED =
            EnumSet.of(OperationKind.UPDATE, OperationKind.DELETE, OperationKind.PURGE);
    private static final Set<OperationKind> NONE = EnumSet.noneOf(OperationKind.class);

    private Legality() {}

    /** Returns whether an operation is offered in a lifecycle. */
    public static boolean allows(Lifecycle lifecycle, OperationKind kind) {
        return in(lifecycle).contains(kind);
    }

    private static Set<OperationKind> in(Lifecycle lifecycle) {
        if (lifecycle instanceof Lifecycle.Active) {
            return RUNNING;
        } else if (lifecycle instanceof Lifecycle.Stopped) {
            return STOPPED;
        } else if (lifecycle instanceof Lifecycle.Frozen) {
            return FROZEN;
        } else if (lifecycle instanceof Lifecycle.Recycled) {
            return RECYCLED;
        } else if (lifecycle instanceof Lifecycle.Failed) {
            return FAILED;
        } else {
            return NONE; // Requested, PendingApproval, Provisioning, Deleted
        }
    }

    private static Set<OperationKind> with(Set<OperationKind> some, OperationKind... more) {
        EnumSet<OperationKind> all = EnumSet.copyOf(some);
        all.addAll(Set.of(more));
        return all;
    }
}
