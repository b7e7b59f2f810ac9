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
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A copy that takes longer than the ten minutes other operations have. */
final class LongCopyTest {
    private static final Duration COPY = Duration.ofMinutes(20);

    @TempDir
    Path directory;

    /** Lets time pass while a member is filled. */
    private static final class LongFill implements Interceptor {
        private final World world;
        private final AtomicInteger filled = new AtomicInteger();

        private LongFill(World world) {
            this.world = world;
        }

        @Override
        public void before(Call call) {
            if (call.verb().startsWith("fill")) {
                filled.incrementAndGet();
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

            orders.addStandby().await(World.PATIENCE);
            InstanceView whole =
                    orders.rebuildStandby("m-2").await(World.PATIENCE).view();

            assertThat(copies.filled).hasValueGreaterThanOrEqualTo(2);
            assertThat(whole.members()).hasSize(2);
            World.eventually(
                    () -> orders.explain().toString(), () -> orders.view().health() instanceof Health.Healthy);
        }
    }
}
