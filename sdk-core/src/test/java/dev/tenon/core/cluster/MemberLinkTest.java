package dev.tenon.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.core.failover.Seen;
import dev.tenon.core.time.ManualTicker;
import dev.tenon.spi.workload.MemberRef;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class MemberLinkTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private final ManualTicker ticker = new ManualTicker();
    private final MemberLink link = new MemberLink(
            new MemberRef(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), "m-1"),
            ticker,
            () -> Instant.EPOCH);

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
}
