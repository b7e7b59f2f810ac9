package dev.tenon.core.operation;

import dev.tenon.api.Change;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** All that is stored of an operation. Holds no secret: a password it needs lies encrypted in the secret of its id. */
@Value.Immutable
@SdkStyle
public interface OperationDoc {
    /** Argument of a healing: the member that is lost with its host, instead of which another one is made. */
    String LOST = "lost";

    /** The kind of its document. */
    String KIND = "operation";

    /** See {@link OperationView#id()}. */
    OperationId id();

    /** See {@link OperationView#tenant()}. */
    TenantId tenant();

    /** See {@link OperationView#instance()}. */
    InstanceId instance();

    /** See {@link OperationView#kind()}. */
    OperationKind kind();

    /** What was asked for, where that is a change of the instance. */
    Optional<Change> change();

    /** What was asked for otherwise: an account's name, its privileges. */
    Map<String, String> arguments();

    /** See {@link OperationView#state()}. */
    OperationState state();

    /** The journal: each step with its state. */
    List<OperationView.Step> steps();

    /** Tries of the present step that failed since it was first begun or retried. */
    @Value.Default
    default int failures() {
        return 0;
    }

    /** Whether somebody asked for it to stop. */
    @Value.Default
    default boolean cancelRequested() {
        return false;
    }

    /** Whether what was begun is being taken back. */
    @Value.Default
    default boolean undoing() {
        return false;
    }

    /** See {@link OperationView#error()}. */
    Optional<ErrorCode> error();

    /** See {@link OperationView#message()}. */
    Optional<String> message();

    /** See {@link OperationView#nextTryAt()}. */
    Optional<Instant> nextTryAt();

    /** See {@link OperationView#requestedBy()}. */
    String requestedBy();

    /** See {@link OperationView#decidedBy()}. */
    Optional<String> decidedBy();

    /** The instance's generation that whoever approves has seen. */
    @Value.Default
    default long basis() {
        return 0;
    }

    /** What stands for the request that started it, where the caller gave one. */
    Optional<String> fingerprint();

    /** The key of that request, taken for as long as this operation is kept. */
    Optional<String> requestKey();

    /** See {@link OperationView#createdAt()}. */
    Instant createdAt();

    /** See {@link OperationView#startedAt()}. */
    Optional<Instant> startedAt();

    /** See {@link OperationView#finishedAt()}. */
    Optional<Instant> finishedAt();

    /** See {@link OperationView#deadline()}. */
    Instant deadline();

    /** The document's version; not part of its body. */
    @Value.Default
    default long version() {
        return 0;
    }

    /** Returns the member that shall be none after this, if there is one. */
    default Optional<String> leaving() {
        return change().flatMap(change ->
                        change instanceof Change.RemoveStandby remove ? Optional.of(remove.member()) : Optional.empty())
                .or(() -> Optional.ofNullable(arguments().get(LOST)));
    }

    /** Returns what callers see. */
    default OperationView view() {
        return OperationView.builder()
                .id(id())
                .tenant(tenant())
                .instance(instance())
                .kind(kind())
                .state(state())
                .steps(steps())
                .error(error())
                .message(message())
                .nextTryAt(nextTryAt())
                .requestedBy(requestedBy())
                .decidedBy(decidedBy())
                .createdAt(createdAt())
                .startedAt(startedAt())
                .finishedAt(finishedAt())
                .deadline(deadline())
                .version(version())
                .build();
    }

    /** Returns what its last event says of it once it is done, for those who count. */
    default Map<String, String> outcome(String by) {
        long millis =
                Duration.between(createdAt(), finishedAt().orElse(createdAt())).toMillis();
        Map<String, String> outcome = new HashMap<>(
                Map.of("by", by, "kind", kind().name(), "state", state().name(), "millis", Long.toString(millis)));
        Optional.ofNullable(arguments().get("name")).ifPresent(name -> outcome.put("name", name));
        Optional.ofNullable(arguments().get(LOST)).ifPresent(member -> outcome.put("member", member));
        change().flatMap(Change::standby).ifPresent(member -> outcome.put("member", member));
        return outcome;
    }

    /** Returns a builder that starts from this. */
    default Builder but() {
        return builder().from(this);
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link OperationDoc}. */
    final class Builder extends ImmutableOperationDoc.Builder {
        Builder() {}
    }
}
