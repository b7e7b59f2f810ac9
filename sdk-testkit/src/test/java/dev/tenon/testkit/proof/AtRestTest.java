package dev.tenon.testkit.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.HealthCheck;
import dev.tenon.api.Tenant;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.fault.Mortality;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a control plane does while nobody asks for anything. */
final class AtRestTest {
    private static final int INSTANCES = 40;
    private static final Duration HEALTH_INTERVAL =
            HealthCheck.builder().build().interval();

    @TempDir
    Path directory;

    private static final class Calls implements Interceptor {
        private final Map<String, Integer> counts = new ConcurrentHashMap<>();

        @Override
        public void before(Call call) {
            counts.merge(call.target() + "." + call.verb(), 1, Integer::sum);
        }

        @Override
        public void after(Call call) {}

        int of(String verb) {
            return counts.getOrDefault(verb, 0);
        }
    }

    @Test
    void minute_nothingChanges_costsQuestionsOfHealthAndOneLookAtAllPerSweep() {
        Calls calls = new Calls();
        try (World world = new World(directory)) {
            Tenant shop = World.tenant(world.start(new Mortality(), calls).tenon, "shop");
            for (int i = 0; i < INSTANCES; i++) {
                World.created(shop, "db-" + i);
            }
            // The first questions are spread over an interval.
            pass(world, calls, 31);
            calls.counts.clear();

            Instant begun = world.clock.instant();
            pass(world, calls, 60);
            long intervals = Duration.between(begun, world.clock.instant()).dividedBy(HEALTH_INTERVAL) + 1;

            assertThat(calls.of("STORE.commit")).as("commits").isZero();
            assertThat(calls.of("DELIVERY.observe")).as("looks at one member").isZero();
            assertThat(calls.of("DELIVERY.observeAll"))
                    .as("looks at all, of which each sweep makes one, as it lists once what waits for approval")
                    .isBetween(60, calls.of("STORE.list") + 1);
            assertThat(calls.of("ENGINE.connect"))
                    .as("questions")
                    .isBetween(INSTANCES, Math.toIntExact(INSTANCES * intervals));
            assertThat(calls.of("STORE.find")).as("secrets read").isLessThanOrEqualTo(calls.of("ENGINE.connect") + 1);
        }
    }

    /** Lets so many seconds pass, none before all was looked at in the one before. */
    private static void pass(World world, Calls calls, int seconds) {
        for (int i = 0; i < seconds; i++) {
            int seen = calls.of("DELIVERY.observeAll");
            world.clock.skip(Duration.ofSeconds(1));
            World.eventually("looked at", () -> calls.of("DELIVERY.observeAll") > seen);
        }
    }
}
