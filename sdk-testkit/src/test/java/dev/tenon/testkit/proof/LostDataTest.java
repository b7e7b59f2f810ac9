package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Tenant;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.fault.Mortality;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data that is lost between a look and what follows from it. */
final class LostDataTest {
    @TempDir
    Path directory;

    /** Loses a member at the next call that prepares it; nobody else starts before. */
    private static final class Loss implements Interceptor {
        private final World world;
        private final AtomicReference<MemberRef> next = new AtomicReference<>();

        private Loss(World world) {
            this.world = world;
        }

        @Override
        public void before(Call call) {
            MemberRef ref = next.get();
            if (ref == null) {
                return;
            }
            if (!call.subject().endsWith(ref.member())) {
                if (call.verb().equals("start")) {
                    throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "not before " + ref + " was lost");
                }
            } else if (call.verb().equals("prepare") && next.compareAndSet(ref, null)) {
                world.place.lose(ref);
            }
        }

        @Override
        public void after(Call call) {}
    }

    @Test
    void primaryToldToLead_isNotMadeAnewForItsStandbysToFollow() {
        try (World world = new World(directory)) {
            Loss loss = new Loss(world);
            Tenant shop = World.tenant(world.start(new Mortality(), loss).tenon, "shop");
            Instance orders = World.created(shop, "orders", i -> i.topology(t -> t.standbys(2)));
            MemberRef primary = new MemberRef(orders.tenant(), orders.id(), "m-1");
            loss.next.set(primary);
            // With one standby left nobody else may lead: it is told to lead where it was.
            world.place.kill(new MemberRef(orders.tenant(), orders.id(), "m-2"));
            world.place.kill(primary);

            World.eventually(() -> orders.view() + " " + orders.explain(), () -> {
                world.clock.skip(Duration.ofMillis(100));
                InstanceView view = orders.view();
                return !view.members().get(0).name().equals("m-1") && view.health() instanceof Health.Healthy;
            });
            assertThat(loss.next).hasNullValue();
            assertThat(orders.events().after(0, 1_000)).extracting(Event::type).contains("failover.done");
        }
    }
}
