package dev.tenon.core.reconcile;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.OperationKind;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.core.change.ChangePlanner;
import dev.tenon.core.change.StepNames;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.cluster.Delivered;
import dev.tenon.core.event.Told;
import dev.tenon.core.failover.Request;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Restarts the members of an instance one after the other. What a member gets, and which run of it ends, is recorded before: whoever
 * goes on after a crash, or looks at the members after the operation was given up, reads in the document what each of them has.
 */
final class Rolling {
    private Rolling() {}

    /** The standbys first; then one of them takes the primary's place, which follows it after its restart. */
    static void roll(Work work) {
        if (single(work)) {
            return;
        }
        widen(work);
        String by = work.operation().id().value();
        while (true) {
            Optional<String> standby = next(work, by);
            if (standby.isPresent()) {
                turn(work, standby.get(), by, Optional.empty());
            } else if (turned(work, work.names().get(0), by)) {
                break;
            } else {
                handOn(work, by);
            }
        }
        if (most(work, true).equals(wanted(work))) {
            narrow(work);
        }
    }

    /**
     * The primary first, for standbys must not have less than it. What it has less of reaches them through the log, and only then may
     * they be started with as little.
     */
    static void rollDown(Work work) {
        if (single(work)) {
            return;
        }
        String by = work.operation().id().value();
        if (!need(work, List.of(present(work), target(work))).equals(need(work, List.of(present(work))))) {
            raise(work, by);
        }
        while (true) {
            String primary = work.names().get(0);
            if (!turned(work, primary, by)) {
                widen(work); // again, if another leads since, with more than standbys were allowed to have
                turn(work, primary, by, Optional.of(primary + " is being restarted"));
                continue;
            }
            Optional<String> standby = next(work, by);
            if (standby.isEmpty()) {
                return;
            }
            awaitReplayed(work);
            narrow(work);
            turn(work, standby.get(), by, Optional.empty());
        }
    }

    /** Where some settings go up while others go down, standbys first get the greater of both. */
    private static void raise(Work work, String by) {
        widen(work);
        String before = by + "/raised";
        for (String name : standbys(work)) {
            if (!turned(work, name, before) && !turned(work, name, by)) {
                turn(work, name, before, Optional.empty());
            }
        }
    }

    /** Lets standbys have the most that any member has or gets, before any of them gets it. */
    static void widen(Work work) {
        InstanceDoc doc = work.doc();
        Map<String, String> most = most(work, true);
        boolean known = most.equals(doc.atLeast().isEmpty() ? need(work, List.of(present(work))) : doc.atLeast());
        if (doc.failover().isPresent() && !known) {
            work.change(now -> now.but().atLeast(most).build());
        }
    }

    private static void narrow(Work work) {
        work.change(now -> now.but().atLeast(Map.of()).build());
    }

    /** An instance that lost its last standby while this waited for its turn. */
    private static boolean single(Work work) {
        if (work.doc().failover().isPresent()) {
            return false;
        }
        Steps.run(StepNames.STOP, work);
        Steps.run(StepNames.PREPARE, work);
        Steps.run(StepNames.START, work);
        return true;
    }

    // ---- what standbys need as much of as their primary

    private static Map<String, String> most(Work work, boolean wanted) {
        List<Map<String, String>> all = new ArrayList<>(List.of(present(work)));
        work.doc().rolled().values().forEach(r -> all.add(settings(work, r.parameters(), r.resources())));
        if (!work.doc().atLeast().isEmpty()) {
            all.add(work.doc().atLeast());
        }
        if (wanted) {
            all.add(target(work));
        }
        return need(work, all);
    }

    private static Map<String, String> wanted(Work work) {
        return need(work, List.of(target(work)));
    }

    private static Map<String, String> need(Work work, List<Map<String, String>> settings) {
        return work.engine().standbysNeed(work.spec().version(), settings);
    }

    private static Map<String, String> present(Work work) {
        return settings(work, work.doc().spec().parameters(), work.doc().resources());
    }

    private static Map<String, String> target(Work work) {
        return settings(work, work.spec().parameters(), work.resources());
    }

    private static Map<String, String> settings(Work work, Map<String, String> parameters, Resources resources) {
        return ChangePlanner.settings(work.engine().sizing(work.spec().version(), resources, parameters));
    }

    // ---- one member after the other

    private static List<String> standbys(Work work) {
        return work.names().subList(1, work.names().size());
    }

