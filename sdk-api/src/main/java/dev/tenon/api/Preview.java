package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.immutables.value.Value;

/** What a change would do. Applying it does exactly that, or is refused with {@code STALE} if the world moved since. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutablePreview.class)
public interface Preview {
    /**
     * One step.
     *
     * @param name short name, such as {@code start}
     * @param description for people
     */
    record Step(String name, String description) {}

    /**
     * A difference.
     *
     * @param name what differs, such as {@code shared_buffers}
     * @param before the present value, absent if new
     * @param after the value then, absent if it goes
     * @param reason why
     */
    record Difference(String name, Optional<String> before, Optional<String> after, String reason) {}

    /**
     * The effect on one resource of the quota.
     *
     * @param resource {@code cpus}, {@code memory}, {@code storage} or {@code instances}
     * @param used in use now, in the quota's own text form
     * @param after in use then
     * @param limit the quota
     */
    record QuotaEffect(String resource, String used, String after, String limit) {}

    /** The change. */
    Change change();

    /** The instance, unless it is to be created. */
    Optional<InstanceId> instance();

    /** What is done, in order. */
    List<Step> steps();

    /** Whether the database restarts. */
    boolean restart();

    /** How long clients are expected to be without service; zero for none. */
    Duration interruption();

    /** Settings and sizes that change. */
    List<Difference> differences();

    /** What it does to the quota. */
    List<QuotaEffect> quota();

    /** Whether somebody else must approve it. */
    boolean needsApproval();

    /** What a person should know before. */
    List<String> warnings();

    /** Stands for all of the above and for what it was computed from; compared when it is applied. */
    String digest();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link Preview}. */
    final class Builder extends ImmutablePreview.Builder {
        Builder() {}
    }
}
