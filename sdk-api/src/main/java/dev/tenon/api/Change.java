package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A change of one instance that can be previewed and then applied. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Change.Create.class, name = "CREATE"),
    @JsonSubTypes.Type(value = Change.Start.class, name = "START"),
    @JsonSubTypes.Type(value = Change.Stop.class, name = "STOP"),
    @JsonSubTypes.Type(value = Change.Restart.class, name = "RESTART"),
    @JsonSubTypes.Type(value = Change.Freeze.class, name = "FREEZE"),
    @JsonSubTypes.Type(value = Change.Unfreeze.class, name = "UNFREEZE"),
    @JsonSubTypes.Type(value = Change.Resize.class, name = "RESIZE"),
    @JsonSubTypes.Type(value = Change.Update.class, name = "UPDATE"),
    @JsonSubTypes.Type(value = Change.Access.class, name = "ACCESS"),
    @JsonSubTypes.Type(value = Change.Parameters.class, name = "PARAMETERS"),
    @JsonSubTypes.Type(value = Change.Delete.class, name = "DELETE"),
    @JsonSubTypes.Type(value = Change.Recover.class, name = "RECOVER"),
    @JsonSubTypes.Type(value = Change.Purge.class, name = "PURGE"),
    @JsonSubTypes.Type(value = Change.AddStandby.class, name = "STANDBY_ADD"),
    @JsonSubTypes.Type(value = Change.RemoveStandby.class, name = "STANDBY_REMOVE"),
    @JsonSubTypes.Type(value = Change.RebuildStandby.class, name = "STANDBY_REBUILD"),
    @JsonSubTypes.Type(value = Change.Switchover.class, name = "SWITCHOVER"),
    @JsonSubTypes.Type(value = Change.Failover.class, name = "FAILOVER")
})
public sealed interface Change {
    /** Makes a new instance. */
    record Create(InstanceSpec spec) implements Change {}

    /** Starts a stopped instance. */
    record Start() implements Change {}

    /** Stops an instance; it stays stopped. */
    record Stop() implements Change {}

    /** Stops and starts it. */
    record Restart() implements Change {}

    /** Stops it and refuses to start it until unfrozen. */
    record Freeze() implements Change {}

    /** Ends a freeze and starts it. */
    record Unfreeze() implements Change {}

    /**
     * Changes its size. Storage may grow, never shrink.
     *
     * @param plan a plan's name; give either this or {@code resources}
     * @param resources a size of one's own
     */
    record Resize(Optional<String> plan, Optional<Resources> resources) implements Change {
        /** Checks that exactly one is given. */
        public Resize {
            if (plan.isPresent() == resources.isPresent()) {
                throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "plan", "give either plan or resources");
            }
        }

        /** Returns a change to a plan. */
        public static Resize toPlan(String plan) {
            return new Resize(Optional.of(plan), Optional.empty());
        }

        /** Returns a change to a size of one's own. */
        public static Resize to(Resources resources) {
            return new Resize(Optional.empty(), Optional.of(resources));
        }
    }

    /**
     * Changes what only people read, and the deletion protection. What is absent stays.
     *
     * @param displayName see {@link InstanceSpec#displayName()}
     * @param description see {@link InstanceSpec#description()}; empty text removes it
     * @param tags all tags it shall have
     * @param deletionProtection see {@link InstanceSpec#deletionProtection()}
     */
    record Update(
            Optional<String> displayName,
            Optional<String> description,
            Optional<Map<String, String>> tags,
            Optional<Boolean> deletionProtection)
            implements Change {
        /** Checks the fields. */
        public Update {
            displayName = displayName.map(t -> Names.display("displayName", t, 128));
            description = description.map(t -> t.isEmpty() ? t : Names.display("description", t, 1_000));
            tags.ifPresent(Specs::tags);
            tags = tags.map(Map::copyOf);
        }
    }

    /**
     * Replaces the whitelist.
     *
     * @param whitelist see {@link InstanceSpec#whitelist()}
     */
    record Access(List<Cidr> whitelist) implements Change {
        /** Checks the entries. */
        public Access {
            whitelist = List.copyOf(whitelist);
            Specs.whitelist(whitelist);
        }
    }

    /**
     * Changes engine parameters.
     *
     * @param set new values by name
     * @param reset names that go back to what the size implies
     * @param restart whether a running database is restarted if one of these parameters, or one changed earlier, takes effect only
     *     then; otherwise they wait for the next restart, see {@link InstanceView#pendingRestart()}
     */
    record Parameters(Map<String, String> set, Set<String> reset, boolean restart) implements Change {
        /** Changes parameters without a restart. */
        public Parameters(Map<String, String> set, Set<String> reset) {
            this(set, reset, false);
        }

        /** Copies the collections. */
        public Parameters {
            set = Map.copyOf(set);
            reset = Set.copyOf(reset);
        }
    }

    /**
     * Puts it into the recycle bin.
     *
     * @param retention how long it can be recovered, 0 (purge at once) to 365 days; 7 days if absent
     */
    record Delete(Optional<Duration> retention) implements Change {
        /** Checks the bounds. */
        public Delete {
            retention.ifPresent(r -> {
                if (r.isNegative() || r.compareTo(Duration.ofDays(365)) > 0) {
                    throw new InvalidSpecException("retention", r + "; expected 0 to 365 days");
                }
            });
        }
    }

    /** Takes it back from the recycle bin, with its identity, endpoint and accounts. */
    record Recover() implements Change {}

    /** Removes it for good, from the recycle bin or after a failed creation. */
    record Purge() implements Change {}

    /** Gives it one standby more, while it serves; a single member becomes a primary. */
    record AddStandby() implements Change {}

    /**
     * Takes a standby away, with its data; a primary without standbys is a single member.
     *
     * @param member the standby's name
     */
    record RemoveStandby(String member) implements Change {}

    /**
     * Makes a standby anew from the primary.
     *
     * @param member the standby's name
     */
    record RebuildStandby(String member) implements Change {}

    /**
     * Makes a standby the primary and the primary a standby (主备切换). Loses nothing; sessions end and writes pause for about a
     * second.
     *
     * @param member the standby's name
     */
    record Switchover(String member) implements Change {}

    /**
     * Makes a standby the primary although something may be lost, because the primary is gone and no fail-over happens by itself (故障切换).
     * Possible only then; a primary that is well is changed by {@link Switchover}, which loses nothing.
     *
     * @param member the standby's name
     * @param accepted the loss that is accepted: refused if more may be lost. May be absent in what is previewed only: the change in
     *     that {@link Preview} holds what may be lost then
     */
    record Failover(String member, Optional<PossibleLoss> accepted) implements Change {}

    /** Returns the standby that this change is about, if it is about one. */
    default Optional<String> standby() {
        if (this instanceof RemoveStandby remove) {
            return Optional.of(remove.member());
        } else if (this instanceof RebuildStandby rebuild) {
            return Optional.of(rebuild.member());
        } else if (this instanceof Switchover switchover) {
            return Optional.of(switchover.member());
        } else if (this instanceof Failover failover) {
            return Optional.of(failover.member());
        }
        return Optional.empty();
    }

    /** Returns the kind of operation that carries this change out. */
    default OperationKind kind() {
        return OperationKind.of(this);
    }
}
