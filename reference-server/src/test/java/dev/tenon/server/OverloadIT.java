package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.server.TestServer.Answer;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Row 76: one tenant asks for far more than it may; it is told to wait, and the other does not notice. */
class OverloadIT {
    private static final int REQUESTS = 1_000;
    private static final int QUEUED = 100;
    private static final int LISTS = 200;

    @TempDir
    Path directory;

    @Test
    void row76_thousandCreatesOfOneTenant_areBoundedAndTheOtherTenantIsServed() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        SimulatedPlace place = SimulatedPlace.builder()
                .pause(latency -> assertThat(release.await(2, TimeUnit.MINUTES)).isTrue())
                .build();
        ExecutorService threads = Executors.newFixedThreadPool(32);
        try (TestServer server = TestServer.start(directory, place, QUEUED)) {
            String greedy = server.tenant("greedy", 1_000_000);
            String modest = server.tenant("modest");
            String orders = "/v1/tenants/" + modest + "/instances/" + server.instance(modest, "orders");
            place.latency("prepare", Duration.ofHours(1));
            List<Future<Answer>> creates = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                int n = i;
                creates.add(threads.submit(
                        () -> server.request("POST", "/v1/tenants/" + greedy + "/instances", server.admin())
                                .json(TestServer.spec("db-" + n))
                                .send()));
            }
            // Nothing of what the first has asked for can be done yet: whoever had to wait for it would wait in vain.
            for (int i = 0; i < LISTS; i++) {
                Answer list = server.request("GET", "/v1/tenants/" + modest + "/instances", server.admin())
                        .send();
                assertThat(list.status()).isEqualTo(200);
            }
            int accepted = 0;
            int refused = 0;
            for (Future<Answer> create : creates) {
                Answer answer = create.get();
                if (answer.status() == 202) {
                    accepted++;
                } else {
                    assertThat(answer.status()).as(answer.text()).isEqualTo(429);
                    assertThat(answer.code()).isEqualTo("TOO_MANY_REQUESTS");
                    assertThat(Integer.parseInt(answer.header("Retry-After"))).isPositive();
                    refused++;
                }
            }
            assertThat(accepted).isEqualTo(QUEUED);
            assertThat(refused).isEqualTo(REQUESTS - QUEUED);
            Answer change = server.request("PATCH", orders, server.admin())
                    .json("{\"tags\":{\"a\":\"b\"}}")
                    .send();
            release.countDown();
            server.done(change);
        } finally {
            release.countDown();
            threads.shutdownNow();
        }
    }
}
