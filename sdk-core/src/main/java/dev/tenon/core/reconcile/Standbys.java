package dev.tenon.core.reconcile;

import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.OperationKind;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.failover.FailoverPlanner;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.failover.Request;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The steps of instances whose standbys are copied from their primary. They say what shall be reached; who is told what, and what is
 * recorded before, is the fail-over protocol's to decide, here as after a loss.
 */
final class Standbys {
    /** What an order brings about is looked at when it is done; this is for what comes about by itself. */
    private static final Duration LOOK = Duration.ofMillis(50);
    /** Without anything recorded or copied. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** A failure that stays for so long does not go away by itself. */
    private static final Duration FAILS = Duration.ofSeconds(3);
    /** Their steps stop the primary, or it does not run before them. */
    private static final Set<OperationKind> RESTARTING =
            EnumSet.of(OperationKind.CREATE, OperationKind.START, OperationKind.UNFREEZE, OperationKind.RECOVER);

    private Standbys() {}

    /** Keeps the names of members that are to be made. */
    static void name(Work work) {
        work.completeSecrets();
        List<String> wanted = work.namesWithLeaving();
        work.change(now -> {
            List<InstanceDoc.MemberStatus> members = new ArrayList<>(now.members());
            wanted.stream()
                    .filter(name -> !now.names().contains(name))
                    .map(InstanceDoc.MemberStatus::absent)
                    .forEach(members::add);
            return now.but().members(members).build();
        });
    }

    /** Lets every standby follow, whatever is missing; the failure of one does not keep the others from it. */
    static void join(Work work) {
        if (work.standbys().isEmpty()) {
            return;
        }
        place(work);
        if (work.doc().failover().isEmpty()) {
            List<String> names = work.names();
            FailoverRecord first = FailoverRecord.first(names.get(0), names.subList(1, names.size()), work.startedAt());
            work.change(now -> now.but().failover(first).build());
        }
        Optional<Request> renew = work.operation()
                .change()
                .flatMap(change -> change instanceof Change.RebuildStandby rebuild
                        ? Optional.of(new Request.Renew(id(work), rebuild.member()))
                        : Optional.empty());
        reach(
                work,
                renew,
                pass -> pass.leads()
                        && answered(pass, renew)
                        && pass.apart().stream().allMatch(work::unseen));
    }

    /** Lets places choose where new members are: clients and the primary must know their addresses before they follow. */
    private static void place(Work work) {
        for (String name : work.names()) {
            MemberRef ref = new MemberRef(work.doc().tenant(), work.doc().id(), name);
            if (work.delivery().observe(ref).state() == MemberState.ABSENT) {
                work.certified(work.delivery().prepare(workload(work, name), work.epoch()));
            }
        }
    }

    static MemberWorkload workload(Work work, String name) {
        return work.workloads().stream()
                .filter(workload -> workload.ref().member().equals(name))
                .findFirst()
                .orElseThrow(() -> new ProviderException(ErrorCode.INTERNAL, "there is no member " + name));
    }

    /** Lets commits wait for the standbys as the durability says, then takes away who is no member any more. */
    static void sync(Work work) {
        if (work.doc().failover().isEmpty()) {
            return; // its members are not the control plane's to arrange
        }
        List<String> stay = work.names();
        List<String> gone =
                work.doc().names().stream().filter(name -> !stay.contains(name)).toList();
        reach(
                work,
                Optional.empty(),
                pass -> pass.enforced()
                        && gone.stream()
                                .allMatch(name -> FailoverPlanner.expendable(pass.record(), pass.wanted(), name)));
        boolean lost = work.operation().arguments().containsKey(OperationDoc.LOST);
        for (String name : gone) {
            MemberRef ref = new MemberRef(work.doc().tenant(), work.doc().id(), name);
            if (lost) {
                work.delivery().giveUp(ref, work.epoch());
            } else {
                work.delivery().destroy(ref, work.epoch(), DestroyMode.EVERYTHING);
            }
        }
        if (gone.isEmpty()) {
            return;
        }
        boolean alone = stay.size() == 1;
        work.inSession(session -> {
            session.admitStandbys(Set.copyOf(stay.subList(1, stay.size())));
            return true;
        });
        work.change(now -> {
            InstanceDoc.Builder builder = now.but()
                    .members(now.members().stream()
                            .filter(status -> stay.contains(status.member().name()))
                            .toList());
            Map<String, InstanceDoc.Rolled> rolled = new HashMap<>(now.rolled());
            rolled.keySet().retainAll(stay);
            builder.rolled(rolled);
            Map<String, InstanceDoc.Unseen> unseen = new HashMap<>(now.unseen());
            unseen.keySet().retainAll(stay);
            builder.unseen(unseen);
            return (alone ? builder.failover(Optional.empty()) : builder).build();
        });
        if (alone) {
            work.letGo();
        }
        for (MemberWorkload workload : work.workloads()) {
            if (!work.unseen(workload.ref().member())) {
                work.prepare(workload);
            }
        }
    }

