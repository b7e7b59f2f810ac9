package dev.tenon.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.failover.FailoverPlanner;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Limits;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.instance.InstanceDoc.Stake;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class StakesTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:10Z");
    private static final FailoverPlanner PLANNER = new FailoverPlanner(Limits.DEFAULT);
    private static final FailoverRecord RECORD = FailoverRecord.first("m-1", List.of("m-2", "m-3", "m-4"), NOW);

    private static Seen.Member standby(long flushed) {
        return new Seen.Member(
                true,
                false,
                1,
                Seen.State.STANDBY,
                false,
                1,
                flushed,
                Optional.empty(),
                false,
                0,
                0,
                0,
                Duration.ZERO,
                Duration.ZERO);
    }

    /** What the next control plane says without having seen the primary. */
    private static Map<String, Stake> repeated(Map<String, Stake> stakes) {
        Map<String, Seen.Member> members = new HashMap<>();
        stakes.forEach((name, stake) -> members.put(name, standby(stake.position())));
        Seen seen = new Seen(NOW, members, Stakes.marks(stakes));
        Map<String, Stake> again = new HashMap<>();
        stakes.forEach((name, stake) -> again.put(name, new Stake(stake.position(), PLANNER.loss(RECORD, seen, name))));
        return again;
    }

    @Test
    void marks_ofStakes_leadToTheSameLosses() {
        Map<String, Stake> stakes = Map.of(
                "m-2", new Stake(100, new Loss(50, Optional.of(NOW.minusSeconds(9)))),
                "m-3", new Stake(120, new Loss(30, Optional.of(NOW.minusSeconds(5)))),
                "m-4", new Stake(150, new Loss(0, Optional.of(NOW.minusSeconds(1)))));

        assertThat(repeated(stakes)).isEqualTo(stakes);
        assertThat(repeated(repeated(stakes))).isEqualTo(stakes);
    }

    @Test
    void marks_nothingKnown_nothingIsClaimed() {
        Map<String, Stake> stakes = Map.of("m-2", new Stake(100, new Loss(0, Optional.empty())));

        assertThat(Stakes.marks(stakes)).isEmpty();
        assertThat(repeated(stakes)).isEqualTo(stakes);
    }

    @Test
    void marks_onlyBytesKnown_noMomentIsClaimed() {
        Map<String, Stake> stakes = Map.of("m-2", new Stake(100, new Loss(7, Optional.empty())));

        assertThat(repeated(stakes)).isEqualTo(stakes);
    }
}
