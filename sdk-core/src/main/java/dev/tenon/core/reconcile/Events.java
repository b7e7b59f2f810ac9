package dev.tenon.core.reconcile;

import dev.tenon.api.Event.Severity;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import java.util.Optional;

/** What the world is told when an operation has ended. */
final class Events {
    /** An event without its subject. */
    record Told(String type, Severity severity, String message) {}

    private Events() {}

    static Optional<Told> of(OperationDoc op, InstanceDoc after) {
        String name = after.spec().name();
        if (op.state() == OperationState.SUCCEEDED) {
            return Optional.of(succeeded(op, after, name));
        }
        String why = op.message().orElse("");
        if (op.state() == OperationState.CANCELLED) {
            return Optional.of(
                    new Told("operation.cancelled", Severity.INFO, op.kind() + " of " + name + " was cancelled"));
        }
        String type = op.kind() == OperationKind.HEAL ? "instance.heal_failed" : "operation.failed";
        return Optional.of(new Told(type, Severity.ERROR, op.kind() + " of " + name + " failed: " + why));
    }

    private static Told succeeded(OperationDoc op, InstanceDoc after, String name) {
        String account = op.arguments().getOrDefault("name", "");
        return switch (op.kind()) {
            case CREATE -> info("instance.created", name + " was delivered");
            case START -> info("instance.started", name + " was started");
            case STOP -> info("instance.stopped", name + " was stopped");
            case RESTART -> info("instance.restarted", name + " was restarted");
            case FREEZE -> info("instance.frozen", name + " was frozen");
            case UNFREEZE -> info("instance.unfrozen", name + " was unfrozen");
            case RESIZE ->
                info(
                        "instance.resized",
                        name + " now has " + after.resources().cpus().toPlainString() + " cpus, "
                                + after.resources().memory() + " memory, "
                                + after.resources().storage() + " storage");
            case UPDATE -> info("instance.updated", name + " was updated");
            case ACCESS -> info("instance.access_changed", "the whitelist of " + name + " was replaced");
            case PARAMETERS -> info("instance.parameters_changed", "parameters of " + name + " were changed");
            case DELETE ->
                after.phase() == Phase.DELETED
                        ? info("instance.purged", name + " was removed for good")
                        : info("instance.recycled", name + " was put into the recycle bin");
            case RECOVER -> info("instance.recovered", name + " was taken back from the recycle bin");
            case PURGE -> info("instance.purged", name + " was removed for good");
            case ACCOUNT_CREATE -> info("account.created", "account " + account + " of " + name + " was created");
            case ACCOUNT_GRANT -> info("account.changed", "privileges of " + account + " of " + name + " were changed");
            case ACCOUNT_PASSWORD ->
                info("account.password_changed", "password of " + account + " of " + name + " was changed");
            case ACCOUNT_DROP -> info("account.dropped", "account " + account + " of " + name + " was dropped");
            case DATABASE_CREATE -> info("database.created", "database " + account + " of " + name + " was created");
            case DATABASE_DROP -> info("database.dropped", "database " + account + " of " + name + " was dropped");
            case STANDBY_ADD -> info("instance.standby_added", name + " has one standby more");
            case STANDBY_REMOVE -> info("instance.standby_removed", name + " has one standby less");
            case STANDBY_REBUILD -> info("instance.standby_rebuilt", "a standby of " + name + " was made anew");
            case SWITCHOVER ->
                info(
                        "instance.switched_over",
                        after.members().get(0).member().name() + " is now the primary of " + name);
            case FAILOVER ->
                new Told(
                        "instance.failed_over",
                        Severity.WARNING,
                        after.members().get(0).member().name() + " was made the primary of " + name + " by force; "
                                + after.failover()
                                        .flatMap(record -> record.loss())
                                        .map(loss -> loss.knownBytes()
                                                + " bytes of log are known to be lost, and whatever was written unseen"
                                                + loss.since()
                                                        .map(at -> " after " + at)
                                                        .orElse(""))
                                        .orElse("nothing that was acknowledged is lost"));
            case HEAL ->
                new Told(
                        "instance.healed",
                        Severity.WARNING,
                        name + " was brought back: " + op.arguments().getOrDefault("reason", ""));
        };
    }

    private static Told info(String type, String message) {
        return new Told(type, Severity.INFO, message);
    }
}