    private static Optional<String> next(Work work, String by) {
        return standbys(work).stream().filter(name -> !turned(work, name, by)).findFirst();
    }

    /** Whether a member was restarted by this. A healing only puts back those that have something else than they shall. */
    private static boolean turned(Work work, String member, String by) {
        InstanceDoc.Rolled rolled = work.doc().rolled().get(member);
        if (work.operation().kind() == OperationKind.HEAL && (rolled == null || as(work, rolled) && !by(rolled, by))) {
            return true;
        }
        if (rolled == null || !by(rolled, by)) {
            return false;
        }
        ObservedMember seen = work.delivery().observe(ref(work, member));
        return seen.state() == MemberState.RUNNING && !seen.incarnation().equals(rolled.ended());
    }

    private static boolean by(InstanceDoc.Rolled rolled, String by) {
        return rolled.by().equals(by);
    }

    private static boolean as(Work work, InstanceDoc.Rolled rolled) {
        return rolled.as(work.spec().parameters(), work.resources());
    }

    /** Restarts a member and waits until all standbys follow again. */
    private static void turn(Work work, String member, String by, Optional<String> heldBack) {
        InstanceDoc.Rolled rolled = mark(work, member, by);
        Map<String, String> ends =
                rolled.ended().map(run -> Map.of(member, run)).orElse(Map.of());
        reach(work, Optional.empty(), heldBack, ends, pass -> whole(pass) && turned(work, member, by));
    }

    /** Records what a member gets, before it does, and which run of it ends. */
    private static InstanceDoc.Rolled mark(Work work, String member, String by) {
        InstanceDoc.Rolled before = work.doc().rolled().get(member);
        if (before != null && by(before, by)) {
            return before;
        }
        ObservedMember seen = work.delivery().observe(ref(work, member));
        InstanceDoc.Rolled rolled =
                new InstanceDoc.Rolled(by, work.spec().parameters(), work.resources(), seen.incarnation());
        work.change(
                now -> {
                    Map<String, InstanceDoc.Rolled> all = new HashMap<>(now.rolled());
                    all.put(member, rolled);
                    return now.but().rolled(all).build();
                },
                entry -> entry.event(
                        Optional.of(work.doc().id()),
                        Optional.of(work.operation().id()),
                        Told.info(
                                        "member.restarts",
                                        member + " of " + work.doc().spec().name() + " is being restarted")
                                .with(Map.of("member", member))));
        if (!Delivered.lost(seen)) {
            Steps.grow(work, Standbys.workload(work, member));
        }
        return rolled;
    }

    /** Lets a standby take the primary's place, which gets what it shall have as it follows. */
    private static void handOn(Work work, String by) {
        reach(work, Optional.empty(), Optional.empty(), Map.of(), Rolling::whole);
        String primary = work.names().get(0);
        String target = work.names().get(1);
        mark(work, primary, by);
        Optional<Request> request = Optional.of(new Request.SwitchOver(Standbys.id(work) + "/" + primary, target));
        Cluster.Pass pass = reach(
                work,
                request,
                Optional.empty(),
                Map.of(),
                now -> Standbys.answered(now, request)
                        && (now.leads() || now.record().steady() && !Standbys.leads(now, target)));
        if (Standbys.leads(pass, primary) && !turned(work, primary, by)) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    target + " did not get everything in time; " + primary + " stays the primary");
        }
    }

    /** Waits until the standbys know what the primary was started with. */
    private static void awaitReplayed(Work work) {
        Cluster.Pass pass = reach(work, Optional.empty(), Optional.empty(), Map.of(), Rolling::whole);
        String primary = pass.record().primary();
        long position = pass.seen().of(primary).flushed();
        reach(
                work,
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                now -> whole(now)
                        && standbys(work).stream()
                                .allMatch(name ->
                                        work.cluster().replayed(primary, name).orElse(0) >= position));
    }

    private static boolean whole(Cluster.Pass pass) {
        return pass.leads() && pass.apart().isEmpty();
    }

    private static Cluster.Pass reach(
            Work work,
            Optional<Request> request,
            Optional<String> heldBack,
            Map<String, String> ends,
            Predicate<Cluster.Pass> done) {
        return Standbys.reach(work, new Cluster.Aim(Set.copyOf(work.names()), request, heldBack, ends), done);
    }

    private static MemberRef ref(Work work, String member) {
        return new MemberRef(work.doc().tenant(), work.doc().id(), member);
    }
}
