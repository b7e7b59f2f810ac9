package dev.tenon.server.portal.view;

import dev.tenon.api.InstanceView;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Member;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * One instance as lists and its own page show it.
 *
 * @param view the instance
 * @param operation what is done to it now, if anything
 */
public record InstanceRow(InstanceView view, Optional<OperationView> operation) {
    private static final Set<OperationKind> RUN_STATE = EnumSet.of(
            OperationKind.START,
            OperationKind.STOP,
            OperationKind.RESTART,
            OperationKind.FREEZE,
            OperationKind.UNFREEZE,
            OperationKind.RECOVER);

    /** Returns whether an action is offered. */
    public boolean may(OperationKind kind) {
        boolean moving =
                operation.filter(o -> o.state() != OperationState.PARKED).isPresent();
        boolean coming = view.lifecycle() instanceof Lifecycle.Requested
                || view.lifecycle() instanceof Lifecycle.PendingApproval
                || view.lifecycle() instanceof Lifecycle.Provisioning;
        if (moving && (coming || RUN_STATE.contains(kind))) {
            return false; // the operation under way is about to change what this would depend on
        }
        return view.allowed().contains(kind);
    }

    /** Returns the name for people, or the technical one. */
    public String title() {
        return view.spec().displayName().orElse(view.spec().name());
    }

    /** Returns the size class's name, or the key of the word for a size of one's own. */
    public Optional<String> plan() {
        return view.spec().plan();
    }

    /** Returns a member's role, also of one that does not run: the first is the primary. */
    public String role(Member member) {
        if (!member.role().equals("unknown")) {
            return member.role();
        }
        return view.members().indexOf(member) == 0 ? "primary" : "standby";
    }

    /** Returns whether its health means anything: something shall run. */
    public boolean shallRun() {
        return view.lifecycle() instanceof Lifecycle.Active;
    }
}
