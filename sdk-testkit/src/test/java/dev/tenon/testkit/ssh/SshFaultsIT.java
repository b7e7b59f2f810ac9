package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A connection that is cut, a disk that is full: what the delivery over SSH does then, on a real OpenSSH server. */
@NeedsDocker
class SshFaultsIT {
    private static final Epoch EPOCH = new Epoch(1);
    /** Ends every process that serves a connection of root, but not the server itself. */
    private static final String CUT = "for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline 2>/dev/null"
            + " | grep -q '^sshd: root@notty'; then kill -9 ${p#/proc/}; fi; done";

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    private SshDelivery started(SshContainer host) {
        SshDelivery driver = SshDelivery.builder()
                .host(host.as("h1", "a", "root"))
                .committedAtMost(100)
                .build();
        driver.start(new DeliveryContext(directory, Clock.systemUTC(), ref -> {}));
        return driver;
    }

    @Test
    void connection_cutDuringACommand_givesTheResultOfItsOneRun() throws Exception {
        ExecutorService caller = Executors.newSingleThreadExecutor();
        try (SshContainer host = new SshContainer()) {
            host.start();
            try (SshDelivery driver = started(host)) {
                MemberWorkload w = Members.of("a");
                driver.prepare(w, EPOCH);
                Command slow = Command.of(
                        Duration.ofSeconds(60),
                        Template.text("/bin/sh"),
                        Template.text("-c"),
                        Template.text(
                                "echo run >> /tmp/runs; until [ -e /tmp/go ]; do sleep 0.1; done; echo \"it's $1\"; exit 3"),
                        Template.text("sh"),
                        Template.text("a b;c\n$(d)"));
                Future<ExecResult> result = caller.submit(() -> driver.exec(w, slow, EPOCH));
                Members.within(PATIENCE, "it runs", () -> !host.sh("cat /tmp/runs 2>/dev/null || true")
                        .isBlank());
                host.sh(CUT);
                host.sh("touch /tmp/go");
                assertThat(result.get(60, TimeUnit.SECONDS)).isEqualTo(new ExecResult(3, "it's a b;c\n$(d)\n", ""));
                assertThat(host.sh("cat /tmp/runs")).isEqualTo("run\n");
                Members.within(PATIENCE, "seen", () -> driver.observe(w.ref()).state() == MemberState.STOPPED);
                driver.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            }
        } finally {
            caller.shutdownNow();
        }
    }

    @Test
    void disk_full_isSaidAndNothingIsHalfInstalled() {
        try (SshContainer host = new SshContainer().withTmpFs(Map.of("/var/lib/tenon", "rw,exec,size=300m"))) {
            host.start();
            try (SshDelivery driver = started(host)) {
                MemberWorkload w = Members.of("a");
                host.sh("head -c 280M /dev/zero > /var/lib/tenon/somebody-elses");
                assertThatThrownBy(() -> driver.prepare(w, EPOCH))
                        .isInstanceOfSatisfying(ProviderException.class, e -> assertThat(e.code())
                                .isEqualTo(ErrorCode.DISK_FULL));
                assertThat(driver.observe(w.ref()).state()).isEqualTo(MemberState.ABSENT);
                assertThat(host.sh("ls /var/lib/tenon/software | grep manifest || true"))
                        .isEmpty();
            }
        }
    }
}
