package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.delivery.DeliveryContext;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The delivery over SSH keeps the contract where the SSH server is dropbear, for a user who becomes root by {@code sudo}. */
@NeedsDocker
class DropbearDeliveryContractIT extends SshDeliveryContractIT {
    @BeforeAll
    static void open() {
        host = SshContainer.withDropbear();
        host.start();
    }

    @Override
    String user() {
        return SshContainer.OPERATOR;
    }

    @Test
    void host_thatCannotReachASocket_isRefusedByName(@TempDir Path directory) {
        try (SshContainer bare = SshContainer.withDropbear()) {
            bare.start();
            bare.sh("rm /usr/bin/socat*");
            try (SshDelivery delivery =
                    SshDelivery.builder().host(bare.as("h1", "a", "root")).build()) {
                delivery.start(new DeliveryContext(directory, Clock.systemUTC(), ref -> {}));
                assertThatThrownBy(() -> delivery.facts("h1"))
                        .isInstanceOfSatisfying(ProviderException.class, e -> assertThat(e.code())
                                .isEqualTo(ErrorCode.PROVIDER_FAILED))
                        .hasMessageContaining("forwards Unix sockets")
                        .hasMessageContaining("socat");
            }
        }
    }
}
