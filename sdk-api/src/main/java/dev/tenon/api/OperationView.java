package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.immutables.value.Value;

/** Everything known of an operation at one moment. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableOperationView.class)
public interface OperationView {
    /**
     * One step.
     *
     * @param name short name, such as {@code start}
     * @param state {@code PENDING}, {@code STARTED}, {@code DONE}, {@code FAILED} or {@code UNDONE}
     * @param startedAt when it was last begun
     * @param finishedAt when it was done
     * @param attempts how often it was begun
     */
    record Step(
            String name, StepState state, Optional<Instant> startedAt, Optional<Instant> finishedAt, int attempts) {}

    /** Where a step is. */
    enum StepState {
        /** Not begun. */
        PENDING,
        /** Its intent is recorded; its effect may or may not have happened. */
        STARTED,
        /** Its result is recorded. */
        DONE,
        /** It failed. */
        FAILED,
        /** Its effect was taken back. */
        UNDONE
    }

    /** Its identity. */
    OperationId id();

    /** The owner of the instance. */
    TenantId tenant();

    /** The instance. */
    InstanceId instance();

    /** What it does. */
    OperationKind kind();

    /** Where it is. */
    OperationState state();

    /** Its steps in order. */
    List<Step> steps();

    /** Steps done of all steps, 0 to 100. */
    @Value.Derived
    default int progress() {
        if (state() == OperationState.SUCCEEDED) {
            return 100;
        }
        long done = steps().stream().filter(s -> s.state() == StepState.DONE).count();
        return steps().isEmpty() ? 0 : (int) (100 * done / steps().size());
    }

    /** Why it failed, is parked or waits. */
    Optional<ErrorCode> error();

    /** The same for people; no secrets. */
    Optional<String> message();

    /** When the next try is due, while it waits. */
    Optional<Instant> nextTryAt();

    /** Who asked for it. */
    String requestedBy();

    /** Who approved or rejected it. */
    Optional<String> decidedBy();

    /** When it was asked for. */
    Instant createdAt();

    /** When its first step was begun. */
    Optional<Instant> startedAt();

    /** When it ended. */
    Optional<Instant> finishedAt();

    /** When it is given up if it is not done by then. */
    Instant deadline();

    /** Raised by one with every write. */
    long version();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link OperationView}. */
    final class Builder extends ImmutableOperationView.Builder {
        Builder() {}
    }
}
