package dev.tenon.testkit.local;

import static dev.tenon.testkit.local.LocalShop.await;
import static dev.tenon.testkit.local.LocalShop.awaitWhole;
import static dev.tenon.testkit.local.LocalShop.primary;
import static dev.tenon.testkit.local.LocalShop.say;
import static dev.tenon.testkit.local.LocalShop.server;
import static dev.tenon.testkit.local.LocalShop.tell;
import static dev.tenon.testkit.local.LocalShop.told;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Durability;
import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.api.Reason;
import dev.tenon.baremetal.LocalDelivery;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens by itself when members of a cluster are lost, on real servers under a writer. */
final class FailoverIT {
    @TempDir
    static Path directory;

    private LocalShop shop;

    @BeforeEach
    void open() throws Exception {
        shop = new LocalShop(directory, LocalDelivery.create());
    }

    @AfterEach
    void close() {
        shop.close();
    }

    @Test
    void primaryKilled_strict_standbyLeadsAndNothingIsLost() throws Exception {
        Instance orders = shop.create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            String old = primary(orders);
            server(orders, old).destroyForcibly();
            writer.awaitMore(50);
            assertThat(primary(orders)).as("another leads").isNotEqualTo(old);
            awaitWhole(orders, 3);
            writer.close();
            say("primary killed", writer);
            tell(orders);
            writer.assertNothingLost();
        }
        assertThat(told(orders)).containsSubsequence("failover.begun", "failover.elected", "failover.done");
    }

    @Test
    void primarySilent_strict_isFencedAndRejoins() throws Exception {
        Instance orders = shop.create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            String old = primary(orders);
            List<ProcessHandle> stopped = Signals.tree(server(orders, old));
            Signals.send("STOP", stopped);
            writer.awaitMore(50);
            assertThat(primary(orders)).as("another leads").isNotEqualTo(old);
            Signals.send("CONT", stopped);
            awaitWhole(orders, 3);
            await(orders, "the old primary's last process was ended, too", view -> stopped.stream()
                    .noneMatch(ProcessHandle::isAlive));
            writer.close();
            say("primary silent", writer);
            tell(orders);
            writer.assertNothingLost();
        }
    }

    @Test
    void onlyStandbyKilled_balanced_comesBackWithoutStop() throws Exception {
        Instance orders = shop.create(1, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            server(orders, "m-2").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            writer.assertNothingLost();
        }
        assertThat(primary(orders)).isEqualTo("m-1");
    }

    @Test
    void onlyStandbySilent_balanced_leaveIsRecordedAndTakenBack() throws Exception {
        Instance orders = shop.create(1, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            List<ProcessHandle> stopped = Signals.tree(server(orders, "m-2"));
            Signals.send("STOP", stopped);
            await(orders, "leave is told", view -> told(orders).contains("instance.alone"));
            writer.awaitMore(50);
            assertThat(orders.explain().decisions())
                    .as("said once, not with every look")
                    .filteredOn(decision -> decision.what().code() == Reason.Code.RUNS_ALONE)
                    .hasSizeLessThanOrEqualTo(1);
            Signals.send("CONT", stopped);
            awaitWhole(orders, 2);
            await(orders, "leave is taken back", view -> told(orders).contains("instance.not_alone"));
            writer.awaitMore(50);
            writer.close();
            tell(orders);
            assertThat(writer.longestPause).isBetween(Duration.ofSeconds(8), Duration.ofSeconds(20));
            writer.assertNothingLost();
        }
    }

    @Test
    void allKilled_strict_comeBackAndNothingIsLost() throws Exception {
        Instance orders = shop.create(2, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            for (Member member : orders.view().members()) {
                server(orders, member.name()).destroyForcibly();
            }
            writer.awaitMore(50);
            awaitWhole(orders, 3);
            writer.assertNothingLost();
        }
    }

    @Test
    void pair_primaryKilled_writesWaitForItsReturn() throws Exception {
        Instance orders = shop.create(1, Durability.STRICT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            server(orders, "m-1").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            assertThat(primary(orders)).isEqualTo("m-2");
            // A moment later there is no second automatic change: it is started where it was.
            server(orders, "m-2").destroyForcibly();
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            assertThat(primary(orders)).isEqualTo("m-2");
            writer.close();
            tell(orders);
            writer.assertNothingLost();
        }
    }
}
