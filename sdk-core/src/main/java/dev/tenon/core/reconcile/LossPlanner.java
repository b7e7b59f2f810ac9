package dev.tenon.core.reconcile;

import dev.tenon.api.Reason;
import dev.tenon.api.Topology;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Decides when a standby whose host does not answer is lost, so that another one is made elsewhere. Only its place and its primary together
 * say so: one that follows is not lost, whoever cannot see its host. Pure.
 */
final class LossPlanner {
    /** A control plane that has just come does not know yet who follows. */
    private static final Duration OWN_LOOK = Duration.ofSeconds(30);

    private LossPlanner() {}

    /**
     * What was seen.
     *
     * @param leads whether the primary is well
     * @param primary its name
     * @param places what the places saw of the members
     * @param away for how long, as far as this control plane knows, each has not followed; zero if it does
     * @param before what was known of those that were not seen
     * @param after how long is waited; empty if a person decides
     * @param elsewhere whether the place has other hosts, and gives up what lies on one that does not answer
     */
    record Seen(
            boolean leads,
            String primary,
            List<ObservedMember> places,
            Map<String, Duration> away,
            Map<String, InstanceDoc.Unseen> before,
            Optional<Duration> after,
            boolean elsewhere,
            Instant now) {
        static Seen of(
                Cluster.Pass pass,
                List<ObservedMember> places,
                Optional<Duration> after,
                boolean elsewhere,
                Instant now) {
            Map<String, Duration> away = new TreeMap<>();
            pass.doc()
                    .names()
                    .forEach(name -> away.put(name, pass.seen().of(name).away()));
            return new Seen(
                    pass.leads(),
                    pass.record().primary(),
                    places,
                    away,
                    pass.doc().unseen(),
                    after,
                    elsewhere && away.size() <= Topology.MOST_STANDBYS, // the lost one is still a member
                    now);
        }
    }

    /**
     * What follows.
     *
     * @param unseen all standbys that are not seen and do not follow
     * @param due the one that is given up now
     * @param reasons by member: what is waited for, and until when, or why it is given up
     */
    record Decision(Map<String, InstanceDoc.Unseen> unseen, Optional<String> due, Map<String, Reason> reasons) {}

    static Decision decide(Seen seen) {
        // Who is not looked at now, because another is being made for it, stays what it was.
        Map<String, InstanceDoc.Unseen> unseen = new TreeMap<>(seen.before());
        unseen.keySet().retainAll(seen.away().keySet());
        seen.places().forEach(member -> unseen.remove(member.ref().member()));
        for (ObservedMember member : seen.places()) {
            String name = member.ref().member();
            Duration away = seen.away().get(name);
            if (member.state() == MemberState.UNKNOWN
                    && away != null
                    && !away.isZero()
                    && !name.equals(seen.primary())) {
                InstanceDoc.Unseen known =
                        seen.before().getOrDefault(name, new InstanceDoc.Unseen(seen.now(), false, Optional.empty()));
                unseen.put(name, new InstanceDoc.Unseen(known.since(), member.lost(), known.refused()));
            }
        }
        Map<String, Reason> reasons = new TreeMap<>();
        if (seen.elsewhere()) {
            unseen.forEach((name, one) -> reason(seen, name, one).ifPresent(reason -> reasons.put(name, reason)));
        }
        Optional<String> due = unseen.entrySet().stream()
                .filter(one -> seen.leads() && seen.elsewhere() && lost(seen, one.getKey(), one.getValue()))
                .min(Map.Entry.comparingByValue(Comparator.comparing(InstanceDoc.Unseen::since)))
                .map(Map.Entry::getKey);
        return new Decision(unseen, due, reasons);
    }

    private static boolean lost(Seen seen, String name, InstanceDoc.Unseen one) {
        Duration away = seen.away().getOrDefault(name, Duration.ZERO);
        return one.lost()
                || seen.after()
                        .map(after -> !seen.now().isBefore(one.since().plus(after))
                                && away.compareTo(after.compareTo(OWN_LOOK) < 0 ? after : OWN_LOOK) >= 0)
                        .orElse(false);
    }

    private static Optional<Reason> reason(Seen seen, String name, InstanceDoc.Unseen one) {
        if (lost(seen, name, one)) {
            Reason lost = Reason.of(Reason.Code.MEMBER_LOST, name);
            return Optional.of(
                    one.refused().map(why -> lost.because(Reason.said(why))).orElse(lost));
        }
        return seen.after()
                .map(after -> Reason.of(
                        Reason.Code.MEMBER_AWAY,
                        name,
                        one.since().toString(),
                        one.since().plus(after).toString()));
    }
}
