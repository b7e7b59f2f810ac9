package dev.tenon.testkit.ssh;

import org.junit.jupiter.api.BeforeAll;

/** The delivery over SSH keeps the contract where members are units of systemd. */
@NeedsDocker
class SystemdDeliveryContractIT extends SshDeliveryContractIT {
    @BeforeAll
    static void open() {
        host = SshContainer.withSystemd();
        host.start();
    }
}
