package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Tenant;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.fault.Mortality;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A copy that takes longer than the ten minutes other operations have. */
final class LongCopyTest {
    private static final Duration COPY = Duration.ofMinutes(20);

    @TempDir
    Path directory;

    /** Lets time pass while a member is filled, once: the lease ends meanwhile, and it is filled again. */
    private static final class LongFill implements Interceptor {
        private final World world;
        private final AtomicBoolean next = new AtomicBoolean();

        private LongFill(World world) {
            this.world = world;
        }

        @Override
        public void before(Call call) {
            if (call.verb().startsWith("fill") && next.compareAndSet(true, false)) {
                world.clock.skip(COPY);
            }
        }

        @Override
        public void after(Call call) {}
    }

    @Test
    void standby_addedAndRebuilt_inTime() {
        try (World world = new World(directory)) {
            LongFill copies = new LongFill(world);
            Tenant shop = World.tenant(world.start(new Mortality(), copies).tenon, "shop");
            Instance orders = World.created(shop, "orders");

            copies.next.set(true);
            orders.addStandby().await(World.PATIENCE);
            assertThat(copies.next).isFalse();

            copies.next.set(true);
            InstanceView whole =
                    orders.rebuildStandby("m-2").await(World.PATIENCE).view();
            assertThat(copies.next).isFalse();

            assertThat(whole.members()).hasSize(2);
            World.eventually(
                    () -> orders.explain().toString(), () -> orders.view().health() instanceof Health.Healthy);
        }
    }
}
