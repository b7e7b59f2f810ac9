package dev.tenon.core.reconcile;

import dev.tenon.api.Health;
import dev.tenon.api.Reason;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.failover.Decision;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Says how well an instance with standbys is. Pure; its words change only when something did, for they are stored. */
final class ClusterHealth {
    private ClusterHealth() {}

    /** @param absent why standbys whose host does not answer do not follow, by name */
    static Health of(
            Cluster.Pass pass, List<ObservedMember> places, Map<String, Reason> absent, Health before, Instant now) {
        String primary = pass.record().primary();
        boolean unseen = places.stream()
                .anyMatch(member -> member.ref().member().equals(primary) && member.state() == MemberState.UNKNOWN);
        if (!pass.leads() && unseen) {
            return before instanceof Health.Unknown ? before : new Health.Unknown(now);
        }
        List<Reason> causes = new ArrayList<>();
        if (!pass.record().steady()) {
            causes.add(Reason.of(Reason.Code.PRIMARY_CHANGES));
        } else if (!pass.leads()) {
            causes.add(Reason.of(Reason.Code.MEMBER_TAKES_NO_WRITES, primary));
        }
        pass.apart()
                .forEach(standby ->
                        causes.add(absent.getOrDefault(standby, Reason.of(Reason.Code.MEMBER_NOT_FOLLOWING, standby))));
        pass.decision().alarms().stream()
                .map(Decision.Alarm::kind)
                .distinct()
                .forEach(kind -> causes.add(reason(kind)));
        if (causes.isEmpty()) {
            return new Health.Healthy();
        }
        return pass.leads() ? new Health.Degraded(causes) : new Health.Down(causes);
    }

    /** Says what a decision was about: one thing, that stays the same as long as nothing changes. */
    static Reason why(Decision decision) {
        return decision.alarms().stream()
                .findFirst()
                .map(alarm -> reason(alarm.kind()).because(Reason.said(alarm.text())))
                .orElseGet(decision::reason);
    }

    private static Reason reason(Decision.Kind kind) {
        return Reason.of(
                switch (kind) {
                    case TOO_FEW_STANDBYS -> Reason.Code.STANDBYS_TOO_FEW;
                    case HELD_BACK -> Reason.Code.FAILOVER_HELD_BACK;
                    case ALONE -> Reason.Code.RUNS_ALONE;
                    case LOSS_TOO_GREAT -> Reason.Code.LOSS_TOO_GREAT;
                    case STALLED -> Reason.Code.WRITES_WAIT;
                    case REQUEST_WAITS -> Reason.Code.SWITCHOVER_WAITS;
                    case ELECTED_SILENT -> Reason.Code.ELECTED_SILENT;
                });
    }
}
