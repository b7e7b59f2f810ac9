package dev.tenon.core.failover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.core.failover.Seen.State;
import dev.tenon.core.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Single decisions; that they add up is {@link FailoverSimulationTest}'s matter. */
final class FailoverPlannerTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Quorum ANY_1_BC = new Quorum(Set.of("b", "c"), 1);

    private final FailoverPlanner planner = new FailoverPlanner(Limits.DEFAULT);
    private final Map<String, Seen.Member> members = new HashMap<>();
    private Wanted wanted = wanted(Optional.empty());

    private static Wanted wanted(Optional<Request> request) {
        return new Wanted(Set.of("a", "b", "c"), new Durability.Strict(1), request);
    }

    /** A primary and two standbys of which one must flush, nothing under way. */
    private static FailoverRecord steady() {
        return new FailoverRecord(
                10,
                3,
                1,
                "a",
                1,
                ANY_1_BC,
                ANY_1_BC,
                new Phase.Steady(NOW.minus(LONG)),
                new TreeMap<>(),
                Optional.empty(),
                Optional.empty(),
                "");
    }

    private static Seen.Member member(State state, long flushed, Optional<String> receivesFrom, Duration silent) {
        return new Seen.Member(
                true, false, 10, state, false, 1, flushed, receivesFrom, false, 0, 10, 10, silent, Duration.ZERO);
    }

    private static Seen.Member gone() {
        return new Seen.Member(
                false, true, 0, State.UNKNOWN, false, 0, 0, Optional.empty(), false, 0, 0, 0, LONG, LONG);
    }

    private void well() {
        members.put("a", member(State.PRIMARY, 100, Optional.empty(), Duration.ZERO));
        members.put("b", member(State.STANDBY, 100, Optional.of("a"), Duration.ZERO));
        members.put("c", member(State.STANDBY, 90, Optional.of("a"), Duration.ZERO));
    }

    private Decision decide(FailoverRecord record) {
        return planner.decide(record, wanted, new Seen(NOW, members, List.of()), 3, Optional.empty());
    }

    @Test
    void allWell_nothingIsDone() {
        well();

        Decision decision = decide(steady());

        assertThat(decision.record()).isEmpty();
        assertThat(decision.orders()).isEmpty();
        assertThat(decision.alarms()).isEmpty();
    }

    @Test
    void orderOnItsWay_toAStandbyThatReceives_isNoStall() {
        well();
        FailoverRecord next = steady().next(r -> r.answered("x"));

        Decision decision = decide(next);

        assertThat(decision.orders()).containsKeys("a", "b", "c");
        assertThat(decision.alarms()).isEmpty();
    }

    @Test
    void newerLease_isRecordedFirst_andAnOlderDoesNothing() {
        well();

        Seen seen = new Seen(NOW, members, List.of());
        Decision newer = planner.decide(steady(), wanted, seen, 4, Optional.empty());
        Decision older = planner.decide(steady(), wanted, seen, 2, Optional.empty());

        assertThat(newer.record()).get().satisfies(r -> {
            assertThat(r.epoch()).isEqualTo(4);
            assertThat(r.revision()).isEqualTo(11);
        });
        assertThat(older.record()).isEmpty();
        assertThat(older.orders()).isEmpty();
    }

    @Test
    void primaryGoneByProof_revokesAtOnce_andPromotesNobodyYet() {
        well();
        members.put("a", gone());

        FailoverRecord next = decide(steady()).record().orElseThrow();

        assertThat(next.phase()).isInstanceOf(Phase.Revoking.class);
        assertThat(next.term()).isEqualTo(2);
        assertThat(Order.of(next, "b")).isEqualTo(new Order.Detach());
        assertThat(Order.of(next, "a")).isEqualTo(new Order.Rest(false));
    }

    @Test
    void primarySilent_whileAStandbyHearsIt_isNotLost() {
        well();
        members.put("a", Seen.Member.UNSEEN);
        assertThat(planner.lost(steady(), new Seen(NOW, members, List.of()))).isEmpty();

        members.put("a", member(State.UNKNOWN, 0, Optional.empty(), LONG));
        assertThat(planner.lost(steady(), new Seen(NOW, members, List.of()))).isEmpty();

        members.put("b", member(State.STANDBY, 100, Optional.empty(), LONG));
        members.put("c", member(State.STANDBY, 90, Optional.empty(), LONG));
        assertThat(planner.lost(steady(), new Seen(NOW, members, List.of())))
                .get()
                .satisfies(lost -> assertThat(lost.proof()).isFalse());
    }

    @Test
    void enoughStandbysStopped_electsTheFurthest_whoIsToldToLead_andNobodyFollowsYet() {
        FailoverRecord revoking = revoking(Optional.empty());
        members.put("a", gone());
        members.put("b", member(State.STANDBY, 100, Optional.empty(), LONG));
        members.put("c", member(State.STANDBY, 90, Optional.of("a"), LONG));
        assertThat(decide(revoking).record()).as("one of two").isEmpty();

        members.put("c", member(State.STANDBY, 90, Optional.empty(), LONG));
        FailoverRecord next = decide(revoking).record().orElseThrow();

        assertThat(next.phase()).isEqualTo(new Phase.Promoting("b", NOW));
        assertThat(next.guaranteed()).isEqualTo(ANY_1_BC);
        assertThat(Order.of(next, "b")).isEqualTo(new Order.Lead(new Quorum(Set.of("c"), 1)));
        assertThat(Order.of(next, "c")).isEqualTo(new Order.Detach());
        assertThat(next.rebuilds()).containsEntry("a", new Rebuild(Rebuild.How.REWIND, 11));
    }

    @Test
    void tooFewStandbys_noFailOver_butAnAlarm() {
        well();
        members.put("a", gone());
        members.put("c", Seen.Member.UNSEEN);

        Decision decision = decide(steady());

        assertThat(decision.record()).isEmpty();
        assertThat(decision.alarms()).extracting(Decision.Alarm::kind).contains(Decision.Kind.TOO_FEW_STANDBYS);
    }

    @Test
    void leaveGiven_noFailOver_butAnAlarm() {
        well();
        members.put("a", gone());
        FailoverRecord alone = steady().next(r -> r.guaranteed(Quorum.ALONE).setting(Quorum.ALONE));

        Decision decision = decide(alone);

        assertThat(decision.record()).isEmpty();
        assertThat(decision.alarms()).extracting(Decision.Alarm::kind).contains(Decision.Kind.ALONE);
    }

    @Test
    void secondFailOver_withinTheQuietTime_isHeldBack() {
        well();
        members.put("a", gone());
        FailoverRecord lately = steady().next(r -> r.automaticAt(NOW.minus(Duration.ofMinutes(9))));
        FailoverRecord longAgo = steady().next(r -> r.automaticAt(NOW.minus(Duration.ofMinutes(10))));

        assertThat(decide(lately).alarms()).extracting(Decision.Alarm::kind).contains(Decision.Kind.HELD_BACK);
        assertThat(decide(longAgo).record()).isPresent();
        assertThat(planner.decide(
                                longAgo, wanted, new Seen(NOW, members, List.of()), 3, Optional.of("the fleet's brake"))
                        .record())
                .isEmpty();
    }

    @Test
    void balanced_standbysLongAway_recordsLeaveBeforeThePrimaryIsTold() {
        well();
        Seen.Member away = new Seen.Member(
                false, false, 0, State.UNKNOWN, false, 0, 0, Optional.empty(), false, 0, 0, 0, LONG, LONG);
        members.put("b", away);
        members.put("c", away);
        wanted =
                new Wanted(Set.of("a", "b", "c"), new Durability.Balanced(1, Duration.ofSeconds(30)), Optional.empty());

        FailoverRecord next = decide(steady()).record().orElseThrow();

        assertThat(next.guaranteed()).isEqualTo(Quorum.ALONE);
        assertThat(Order.of(next, "a")).isEqualTo(new Order.Lead(Quorum.ALONE));
    }

    @Test
    void strict_standbysLongAway_stalls() {
        well();
        members.put("b", Seen.Member.UNSEEN);
        members.put("c", Seen.Member.UNSEEN);

        Decision decision = decide(steady().next(r -> r.setting(new Quorum(Set.of("b"), 1))));

        assertThat(decision.record()).isEmpty();
        assertThat(decision.alarms()).extracting(Decision.Alarm::kind).contains(Decision.Kind.STALLED);
    }

    @Test
    void strongerSetting_isRecordedOnlyOnceAWriteProvedIt() {
        well();
        FailoverRecord changing = steady().next(r -> r.guaranteed(Quorum.ALONE));
        assertThat(decide(changing).record()).as("not proved").isEmpty();

        members.replaceAll((name, m) -> new Seen.Member(
                true,
                false,
                11,
                m.state(),
                false,
                1,
                m.flushed(),
                m.receivesFrom(),
                false,
                0,
                11,
                11,
                m.silent(),
                m.away()));
        assertThat(decide(changing).record()).get().satisfies(r -> assertThat(r.guaranteed())
                .isEqualTo(ANY_1_BC));
    }

    @Test
    void switchOver_stopsThePrimaryCleanly_thenPromotesWhoHasEverything() {
        well();
        wanted = wanted(Optional.of(new Request.SwitchOver("r1", "b")));
        FailoverRecord handing = decide(steady()).record().orElseThrow();
        assertThat(Order.of(handing, "a")).isEqualTo(new Order.Rest(true));
        assertThat(Order.of(handing, "b")).isEqualTo(new Order.Follow("a"));
        assertThat(handing.answered()).isEqualTo("r1");

        members.put(
                "a",
                new Seen.Member(
                        true, true, 11, State.STOPPED, true, 1, 120, Optional.empty(), false, 0, 0, 0, LONG, LONG));
        members.put("b", told(11, 110));
        assertThat(decide(handing).record()).as("b lacks the end").isEmpty();
        members.put("b", told(11, 120));
        FailoverRecord promoting = decide(handing).record().orElseThrow();
        assertThat(promoting.phase()).isEqualTo(new Phase.Promoting("b", NOW));
        assertThat(promoting.rebuilds())
                .as("the old primary has nothing that b lacks")
                .isEmpty();
    }

    private static Seen.Member told(long order, long flushed) {
        return new Seen.Member(
                true,
                false,
                order,
                State.STANDBY,
                false,
                1,
                flushed,
                Optional.of("a"),
                false,
                0,
                0,
                0,
                Duration.ZERO,
                Duration.ZERO);
    }

    @Test
    void forced_whenMoreWouldBeLostThanWasAccepted_isRefused() {
        well();
        members.put("a", gone());
        Instant seenAt = NOW.minusSeconds(20);
        Seen seen =
                new Seen(NOW, members, List.of(new Seen.Mark(seenAt, 90), new Seen.Mark(seenAt.plusSeconds(5), 120)));
        Loss loss = planner.loss(steady(), seen, "c");
        assertThat(loss).isEqualTo(new Loss(30, Optional.of(seenAt)));

        wanted = wanted(Optional.of(new Request.Force("f1", "c", new Loss(10, Optional.of(seenAt)))));
        Decision refused = planner.decide(steady(), wanted, seen, 3, Optional.empty());
        assertThat(refused.record()).get().satisfies(r -> assertThat(r.steady()).isTrue());

        wanted = wanted(Optional.of(new Request.Force("f1", "c", loss)));
        assertThat(planner.decide(steady(), wanted, seen, 3, Optional.empty()).record())
                .get()
                .satisfies(r -> assertThat(r.phase()).isInstanceOf(Phase.Revoking.class));
    }

    @Test
    void durability_moreStandbysThanThereAre_isRefused() {
        assertThatThrownBy(() -> new Wanted(Set.of("a", "b"), new Durability.Strict(2), Optional.empty()))
                .isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> new Durability.Strict(0)).isInstanceOf(InvalidSpecException.class);
    }

    @Test
    void record_writtenAndRead_isTheSame() {
        Loss loss = new Loss(7, Optional.of(NOW));
        List<Phase> phases = List.of(
                new Phase.Steady(NOW),
                new Phase.HandingOver("b", NOW),
                new Phase.Promoting("c", NOW),
                new Phase.Revoking(NOW, Optional.empty()),
                new Phase.Revoking(NOW, Optional.of(new Request.Force("f1", "b", loss))));
        for (Phase phase : phases) {
            FailoverRecord record = steady().next(r -> r.phase(phase)
                    .loss(Optional.of(loss))
                    .automaticAt(NOW)
                    .rebuild("c", Rebuild.How.CLONE)
                    .guaranteed(Quorum.ALONE));
            assertThat(FailoverCodec.read(Json.read(Json.write(FailoverCodec.write(record)))))
                    .isEqualTo(record);
        }
    }

    private FailoverRecord revoking(Optional<Request.Force> forced) {
        FailoverRecord s = steady();
        return new FailoverRecord(
                10,
                s.epoch(),
                2,
                "a",
                1,
                ANY_1_BC,
                ANY_1_BC,
                new Phase.Revoking(NOW, forced),
                s.rebuilds(),
                Optional.of(NOW),
                Optional.empty(),
                "");
    }
}
