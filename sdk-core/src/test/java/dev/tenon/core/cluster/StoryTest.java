package dev.tenon.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Event.Severity;
import dev.tenon.api.Reason;
import dev.tenon.core.event.Told;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.failover.Phase;
import dev.tenon.core.failover.Quorum;
import dev.tenon.core.failover.Rebuild;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class StoryTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Reason WHY = Reason.of(Reason.Code.PRIMARY_DEAD, "m-1");
    private static final Quorum ANY_1 = new Quorum(Set.of("m-2", "m-3"), 1);
    private static final Phase STEADY = new Phase.Steady(NOW.minusSeconds(60));

    private static FailoverRecord record(long term, String primary, Phase phase, Optional<Loss> loss) {
        return record(term, primary, ANY_1, phase, Map.of(), loss);
    }

    private static FailoverRecord record(
            long term, String primary, Quorum quorum, Phase phase, Map<String, Rebuild> rebuilds, Optional<Loss> loss) {
        return new FailoverRecord(
                7, 3, term, primary, 1, quorum, quorum, phase, new TreeMap<>(rebuilds), Optional.empty(), loss, "");
    }

    private static List<Told> story(FailoverRecord before, FailoverRecord after) {
        return Story.of("orders", before, after, WHY, NOW);
    }

    @Test
    void failover_eachStep_isToldWithItsTime() {
        FailoverRecord steady = record(1, "m-1", STEADY, Optional.empty());
        FailoverRecord revoking =
                record(2, "m-1", new Phase.Revoking(NOW.minusMillis(300), Optional.empty()), Optional.empty());
        FailoverRecord promoting = record(
                2,
                "m-1",
                ANY_1,
                new Phase.Promoting("m-2", NOW.minusMillis(200)),
                Map.of("m-1", new Rebuild(Rebuild.How.REWIND, 7)),
                Optional.empty());
        FailoverRecord done = record(2, "m-2", ANY_1, new Phase.Steady(NOW), promoting.rebuilds(), Optional.empty());

        assertThat(story(steady, revoking))
                .containsExactly(
                        Told.warning("failover.begun", "fail-over of orders: its place says that m-1 does not run")
                                .with(Map.of("term", "2", "revision", "7", "primary", "m-1"))
                                .because(WHY));
        assertThat(story(revoking, promoting))
                .first()
                .isEqualTo(Told.info("failover.elected", "orders elects m-2: its place says that m-1 does not run")
                        .with(Map.of(
                                "term", "2", "revision", "7", "primary", "m-1", "member", "m-2", "step_ms", "300")));
        assertThat(story(promoting, done))
                .containsExactly(Told.warning("failover.done", "m-2 is now the primary of orders, in term 2")
                        .with(Map.of(
                                "term", "2", "revision", "7", "primary", "m-2", "member", "m-2", "step_ms", "200")));
    }

    @Test
    void switchover_eachStep_isToldAsOne() {
        FailoverRecord steady = record(1, "m-1", STEADY, Optional.empty());
        FailoverRecord handing = record(2, "m-1", new Phase.HandingOver("m-2", NOW.minusMillis(90)), Optional.empty());
        FailoverRecord promoting = record(2, "m-1", new Phase.Promoting("m-2", NOW.minusMillis(40)), Optional.empty());
        FailoverRecord done = record(2, "m-2", new Phase.Steady(NOW), Optional.empty());

        assertThat(Stream.of(story(steady, handing), story(handing, promoting), story(promoting, done))
                        .flatMap(List::stream))
                .allMatch(told -> told.severity() == Severity.INFO)
                .extracting(Told::type)
                .containsExactly("switchover.begun", "switchover.handed_over", "switchover.done");
    }

    @Test
    void promotion_thatMayLose_isAnErrorThatSaysHowMuch() {
        FailoverRecord revoking = record(2, "m-1", new Phase.Revoking(NOW, Optional.empty()), Optional.empty());
        FailoverRecord promoting = record(
                2,
                "m-1",
                new Phase.Promoting("m-2", NOW),
                Optional.of(new Loss(4_096, Optional.of(NOW.minusSeconds(2)))));

        assertThat(story(revoking, promoting)).singleElement().satisfies(told -> {
            assertThat(told.severity()).isEqualTo(Severity.ERROR);
            assertThat(told.message()).contains("4096 bytes of log are known to be lost");
            assertThat(told.attributes())
                    .containsEntry("lost_bytes_known", "4096")
                    .containsEntry("safe_until", "2025-12-31T23:59:58Z");
            assertThat(told.reasons())
                    .containsExactly(
                            Reason.of(Reason.Code.MAY_LOSE, "4096"),
                            Reason.of(Reason.Code.SAFE_UNTIL, "2025-12-31T23:59:58Z"));
        });
    }

    @Test
    void change_thatComesToNothing_isToldAsGivenUp() {
        FailoverRecord handing = record(2, "m-1", new Phase.HandingOver("m-2", NOW.minusMillis(50)), Optional.empty());

        assertThat(story(record(1, "m-1", STEADY, Optional.empty()), handing))
                .extracting(Told::type)
                .containsExactly("switchover.begun");
        assertThat(story(handing, record(2, "m-1", new Phase.Steady(NOW), Optional.empty())))
                .singleElement()
                .satisfies(told -> {
                    assertThat(told.type()).isEqualTo("switchover.given_up");
                    assertThat(told.attributes()).containsEntry("member", "m-1").containsEntry("step_ms", "50");
                    assertThat(told.reasons()).containsExactly(WHY);
                });
    }

    @Test
    void leave_givenAndTakenBack_isToldOnceEach() {
        FailoverRecord synchronous = record(1, "m-1", STEADY, Optional.empty());
        FailoverRecord alone = record(1, "m-1", Quorum.ALONE, STEADY, Map.of(), Optional.empty());

        assertThat(story(synchronous, alone)).extracting(Told::type).containsExactly("instance.alone");
        assertThat(story(alone, alone)).isEmpty();
        assertThat(story(alone, synchronous)).singleElement().satisfies(told -> {
            assertThat(told.type()).isEqualTo("instance.not_alone");
            assertThat(told.message()).isEqualTo("orders waits for its standbys: ANY 1 [m-2, m-3]");
        });
    }

    @Test
    void copies_begunAndDone_nameTheMembers() {
        FailoverRecord sound = record(1, "m-1", STEADY, Optional.empty());
        FailoverRecord broken = record(
                1,
                "m-1",
                ANY_1,
                STEADY,
                Map.of("m-3", new Rebuild(Rebuild.How.CLONE, 7), "m-2", new Rebuild(Rebuild.How.CLONE, 7)),
                Optional.empty());

        assertThat(story(sound, broken)).singleElement().satisfies(told -> {
            assertThat(told.type()).isEqualTo("standby.rebuild");
            assertThat(told.attributes()).containsEntry("member", "m-2, m-3");
        });
        assertThat(story(broken, sound)).singleElement().satisfies(told -> {
            assertThat(told.type()).isEqualTo("standby.rebuilt");
            assertThat(told.message()).isEqualTo("orders has new copies: m-2, m-3");
        });
    }
}
