package dev.tenon.api;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * One managed database. A handle: it holds no state, every call looks anew. Thread-safe.
 *
 * <p>Every change throws {@link ConflictException} with {@code ILLEGAL_STATE} if the lifecycle does not allow it, naming those that
 * do, and {@code TOO_MANY_REQUESTS} if too many operations wait already. Operations on one instance run one after the other in
 * the order they were asked for.
 */
public interface Instance {
    /** Returns its identity. */
    InstanceId id();

    /** Returns its owner. */
    TenantId tenant();

    /** Returns everything known of it now; {@code NOT_FOUND} or {@code GONE} if it is no more. */
    InstanceView view();

    /** Returns what a change would do, without doing it. Throws what {@link #apply(Change)} would throw. */
    Preview preview(Change change);

    /** Carries a change out. */
    Operation<Instance> apply(Change change);

    /**
     * Carries a change out if it still does exactly what the preview said.
     *
     * @throws ConflictException {@code STALE} if the world moved since
     */
    Operation<Instance> apply(Preview preview);

    /**
     * Carries a change out if the instance still has this version.
     *
     * @throws ConflictException {@code VERSION_CONFLICT} if it has another
     */
    Operation<Instance> apply(Change change, long expectedVersion);

    /** Starts it. */
    default Operation<Instance> start() {
        return apply(new Change.Start());
    }

    /** Stops it. */
    default Operation<Instance> stop() {
        return apply(new Change.Stop());
    }

    /** Stops and starts it. */
    default Operation<Instance> restart() {
        return apply(new Change.Restart());
    }

    /** Freezes it. */
    default Operation<Instance> freeze() {
        return apply(new Change.Freeze());
    }

    /** Ends a freeze. */
    default Operation<Instance> unfreeze() {
        return apply(new Change.Unfreeze());
    }

    /** Changes its size. */
    default Operation<Instance> resize(Resources resources) {
        return apply(Change.Resize.to(resources));
    }

    /** Gives it one standby more; a single member becomes a primary. */
    default Operation<Instance> addStandby() {
        return apply(new Change.AddStandby());
    }

    /** Takes a standby away, with its data. */
    default Operation<Instance> removeStandby(String member) {
        return apply(new Change.RemoveStandby(member));
    }

    /** Makes a standby anew from the primary. */
    default Operation<Instance> rebuildStandby(String member) {
        return apply(new Change.RebuildStandby(member));
    }

    /** Makes a standby the primary and the primary a standby. */
    default Operation<Instance> switchover(String member) {
        return apply(new Change.Switchover(member));
    }

    /**
     * Makes a standby the primary although something may be lost, see {@link Change.Failover}. What may be lost says a preview:
     * {@code instance.apply(instance.preview(new Change.Failover(member, Optional.empty())))} accepts exactly that.
     *
     * @throws ConflictException {@code ILLEGAL_STATE} if the primary is well or is being replaced by itself, {@code STALE} if more than
     *     this may be lost
     */
    default Operation<Instance> failover(String member, PossibleLoss accepted) {
        return apply(new Change.Failover(member, java.util.Optional.of(accepted)));
    }

    /** Puts it into the recycle bin for 7 days; an ephemeral instance is purged at once. */
    default Operation<Instance> delete() {
        return apply(new Change.Delete(java.util.Optional.empty()));
    }

    /** Takes it back from the recycle bin. */
    default Operation<Instance> recover() {
        return apply(new Change.Recover());
    }

    /** Removes it for good. */
    default Operation<Instance> purge() {
        return apply(new Change.Purge());
    }

    /** Returns why it is in its state, what it waits for and what was decided last. */
    Explanation explain();

    /** Returns the owner's name and password. */
    Credential credential();

    /**
     * Returns a source of connections to the first database as its owner, which finds the instance anew for every connection. Where
     * standbys serve reads ({@link Topology#readWriteSplit}), a connection that is set read-only reads from one that is at most 10
     * seconds behind, see {@link #dataSource(Duration)}.
     */
    default DataSource dataSource() {
        return dataSource(Duration.ofSeconds(10));
    }

    /**
     * Returns a source like {@link #dataSource()}. {@link java.sql.Connection#setReadOnly} decides, outside of transactions, where a
     * connection goes on: to the primary, or to a standby that is at most so far behind at that moment. If there is none, or none can be
     * reached, the primary serves reads, too. A pool need not be restarted after a switch-over; what it still holds of before is
     * invalid and replaced. Such a connection is up to two sessions of the engine.
     *
     * @param staleness 0 to 1 day; zero: everything committed before the connection was set read-only is seen (one's own writes, too)
     * @throws InvalidSpecException {@code SPEC_INVALID} if it is outside of that
     */
    DataSource dataSource(Duration staleness);

    /** Returns its accounts. */
    Accounts accounts();

    /** Returns its databases. */
    Databases databases();

    /** Returns its client sessions. */
    Sessions sessions();

    /** Returns all settings in force by name, as the server has them now. */
    Map<String, String> settings();

    /** Returns its events. */
    Events events();

    /** Returns the last lines of the servers' output, oldest first; at most {@code lines}, 1 to 10,000. */
    List<String> logs(int lines);
}
