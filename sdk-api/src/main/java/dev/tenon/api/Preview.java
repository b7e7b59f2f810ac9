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

    /**
     * Something to know before.
     *
     * @param code what kind of warning, for programs and other languages
     * @param values what it names, in the order that the code says
     * @param text the whole of it in English
     */
    record Warning(WarningCode code, List<String> values, String text) {
        /** Copies the list. */
        public Warning {
            values = List.copyOf(values);
        }
    }

    /** Kinds of warnings. The names are API: added, never renamed. */
    enum WarningCode {
        /** The whitelist lets every address in. */
        OPEN_TO_ALL,
        /** Clients have no service until it is started again. */
        NO_SERVICE,
        /** Clients have no service; it can be recovered for so many hours. Values: hours. */
        RECOVERABLE,
        /** All data is removed for good. */
        DATA_REMOVED,
        /** The database restarts. Values: the settings that need it; none if the place needs it to change limits. */
        RESTARTS,
        /** Settings take effect at the next restart. Values: the settings. */
        NEXT_RESTART,
        /** Sessions end, and writes pause for about a second. */
        WRITES_PAUSE,
        /** Members restart one after the other, the standbys first; then a standby takes the primary's place. */
        ROLLS,
        /** The primary restarts where it is, before its standbys, which must not have less than it. Values: the settings. */
        ROLLS_PRIMARY_FIRST,
        /** Writes wait while the only standby restarts. Values: the standby. */
        WRITES_WAIT,
        /**
         * Something may be lost. Values: the standby whose copy is taken, the bytes of log known to be missing in it, and the moment up to
         * which nothing is missing, in ISO 8601; empty if no such moment is known.
         */
        MAY_LOSE,
        /** Another standby has more. Values: that standby, how many bytes more. */
        OTHER_HAS_MORE,
        /** The data of a member is removed for good. Values: the member. */
        MEMBER_REMOVED,
        /** A member cannot take over until its copy is complete. Values: the member. */
        NOT_READY,
        /** All members are on one host and lost with it. Values: the place. */
        ONE_HOST,
        /** The place does not enforce a limit. Values: the place, the capability it lacks. */
        NOT_ENFORCED
    }

    /** The change. */
    Change change();

    /** The instance, unless it is to be created. */
    Optional<InstanceId> instance();

    /** What is done, in order. */
    List<Step> steps();

    /** Whether the database restarts. */
    boolean restart();

    /** How long clients are expected to be without service; zero for none, empty for as long as it is not started again. */
    Optional<Duration> interruption();

    /** Settings and sizes that change. */
    List<Difference> differences();

    /** What it does to the quota. */
    List<QuotaEffect> quota();

    /** Whether somebody else must approve it. */
    boolean needsApproval();

    /** What a person should know before. */
    List<Warning> warnings();

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
