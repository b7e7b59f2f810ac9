package dev.tenon.spi.delivery;

import dev.tenon.api.SdkStyle;
import dev.tenon.spi.workload.MemberRef;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** What a place saw of a member at one moment. */
@Value.Immutable
@SdkStyle
public interface ObservedMember {
    /** Names the member. */
    MemberRef ref();

    /** What was seen. */
    MemberState state();

    /** Host and zone it is on, once placed. */
    Optional<Location> location();

    /** Address at which clients reach it, once placed. */
    Optional<String> address();

    /** Numbers of its ports by name, once assigned. */
    Map<String, Integer> ports();

    /** How the control plane's engine session reaches it, once it can. */
    Optional<AdminAddress> admin();

    /** When the main process was started, while it runs. */
    Optional<Instant> startedAt();

    /** Identifies this run of the main process on its host, while it runs: changes with every start. */
    Optional<String> incarnation();

    /** Whether a file with {@code onChange=RESTART} was written since the main process started. */
    @Value.Default
    default boolean restartPending() {
        return false;
    }

    /** Whether somebody said that the host, which does not answer, is lost for good; only if the state is {@code UNKNOWN}. */
    @Value.Default
    default boolean lost() {
        return false;
    }

    /** Why it is not running, as far as the place knows: exit code, last lines of its log; no secrets. */
    Optional<String> reason();

    /** Returns an observation that says nothing of the member exists. */
    static ObservedMember absent(MemberRef ref) {
        return builder().ref(ref).state(MemberState.ABSENT).build();
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link ObservedMember}. */
    final class Builder extends ImmutableObservedMember.Builder {
        Builder() {}
    }
}
