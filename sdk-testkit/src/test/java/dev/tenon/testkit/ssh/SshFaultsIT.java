package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.ExecResult;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A connection that is cut, a disk that is full: what the delivery over SSH does then, on a real OpenSSH server. */
class SshFaultsIT {
    private static final Epoch EPOCH = new Epoch(1);
    /** Ends every process that serves a connection of root, but not the server itself. */
    private static final String CUT = "for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline 2>/dev/null"
            + " | grep -q '^sshd: root@notty'; then kill -9 ${p#/proc/}; fi; done";

    @TempDir
    Path directory;

    @BeforeAll
    static void docker() {
        SshContainer.needDocker();
    }

    private static MemberWorkload workload() {
        return new PostgresqlEngine()
                .workloads(EngineRequest.builder()
                        .tenant(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"))
                        .instance(new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"))
                        .name("faults")
                        .version("17")
                        .topology(Topology.single())
                        .resources(Resources.of(0.1, DataSize.mib(256), DataSize.mib(256)))
                        .parameters(Map.of())
                        .secrets(Map.of())
                        .ephemeral(false)
                        .build())
                .get(0);
    }

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
                MemberWorkload w = workload();
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
                await(() -> !host.sh("cat /tmp/runs 2>/dev/null || true").isBlank());
                host.sh(CUT);
                host.sh("touch /tmp/go");
                assertThat(result.get(60, TimeUnit.SECONDS)).isEqualTo(new ExecResult(3, "it's a b;c\n$(d)\n", ""));
                assertThat(host.sh("cat /tmp/runs")).isEqualTo("run\n");
                await(() -> driver.observe(w.ref()).state() == MemberState.STOPPED);
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
                MemberWorkload w = workload();
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

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        for (int left = 600; !condition.holds(); left--) {
            assertThat(left).isPositive();
            assertThat(never.await(100, TimeUnit.MILLISECONDS)).isFalse();
        }
    }
}
