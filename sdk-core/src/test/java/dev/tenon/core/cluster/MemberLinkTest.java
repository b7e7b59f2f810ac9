package dev.tenon.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Order;
import dev.tenon.core.failover.Phase;
import dev.tenon.core.failover.Quorum;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.time.ManualTicker;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class MemberLinkTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private static final MemberRef REF =
            new MemberRef(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), "m-1");

    private final ManualTicker ticker = new ManualTicker();
    private final MemberLink link = new MemberLink(REF, ticker, () -> Instant.EPOCH);

    private Seen.Member seen(boolean leads) {
        return link.seen(leads, Optional.empty(), LONG, LONG);
    }

    @Test
    void primary_neverReached_isSilentLaterThanOneThatWas() {
        ticker.advance(MemberLink.FIRST);
        assertThat(seen(true).silent()).isZero();
        ticker.advance(Duration.ofSeconds(2));
        assertThat(seen(true).silent()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void standby_neverReached_isSilentFromTheBeginning() {
        ticker.advance(Duration.ofSeconds(2));
        assertThat(seen(false).silent()).isEqualTo(Duration.ofSeconds(2));
        assertThat(seen(false).away()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void lead_senderThatWasEndedStillLives_isNotProvedBeforeItIsGone() {
        FakePrimary server = new FakePrimary(REF);
        server.flushed.put("m-2", Long.MAX_VALUE);
        // Goes by the setting that it read last, in which m-2 did not count.
        server.flushed.put("m-3", 0L);
        Quorum setting = new Quorum(Set.of("m-2", "m-3"), 1);
        FailoverRecord record = new FailoverRecord(
                7,
                1,
                1,
                "m-1",
                1,
                new Quorum(Set.of("m-3"), 1).hull(setting),
                setting,
                new Phase.Steady(Instant.EPOCH),
                Collections.emptySortedMap(),
                Optional.empty(),
                Optional.empty(),
                "");
        Job job = server.job(record);

        link.carryOut(job, new Order.Lead(setting), Optional.empty());
        assertThat(server.ended).containsExactly("m-3");
        assertThat(seen(true).proved()).isZero();

        server.flushed.remove("m-3");
        link.carryOut(job, new Order.Lead(setting), Optional.empty());
        assertThat(seen(true).proved()).isEqualTo(record.revision());
    }
}
