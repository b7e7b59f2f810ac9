package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Reason;
import dev.tenon.api.TenantId;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class LossPlannerTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration AFTER = Duration.ofMinutes(10);
    private static final Duration LONG = Duration.ofHours(1);

    private final List<ObservedMember> places = new ArrayList<>(List.of(member("m-1", MemberState.RUNNING, false)));
    private final Map<String, Duration> away = new HashMap<>(Map.of("m-1", LONG));
    private final Map<String, InstanceDoc.Unseen> before = new HashMap<>();
    private boolean leads = true;
    private boolean elsewhere = true;
    private Optional<Duration> after = Optional.of(AFTER);

    private static ObservedMember member(String name, MemberState state, boolean lost) {
        return ObservedMember.builder()
                .ref(new MemberRef(
                        new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), name))
                .state(state)
                .lost(lost)
                .build();
    }

    private void standby(String name, MemberState state, boolean lost, Duration awayFor) {
        places.add(member(name, state, lost));
        away.put(name, awayFor);
    }

    private void since(String name, Duration ago, Optional<String> refused) {
        before.put(name, new InstanceDoc.Unseen(NOW.minus(ago), false, refused));
    }

    private LossPlanner.Decision decide() {
        return LossPlanner.decide(new LossPlanner.Seen(leads, "m-1", places, away, before, after, elsewhere, NOW));
    }

    @Test
    void standby_justSilent_isWaitedForUntilAStatedTime() {
        standby("m-2", MemberState.UNKNOWN, false, LONG);
        assertThat(decide())
                .isEqualTo(new LossPlanner.Decision(
                        Map.of("m-2", new InstanceDoc.Unseen(NOW, false, Optional.empty())),
                        Optional.empty(),
                        Map.of(
                                "m-2",
                                Reason.of(
                                        Reason.Code.MEMBER_AWAY,
                                        "m-2",
                                        NOW.toString(),
                                        NOW.plus(AFTER).toString()))));
    }

    @Test
    void standby_silentForSoLong_isDue() {
        standby("m-2", MemberState.UNKNOWN, false, LONG);
        since("m-2", AFTER.minusNanos(1), Optional.empty());
        assertThat(decide().due()).isEmpty();
        since("m-2", AFTER, Optional.of("h3 lacks memory"));
        assertThat(decide().due()).contains("m-2");
        assertThat(decide().reasons().get("m-2").text())
                .isEqualTo("m-2 is lost with its host; a new standby is made elsewhere: h3 lacks memory");
    }

    @Test
    void standby_hostSaidToBeLost_isDueAtOnceEvenIfTimeNeverDecides() {
        after = Optional.empty();
        standby("m-2", MemberState.UNKNOWN, true, Duration.ofMillis(1));
        assertThat(decide().due()).contains("m-2");
    }

    @Test
    void standby_timeNeverDecides_isLeftToAPerson() {
        after = Optional.empty();
        standby("m-2", MemberState.UNKNOWN, false, LONG);
        since("m-2", Duration.ofDays(9), Optional.empty());
        assertThat(decide().due()).isEmpty();
        assertThat(decide().reasons()).isEmpty();
    }

    @Test
    void standby_thatFollows_isNotLostWhoeverCannotSeeIt() {
        standby("m-2", MemberState.UNKNOWN, true, Duration.ZERO);
        since("m-2", LONG, Optional.empty());
        assertThat(decide()).isEqualTo(new LossPlanner.Decision(Map.of(), Optional.empty(), Map.of()));
    }

    @Test
    void standby_thatIsSeenAgain_isForgotten() {
        standby("m-2", MemberState.STOPPED, false, LONG);
        since("m-2", LONG, Optional.empty());
        assertThat(decide().unseen()).isEmpty();
    }

    @Test
    void standby_notLookedAt_staysWhatItWasAsLongAsItIsAMember() {
        since("m-2", LONG, Optional.of("h3 lacks memory"));
        assertThat(decide().unseen()).isEmpty();
        away.put("m-2", Duration.ofMillis(1));
        assertThat(decide().unseen()).isEqualTo(before);
    }

    @Test
    void controlPlane_thatHasJustCome_looksForItselfFirst() {
        standby("m-2", MemberState.UNKNOWN, false, Duration.ofSeconds(29));
        since("m-2", LONG, Optional.empty());
        assertThat(decide().due()).isEmpty();
        away.put("m-2", Duration.ofSeconds(30));
        assertThat(decide().due()).contains("m-2");
    }

    @Test
    void primary_notWell_nobodyIsGivenUpAndTimeGoesOn() {
        leads = false;
        standby("m-2", MemberState.UNKNOWN, true, LONG);
        since("m-2", LONG, Optional.empty());
        assertThat(decide().due()).isEmpty();
        assertThat(decide().unseen().get("m-2").since()).isEqualTo(NOW.minus(LONG));
    }

    @Test
    void primary_itself_isNeverReplaced() {
        places.set(0, member("m-1", MemberState.UNKNOWN, true));
        assertThat(decide().unseen()).isEmpty();
        assertThat(decide().due()).isEmpty();
    }

    @Test
    void place_withoutOtherHosts_promisesNothing() {
        elsewhere = false;
        standby("m-2", MemberState.UNKNOWN, true, LONG);
        assertThat(decide().due()).isEmpty();
        assertThat(decide().reasons()).isEmpty();
    }

    @Test
    void several_theOneThatIsAwayForLongestComesFirst() {
        standby("m-2", MemberState.UNKNOWN, false, LONG);
        standby("m-3", MemberState.UNKNOWN, false, LONG);
        since("m-2", AFTER, Optional.empty());
        since("m-3", LONG, Optional.empty());
        assertThat(decide().due()).contains("m-3");
    }
}
