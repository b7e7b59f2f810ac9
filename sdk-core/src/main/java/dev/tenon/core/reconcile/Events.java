package dev.tenon.core.reconcile;

import static dev.tenon.core.event.Told.info;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.Reason;
import dev.tenon.core.event.Told;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.json.Json;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.spec.SpecCodec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the world is told when an operation has ended. */
final class Events {
    private Events() {}

    static Told of(OperationDoc op, InstanceDoc after) {
        String name = after.spec().name();
        if (op.state() == OperationState.SUCCEEDED) {
            return succeeded(op, after, name);
        }
        if (op.state() == OperationState.CANCELLED) {
            return info("operation.cancelled", op.kind() + " of " + name + " was cancelled");
        }
        return Told.error(
                        op.kind() == OperationKind.HEAL ? "instance.heal_failed" : "operation.failed",
                        op.kind() + " of " + name + " failed: " + op.message().orElse(""))
                .because(failure(op));
    }

    /** Returns why an operation failed, for its last time. */
    static Reason failure(OperationDoc op) {
        return Reason.error(op.error().orElse(ErrorCode.INTERNAL), op.message().orElse(""));
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
            case FAILOVER -> {
                List<Reason> loss = after.failover()
                        .flatMap(FailoverRecord::loss)
                        .map(Loss::reasons)
                        .orElse(List.of());
                yield Told.warning(
                                "instance.failed_over",
                                after.members().get(0).member().name() + " was made the primary of " + name
                                        + " by force"
                                        + (loss.isEmpty() ? "; nothing that was acknowledged is lost" : said(loss)))
                        .because(loss);
            }
            case HEAL -> {
                List<Reason> why = Optional.ofNullable(op.arguments().get("why")).stream()
                        .map(text -> SpecCodec.reason(Json.read(text)))
                        .toList();
                Optional<String> lost = Optional.ofNullable(op.arguments().get(OperationDoc.LOST));
                if (lost.isPresent()) {
                    yield Told.warning(
                            "standby.replaced",
                            lost.get() + " of " + name + ", lost with its host, was replaced; its members are "
                                    + after.members().stream()
                                            .map(status -> status.member().name()
                                                    + status.member()
                                                            .host()
                                                            .map(host -> " on " + host)
                                                            .orElse(""))
                                            .collect(Collectors.joining(", ")));
                }
                yield Told.warning("instance.healed", name + " was brought back" + said(why))
                        .because(why);
            }
        };
    }

    private static String said(List<Reason> reasons) {
        return reasons.isEmpty() ? "" : ": " + Told.joined(reasons);
    }
}
