package dev.tenon.core.reconcile;

import dev.tenon.api.Change;
import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event.Severity;
import dev.tenon.api.OperationKind;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The steps of instances whose standbys are copied from their primary. The first member of the document is the primary; it is
 * changed only after the next one was seen to have everything, so that whoever finds it as a standby may promote it.
 */
final class Standbys {
    private static final Duration PROMOTION = Duration.ofSeconds(10);
    /** A standby that does not follow for so long does not come back by itself; what {@link Durability#BALANCED} promises. */
    private static final Duration FOLLOWS = Duration.ofSeconds(10);

    private static final Duration CATCHES_UP = Duration.ofSeconds(10);
    private static final Duration IN_FORCE = Duration.ofSeconds(10);
    /** What a standby that is to take over may lack: a stopping primary sends it within the second. */
    private static final long SMALL_LAG = 16 << 20;

    private Standbys() {}

    /** A primary whose data is gone (a lost disk, one that is not mounted) is not made anew and empty: that is a person's decision. */
    static void requireData(Work work) {
        boolean alone = work.standbys().isEmpty();
        if (work.operation().kind() == OperationKind.CREATE
                || (alone && work.spec().ephemeral())) {
            return;
        }
        ObservedMember primary = work.delivery().observe(work.workloads().get(0).ref());
        if (primary.state() == MemberState.ABSENT || primary.state() == MemberState.INCOMPLETE) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    "the data of " + primary.ref() + " is gone, and an empty database is no replacement; "
                            + (alone
                                    ? "bring back its disk, or delete the instance"
                                    : "its standbys still have theirs"));
        }
    }

    /** Keeps the names of members that are to be made. */
    static void name(Work work) {
        work.completeSecrets();
        List<String> wanted = work.workloads().stream()
                .map(workload -> workload.ref().member())
                .toList();
        work.change(
                now -> {
                    List<InstanceDoc.MemberStatus> members = new ArrayList<>(now.members());
                    wanted.stream()
                            .filter(name -> !now.names().contains(name))
                            .map(InstanceDoc.MemberStatus::absent)
                            .forEach(members::add);
                    return now.but().members(members).build();
                },
                Optional.empty());
    }

    /** Lets every standby follow; the failure of one does not keep the others from it. */
    static void join(Work work) {
        List<MemberWorkload> standbys = work.standbys();
        if (standbys.isEmpty()) {
            return;
        }
        MemberWorkload primary = work.workloads().get(0);
        work.saw(work.delivery().prepare(primary, work.epoch()));
        Set<String> anew = work.inSession(session -> {
            session.promote(PROMOTION);
            Set<String> outrun = new HashSet<>(session.replication().outrun());
            session.admitStandbys(names(standbys));
            return outrun;
        });
        work.operation().change().ifPresent(change -> {
            if (change instanceof Change.RebuildStandby rebuild) {
                anew.add(rebuild.member());
            }
        });
        @Nullable TenonException failure = null;
        for (MemberWorkload standby : standbys) {
            try {
                follow(work, standby.ref().member(), anew.contains(standby.ref().member()));
            } catch (TenonException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static void follow(Work work, String name, boolean anew) {
        MemberWorkload standby = workload(work, name);
        ObservedMember seen = work.delivery().prepare(standby, work.epoch());
        boolean certified = work.certified(seen);
        if (certified) {
            standby = workload(work, name);
            seen = work.delivery().prepare(standby, work.epoch());
        }
        work.saw(seen);
        if (certified || seen.state() == MemberState.INCOMPLETE) {
            // The primary lets members in by address, and only now has the place put this one somewhere.
            work.saw(work.delivery().prepare(work.workloads().get(0), work.epoch()));
        }
        if (!anew && seen.state() != MemberState.INCOMPLETE && follows(work, standby)) {
            return;
        }
        copy(work, standby);
        if (!follows(work, standby)) {
            throw new ProviderException(
                    ErrorCode.TIMEOUT,
                    standby.ref() + " was copied anew and does not follow within " + FOLLOWS.toSeconds()
                            + " s; its log says why");
        }
    }

    /** Starts a standby; returns whether it follows then. */
    private static boolean follows(Work work, MemberWorkload standby) {
        try {
            work.saw(work.delivery().start(standby, work.epoch(), Work.START_TIMEOUT));
        } catch (ProviderException e) {
            if (e.code() != ErrorCode.PROVIDER_FAILED && e.code() != ErrorCode.TIMEOUT) {
                throw e;
            }
            return false; // its data does not let it start: a copy will
        }
        String name = standby.ref().member();
        return work.inSession(
                session -> Work.until(FOLLOWS, () -> session.replication().followed(name)));
    }

    private static void copy(Work work, MemberWorkload standby) {
        work.delivery().stop(standby, work.epoch(), StopMode.GRACEFUL);
        leaveAlone(work, standby.ref().member());
        if (standby.filled().size() != 1) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED, standby.ref() + " has " + standby.filled() + " to be filled; expected one");
        }
        try (InputStream data = work.engine().copy(work.request(), work.servingAddress())) {
            work.saw(work.delivery().fill(standby, standby.filled().iterator().next(), data, work.epoch()));
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "the copy for " + standby.ref() + " broke off: " + e.getMessage(),
                    e);
        }
    }

    /** Writes must not wait for a standby that comes back only after a copy, where that was not asked for. */
    private static void leaveAlone(Work work, String lost) {
        Set<String> awaited = work.doc().synchronous();
        if (!awaited.contains(lost) || work.spec().topology().durability() == Durability.STRICT) {
            return;
        }
        ReplicationStatus now = work.inSession(EngineSession::replication);
        if (awaited.stream().noneMatch(now::followed)) {
            await(work, Set.of());
        }
    }

    /** Lets commits wait for the standbys as the durability says, then takes away who is no member any more. */
    static void sync(Work work) {
        Set<String> standbys = names(work.standbys());
        if (standbys.isEmpty()
                && work.doc().synchronous().isEmpty()
                && work.doc().names().size() == work.workloads().size()) {
            return; // its members are not the control plane's to arrange
        }
        await(work, work.spec().topology().durability() == Durability.ASYNC ? Set.of() : standbys);
        Set<String> members = names(work.workloads());
        List<String> gone = work.doc().names().stream()
                .filter(name -> !members.contains(name))
                .toList();
        if (gone.isEmpty()) {
            return;
        }
        for (String name : gone) {
            work.delivery()
                    .destroy(
                            new MemberRef(work.doc().tenant(), work.doc().id(), name),
                            work.epoch(),
                            DestroyMode.EVERYTHING);
        }
        work.inSession(session -> {
            session.admitStandbys(standbys);
            return true;
        });
        work.change(
                now -> now.but()
                        .members(now.members().stream()
                                .filter(status ->
                                        members.contains(status.member().name()))
                                .toList())
                        .build(),
                Optional.empty());
    }

    /**
     * What is recorded is never stronger than what the primary has in force: of a larger set more members must be asked before one
     * may be promoted, so that a set grows in the record first and shrinks there last; none at all is leave to run alone.
     */
    private static void await(Work work, Set<String> wanted) {
        Set<String> before = work.doc().synchronous();
        if (wanted.isEmpty()) {
            record(work, wanted, before.isEmpty() ? Optional.empty() : Optional.of(alone(work)));
            enforce(work, wanted);
            return;
        }
        if (!before.isEmpty()) {
            Set<String> union = new HashSet<>(before);
            union.addAll(wanted);
            record(work, union, Optional.empty());
        }
        enforce(work, wanted);
        record(work, wanted, Optional.empty());
    }

    private static Events.Told alone(Work work) {
        return new Events.Told(
                "instance.alone",
                Severity.WARNING,
                work.spec().name() + " goes on without a standby: what it acknowledges now is lost if it is lost");
    }

    private static void record(Work work, Set<String> synchronous, Optional<Events.Told> event) {
        work.change(now -> now.but().synchronous(synchronous).build(), event);
    }

    private static void enforce(Work work, Set<String> wanted) {
        MemberWorkload primary = work.enforcing(wanted);
        work.saw(work.delivery().prepare(primary, work.epoch()));
        boolean inForce = work.inSession(session ->
                Work.until(IN_FORCE, () -> session.replication().synchronous().equals(wanted)));
        if (!inForce) {
            throw new ProviderException(
                    ErrorCode.TIMEOUT, "the primary " + primary.ref() + " does not read its settings again");
        }
    }

    /**
     * Primary and standby change places: the primary stops, which sends everything to the standby, and comes back as its standby.
     * Only when the log of the one is seen to reach as far as that of the other, the other is recorded as primary and promoted.
     */
    static void switchOver(Work work) {
        String target = work.operation()
                .change()
                .map(change -> ((Change.Switchover) change).member())
                .orElseThrow();
        String old = work.doc().names().get(0);
        if (!old.equals(target)) {
            List<String> order = new ArrayList<>(List.of(target));
            work.doc().names().stream().filter(name -> !name.equals(target)).forEach(order::add);
            stepDown(work, target);
            work.order(order);
            MemberWorkload follower = workload(work, old);
            work.saw(work.delivery().prepare(follower, work.epoch()));
            work.saw(work.delivery().start(follower, work.epoch(), Work.START_TIMEOUT));
            requireSame(work, follower.ref(), workload(work, target).ref());
            work.change(
                    now -> now.but()
                            .synchronous(Set.of())
                            .members(order.stream()
                                    .map(name -> now.members().get(now.names().indexOf(name)))
                                    .toList())
                            .build(),
                    Optional.empty());
        }
        MemberWorkload primary = work.workloads().get(0);
        work.inSession(primary.ref(), session -> {
            session.promote(PROMOTION);
            return true;
        });
        work.saw(work.delivery().prepare(primary, work.epoch()));
    }

    /** Stops the primary cleanly, if it still is one. */
    private static void stepDown(Work work, String target) {
        MemberWorkload primary = work.workloads().get(0);
        if (work.delivery().observe(primary.ref()).state() != MemberState.RUNNING) {
            return;
        }
        boolean leads = work.inSession(primary.ref(), session -> {
            ReplicationStatus now = session.replication();
            if (now.role() != EngineSession.Role.PRIMARY) {
                return false;
            }
            requireClose(now, target);
            session.checkpoint();
            return true;
        });
        if (!leads) {
            return;
        }
        Set<String> others = names(work.workloads());
        others.remove(target);
        work.inSession(workload(work, target).ref(), session -> {
            session.admitStandbys(others);
            return true;
        });
        work.delivery().stop(primary, work.epoch(), StopMode.GRACEFUL);
    }

    private static void requireClose(ReplicationStatus primary, String target) {
        ReplicationStatus.Standby standby = primary.standbys().stream()
                .filter(candidate -> candidate.member().equals(target))
                .findFirst()
                .orElseThrow(() -> new ProviderException(
                        ErrorCode.PROVIDER_UNAVAILABLE, target + " does not follow the primary now"));
        long lag = primary.position() - standby.replayed();
        if (lag > SMALL_LAG) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    target + " lags by " + lag + " bytes; expected at most " + SMALL_LAG);
        }
    }

    private static void requireSame(Work work, MemberRef old, MemberRef target) {
        long end = work.inSession(old, EngineSession::replication).position();
        boolean same = work.inSession(
                target,
                session -> Work.until(CATCHES_UP, () -> session.replication().replayed() >= end));
        if (!same) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    target + " did not get everything from " + old + ", which stays the primary");
        }
    }

    private static MemberWorkload workload(Work work, String name) {
        return work.workloads().stream()
                .filter(workload -> workload.ref().member().equals(name))
                .findFirst()
                .orElseThrow(() -> new ProviderException(ErrorCode.PROVIDER_FAILED, "there is no member " + name));
    }

    private static Set<String> names(List<MemberWorkload> workloads) {
        return workloads.stream()
                .map(workload -> workload.ref().member())
                .collect(Collectors.toCollection(HashSet::new));
    }
}
