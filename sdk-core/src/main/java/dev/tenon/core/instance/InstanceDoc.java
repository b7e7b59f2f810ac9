package dev.tenon.core.instance;

import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Member;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.Resources;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.TenantId;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.spec.Charge;
import dev.tenon.spi.workload.MemberRef;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.immutables.value.Value;

/** All that is stored of an instance, but for its secrets. */
@Value.Immutable
@SdkStyle
public interface InstanceDoc {
    /** The kind of its document. */
    String KIND = "instance";

    /** How many shards instances are spread over. */
    int SHARDS = 64;

    /**
     * An operation that waits or runs.
     *
     * @param id the operation
     * @param kind what it does
     * @param size the size it leads to, if it changes that: reserved from the quota while it waits
     * @param purge whether the instance is gone after it
     * @param parked whether its tries are used up, so that later ones pass it
     */
    record Queued(OperationId id, OperationKind kind, Optional<Resources> size, boolean purge, boolean parked) {
        /** Returns the same entry, parked or not. */
        public Queued parked(boolean now) {
            return new Queued(id, kind, size, purge, now);
        }
    }

    /**
     * A member as last observed.
     *
     * @param member what callers see
     * @param incarnation which run of its main process it was
     * @param address where clients reach it
     */
    record MemberStatus(Member member, Optional<String> incarnation, Optional<Address> address) {
        /** Returns a member of which nothing was made yet. */
        public static MemberStatus absent(String name) {
            return new MemberStatus(
                    new Member(name, "unknown", "ABSENT", Optional.empty(), Optional.empty(), Optional.empty()),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    /**
     * What a member gets at a restart.
     *
     * @param by stands for the operation that restarts it
     * @param parameters the parameters that the user set
     * @param resources its size
     * @param ended the run of its main process that this restart ends; absent if it did not run
     */
    record Rolled(String by, Map<String, String> parameters, Resources resources, Optional<String> ended) {
        /** Copies the parameters. */
        public Rolled {
            parameters = Map.copyOf(parameters);
        }

        /** Returns whether it gets these. */
        public boolean as(Map<String, String> otherParameters, Resources otherResources) {
            return parameters.equals(otherParameters) && resources.equals(otherResources);
        }
    }

    /**
     * What a standby has.
     *
     * @param position how far its log reaches
     * @param loss what would be lost if it led
     */
    record Stake(long position, Loss loss) {}

    /**
     * A standby that its place does not see and that does not follow.
     *
     * @param since since when
     * @param lost whether somebody said that its host is lost for good
     * @param refused why no other could be made for it when that was last tried
     */
    record Unseen(Instant since, boolean lost, Optional<String> refused) {}

    /**
     * Where clients reach it.
     *
     * @param host address or name
     * @param port number
     */
    record Address(String host, int port) {}

    /** Its identity. */
    InstanceId id();

    /** Its owner. */
    TenantId tenant();

    /** What it is, or shall be while it is made; without the password. */
    InstanceSpec spec();

    /** What each member gets. */
    Resources resources();

    /** Id of the place that carries it. */
    String delivery();

    /** Where it is in its life. */
    Lifecycle lifecycle();

    /** Where it was before the recycle bin: a frozen one must not thaw by being deleted and recovered. */
    Optional<Phase> before();

    /** What was observed of it. */
    Health health();

    /** Operations in the order they were asked for; the first that is not parked runs. */
    List<Queued> queue();

    /** Raised by one with every change of the specification. */
    long generation();

    /** The generation that was last carried out. */
    long observedGeneration();

    /** Where clients reach it, once delivered. */
    Optional<Address> address();

    /**
     * Its members as last observed, in start order, the primary first; all of them from before anything of them is made, so that
     * nothing can be orphaned.
     */
    List<MemberStatus> members();

    /**
     * Who leads, on whom commits wait and where a change of the primary stands, for members that follow each other at the control
     * plane's word. It is replaced together with the order of {@link #members()}, so that the two never differ.
     */
    Optional<FailoverRecord> failover();

    /**
     * Members that were restarted, or are about to be, with other parameters or another size than the document says, by name: an
     * operation restarts one after the other, and may be given up in between.
     */
    Map<String, Rolled> rolled();

    /** What standbys must not have less of, whatever else their size says; empty while all members run with the same. */
    Map<String, String> atLeast();

    /**
     * What each standby that could lead has, and what would be lost if it did, by name: while the primary is lost and only a person may
     * decide. Empty otherwise.
     */
    Map<String, Stake> stakes();

    /** Standbys whose host does not answer, by name: after a while another one is made elsewhere. */
    Map<String, Unseen> unseen();

    /** The server's exact version, once delivered. */
    Optional<String> serverVersion();

    /** Parameters whose new value waits for a restart. */
    Set<String> pendingRestart();

    /** Whether clients speak TLS with it. */
    @Value.Default
    default boolean encrypted() {
        return false;
    }

    /** When its certificate is to be replaced, long before it runs out. */
    Optional<Instant> renewAt();

    /** The control plane whose end is also its end, if it is ephemeral. */
    Optional<String> owner();

    /** How often it was healed without having been well for a while in between. */
    @Value.Default
    default int heals() {
        return 0;
    }

    /** When it was last healed. */
    Optional<Instant> healedAt();

    /** When it was asked for. */
    Instant createdAt();

    /** The document's version; not part of its body. */
    @Value.Default
    default long version() {
        return 0;
    }

    /** When the document was last written; not part of its body. */
    @Value.Default
    default Instant updatedAt() {
        return createdAt();
    }

    /** Returns the phase of its lifecycle. */
    default Phase phase() {
        return Phase.of(lifecycle());
    }

    /** Returns the phase after everything in the queue has succeeded; a parked operation is passed over. */
    default Phase projectedPhase() {
        Phase phase = phase();
        for (Queued queued : effectiveQueue()) {
            phase = queued.purge()
                    ? Phase.DELETED
                    : queued.kind() == OperationKind.RECOVER
                            ? before().orElse(Phase.ACTIVE)
                            : Legality.after(queued.kind(), phase);
        }
        return phase;
    }

    /** Returns the size after everything in the queue has succeeded. */
    default Resources projectedResources() {
        Resources size = resources();
        for (Queued queued : effectiveQueue()) {
            size = queued.size().orElse(size);
        }
        return size;
    }

    /** Returns the queue without parked operations. */
    default List<Queued> effectiveQueue() {
        return queue().stream().filter(queued -> !queued.parked()).toList();
    }

    /** Returns the operation that runs or is the next to run. */
    default Optional<Queued> head() {
        return queue().stream().filter(queued -> !queued.parked()).findFirst();
    }

    /** Returns the queue without an operation. */
    default List<Queued> queueWithout(OperationId operation) {
        return queue().stream().filter(queued -> !queued.id().equals(operation)).toList();
    }

    /** Returns the number of members that count against the quota. */
    default int countedMembers() {
        return 1
                + spec().topology().standbys()
                + (int) queue().stream()
                        .filter(queued -> queued.kind() == OperationKind.STANDBY_ADD)
                        .count();
    }

    /** Returns what it takes of the quota: what it has, and what queued operations may need. */
    default Charge charge() {
        int members = countedMembers();
        Charge charge =
                switch (phase()) {
                    case REQUESTED, PENDING_APPROVAL, PROVISIONING, ACTIVE, STOPPED, FROZEN ->
                        Charge.whole(resources(), members);
                    case RECYCLED -> Charge.storageOnly(resources(), members);
                    case FAILED -> Charge.countOnly();
                    case DELETED -> Charge.NONE;
                };
        for (Queued queued : queue()) {
            if (queued.size().isPresent()) {
                charge = charge.max(Charge.whole(queued.size().get(), members));
            } else if (queued.kind() == OperationKind.RECOVER) {
                charge = charge.max(Charge.whole(resources(), members));
            }
        }
        return charge;
    }

    /** Returns the names of its members' places. */
    default List<MemberRef> refs() {
        return members().stream()
                .map(m -> new MemberRef(tenant(), id(), m.member().name()))
                .toList();
    }

    /** Returns the names of its members, the primary first. */
    default List<String> names() {
        return members().stream().map(m -> m.member().name()).toList();
    }

    /** Returns whether a member has something else than the document says. */
    default boolean mixed() {
        return rolled().values().stream().anyMatch(one -> !one.as(spec().parameters(), resources()));
    }

    /** Returns the shard an instance belongs to. */
    static int shard(InstanceId id) {
        return Math.floorMod(id.value().hashCode(), SHARDS);
    }

    /** Returns a builder that starts from this. */
    default Builder but() {
        return builder().from(this);
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link InstanceDoc}. */
    final class Builder extends ImmutableInstanceDoc.Builder {
        Builder() {}
    }
}
