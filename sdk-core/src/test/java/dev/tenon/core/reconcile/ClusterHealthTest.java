package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.core.cluster.Cluster;
import dev.tenon.core.failover.Decision;
import dev.tenon.core.failover.Durability;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Phase;
import dev.tenon.core.failover.Quorum;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.failover.Wanted;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class ClusterHealthTest {
    private static final Reason NOTHING = Reason.said("nothing to do");
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final TenantId TENANT = new TenantId("t-aaaaaaaaaaaaaaaaaaaa");
    private static final InstanceId INSTANCE = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa");
    private static final Quorum ANY_1 = new Quorum(Set.of("m-2"), 1);
    private static final Health BEFORE = new Health.Healthy();

    private final Map<String, Seen.Member> members = new HashMap<>(Map.of(
            "m-1", member(Seen.State.PRIMARY, Optional.empty()),
            "m-2", member(Seen.State.STANDBY, Optional.of("m-1"))));

    private static Seen.Member member(Seen.State state, Optional<String> receivesFrom) {
        return new Seen.Member(
                true, false, 7, state, false, 1, 100, receivesFrom, false, 0, 7, 7, Duration.ZERO, Duration.ZERO);
    }

    private static ObservedMember place(MemberState state) {
        return ObservedMember.builder()
                .ref(new MemberRef(TENANT, INSTANCE, "m-1"))
                .state(state)
                .build();
    }

    private Health health(Phase phase, MemberState place, Decision.Alarm... alarms) {
        Resources size = Resources.of(1, DataSize.mib(256), DataSize.gib(1));
        FailoverRecord record = new FailoverRecord(
                7, 3, 1, "m-1", 1, ANY_1, ANY_1, phase, new TreeMap<>(), Optional.empty(), Optional.empty(), "");
        InstanceDoc doc = InstanceDoc.builder()
                .id(INSTANCE)
                .tenant(TENANT)
                .spec(InstanceSpec.builder()
                        .name("orders")
                        .engine(EngineId.POSTGRESQL, "17")
                        .size(1, DataSize.mib(256), DataSize.gib(1))
                        .build())
                .resources(size)
                .delivery("local")
                .lifecycle(new Lifecycle.Active())
                .health(BEFORE)
                .generation(1)
                .observedGeneration(1)
                .createdAt(NOW)
                .failover(record)
                .build();
        Cluster.Pass pass = new Cluster.Pass(
                doc,
                new Wanted(Set.of("m-1", "m-2"), new Durability.Strict(1), Optional.empty()),
                new Seen(NOW, members, List.of()),
                new Decision(Optional.empty(), new TreeMap<>(), List.of(alarms), NOTHING));
        return ClusterHealth.of(pass, List.of(place(place)), Map.of(), BEFORE, NOW);
    }

    private Health steady(Decision.Alarm... alarms) {
        return health(new Phase.Steady(NOW), MemberState.RUNNING, alarms);
    }

    @Test
    void allFollow_isHealthy() {
        assertThat(steady()).isEqualTo(new Health.Healthy());
    }

    @Test
    void standbyApart_isDegradedAndNamed() {
        members.put("m-2", Seen.Member.UNSEEN);
        assertThat(steady())
                .isEqualTo(new Health.Degraded(List.of(Reason.of(Reason.Code.MEMBER_NOT_FOLLOWING, "m-2"))));
    }

    @Test
    void primaryTakesNoWrites_isDown() {
        members.put("m-1", member(Seen.State.STOPPED, Optional.empty()));
        assertThat(steady()).isEqualTo(new Health.Down(List.of(Reason.of(Reason.Code.MEMBER_TAKES_NO_WRITES, "m-1"))));
    }

    @Test
    void primaryChanges_isDownBecauseOfThat() {
        assertThat(health(new Phase.Promoting("m-2", NOW), MemberState.STOPPED))
                .isInstanceOfSatisfying(Health.Down.class, down -> assertThat(down.reasons())
                        .startsWith(Reason.of(Reason.Code.PRIMARY_CHANGES))
                        .doesNotContain(Reason.of(Reason.Code.MEMBER_TAKES_NO_WRITES, "m-1")));
    }

    @Test
    void placeOfPrimaryUnknown_isUnknownSinceThen() {
        members.put("m-1", Seen.Member.UNSEEN);
        assertThat(health(new Phase.Steady(NOW), MemberState.UNKNOWN)).isEqualTo(new Health.Unknown(NOW));
    }

    @Test
    void placeOfPrimaryUnknown_butItLeads_isHealthy() {
        assertThat(health(new Phase.Steady(NOW), MemberState.UNKNOWN)).isEqualTo(new Health.Healthy());
    }

    @Test
    void alarms_sameKind_areSaidOnce() {
        assertThat(steady(
                        new Decision.Alarm(Decision.Kind.ALONE, "one"),
                        new Decision.Alarm(Decision.Kind.ALONE, "two"),
                        new Decision.Alarm(Decision.Kind.REQUEST_WAITS, "three")))
                .isEqualTo(new Health.Degraded(
                        List.of(Reason.of(Reason.Code.RUNS_ALONE), Reason.of(Reason.Code.SWITCHOVER_WAITS))));
    }

    @Test
    void why_alarmBeforeReason() {
        assertThat(ClusterHealth.why(new Decision(
                        Optional.empty(),
                        new TreeMap<>(),
                        List.of(new Decision.Alarm(Decision.Kind.ALONE, "m-1 has leave to run alone")),
                        NOTHING)))
                .isEqualTo(Reason.of(Reason.Code.RUNS_ALONE).because(Reason.said("m-1 has leave to run alone")));
        assertThat(ClusterHealth.why(new Decision(Optional.empty(), new TreeMap<>(), List.of(), NOTHING)))
                .isEqualTo(NOTHING);
    }
}