    /** Primary and standby change places: the primary stops, which sends everything to the standby, and follows it then. */
    static void switchOver(Work work) {
        String target = work.operation()
                .change()
                .map(change -> ((Change.Switchover) change).member())
                .orElseThrow();
        Optional<Request> request = Optional.of(new Request.SwitchOver(id(work), target));
        Cluster.Pass pass = reach(
                work,
                request,
                now -> now.record().steady() && answered(now, request) && (now.leads() || !leads(now, target)));
        if (!leads(pass, target)) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    target + " did not get everything in time; " + pass.record().primary() + " stays the primary");
        }
    }

    /** A person has accepted what may be lost. Whether it is still no more than that, the protocol asks again. */
    static void failOver(Work work) {
        Change.Failover change = (Change.Failover) work.operation().change().orElseThrow();
        PossibleLoss accepted = change.accepted().orElseThrow();
        Optional<Request> request = Optional.of(new Request.Force(
                work.operation().id().value(), change.member(), new Loss(accepted.knownBytes(), accepted.safeUntil())));
        Cluster.Pass before = work.cluster().pass(work.doc(), work.lease(), Cluster.Aim.of(work.doc()));
        work.now(before.doc());
        if (before.leads() && !leads(before, change.member())) {
            throw new ConflictException(
                    ErrorCode.ILLEGAL_STATE,
                    before.record().primary() + " answers again; to change a primary that is well, switch over");
        }
        Cluster.Pass pass = reach(
                work,
                request,
                now -> now.record().steady()
                        && answered(now, request)
                        && (now.leads() || !leads(now, change.member())));
        if (!leads(pass, change.member())) {
            throw new ConflictException(
                    ErrorCode.STALE,
                    "more would be lost than was accepted, or " + change.member() + " cannot lead any more; "
                            + pass.record().primary() + " stays the primary");
        }
    }

    static boolean leads(Cluster.Pass pass, String member) {
        return pass.record().primary().equals(member);
    }

    /** A request is answered once, so that each try is one of its own. */
    static String id(Work work) {
        return work.operation().id() + "/" + work.operation().failures();
    }

    static boolean answered(Cluster.Pass pass, Optional<Request> request) {
        return request.map(r -> r.id().equals(pass.record().answered())).orElse(true);
    }

    private static Cluster.Pass reach(Work work, Optional<Request> request, Predicate<Cluster.Pass> done) {
        OperationKind kind = work.operation().kind();
        Optional<String> heldBack =
                RESTARTING.contains(kind) ? Optional.of(kind + " is being carried out") : Optional.empty();
        return reach(work, new Cluster.Aim(Set.copyOf(work.names()), request, heldBack, Map.of()), done);
    }

    /** Makes passes until what was wanted is so. */
    static Cluster.Pass reach(Work work, Cluster.Aim aim, Predicate<Cluster.Pass> done) {
        Cluster cluster = work.cluster();
        long revision = 0;
        long movedAt = cluster.nanos();
        long soundAt = movedAt;
        while (true) {
            long before = cluster.carriedOut();
            Cluster.Pass pass = cluster.pass(work.doc(), work.lease(), aim);
            work.now(pass.doc());
            if (done.test(pass)) {
                return pass;
            }
            boolean moves = cluster.copies() || pass.record().revision() != revision;
            revision = pass.record().revision();
            long now = cluster.nanos();
            movedAt = moves ? now : movedAt;
            // Whoever is lost for good fails for good, and is not waited for.
            boolean forced =
                    aim.request().filter(Request.Force.class::isInstance).isPresent();
            Optional<TenonException> failure = forced
                    ? Optional.empty()
                    : cluster.failures().entrySet().stream()
                            .filter(one -> aim.members().contains(one.getKey()) && !work.unseen(one.getKey()))
                            .map(Map.Entry::getValue)
                            .findFirst();
            soundAt = failure.isEmpty() ? now : soundAt;
            if (now - soundAt > FAILS.toNanos()) {
                throw failure.orElseThrow();
            }
            if (now - movedAt > PATIENCE.toNanos()) {
                throw new ProviderException(
                        ErrorCode.TIMEOUT,
                        pass.decision().reason() + "; apart: " + pass.apart() + " "
                                + pass.decision().alarms().stream()
                                        .map(alarm -> alarm.text())
                                        .toList());
            }
            cluster.awaitCarriedOut(before, LOOK);
        }
    }
}
