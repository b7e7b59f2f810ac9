package dev.tenon.core.cluster;

import dev.tenon.core.failover.Decision;
import dev.tenon.core.failover.FailoverPlanner;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.instance.InstanceDoc;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a person is told before forcing a promotion. It is kept with the instance, for where the lost primary's log was at which time
 * is remembered by no other control plane. Pure.
 */
final class Stakes {
    /** What only a person may decide. */
    private static final Set<Decision.Kind> ASKING = EnumSet.of(
            Decision.Kind.TOO_FEW_STANDBYS,
            Decision.Kind.HELD_BACK,
            Decision.Kind.ALONE,
            Decision.Kind.LOSS_TOO_GREAT,
            Decision.Kind.ELECTED_SILENT);

    private Stakes() {}

    /** Returns what each standby that could lead has; as before while the primary is lost and nobody is asked. */
    static Map<String, InstanceDoc.Stake> of(FailoverPlanner planner, Cluster.Pass pass) {
        if (pass.leads()) {
            return Map.of();
        }
        if (pass.decision().alarms().stream().noneMatch(alarm -> ASKING.contains(alarm.kind()))) {
            return pass.doc().stakes();
        }
        Map<String, InstanceDoc.Stake> stakes = new TreeMap<>();
        for (String name : pass.wanted().members()) {
            Seen.Member member = pass.seen().of(name);
            if (!name.equals(pass.record().primary())
                    && !pass.record().stray(name)
                    && member.answers()
                    && member.state() == Seen.State.STANDBY) {
                stakes.put(
                        name, new InstanceDoc.Stake(member.flushed(), planner.loss(pass.record(), pass.seen(), name)));
            }
        }
        // Before anybody answered, what was known stays known.
        return stakes.isEmpty() ? pass.doc().stakes() : stakes;
    }

    /** Returns marks of the lost primary's log from which the same losses follow. */
    static List<Seen.Mark> marks(Map<String, InstanceDoc.Stake> stakes) {
        List<Seen.Mark> marks = new ArrayList<>();
        for (InstanceDoc.Stake stake : stakes.values()) {
            Loss loss = stake.loss();
            loss.since().ifPresent(at -> marks.add(new Seen.Mark(at, stake.position())));
            if (loss.knownBytes() > 0) {
                marks.add(new Seen.Mark(loss.since().orElse(Instant.EPOCH), stake.position() + loss.knownBytes()));
            }
        }
        marks.sort(Comparator.comparingLong(Seen.Mark::position).thenComparing(Seen.Mark::at));
        return marks;
    }
}
