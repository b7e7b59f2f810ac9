package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.Preview;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Parameters of a real PostgreSQL that take effect only when it starts. */
final class ParameterRestartIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void parameters_ofPostgresql_waitForARestartUnlessTheChangeAsksForIt() {
        try (Tenon tenon = Tenon.builder().delivery(LocalDelivery.create()).build()) {
            Tenant shop = tenon.tenants().create(t -> t.name("shop"));
            Instance orders = shop.instances()
                    .create(i -> i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .plan("small")
                            .ephemeral(true))
                    .await(PATIENCE);
            orders.apply(new Change.Parameters(Map.of("max_connections", "13"), Set.of()))
                    .await(PATIENCE);
            assertThat(orders.view().pendingRestart()).containsExactly("max_connections");
            assertThat(orders.settings()).doesNotContainEntry("max_connections", "13");
            Preview preview = orders.preview(new Change.Parameters(Map.of("max_connections", "14"), Set.of(), true));
            assertThat(preview.restart()).isTrue();
            orders.apply(preview).await(PATIENCE);
            assertThat(orders.view().pendingRestart()).isEmpty();
            assertThat(orders.settings()).containsEntry("max_connections", "14");
            orders.apply(new Change.Parameters(Map.of(), Set.of("max_connections")))
                    .await(PATIENCE);
            assertThat(orders.view().pendingRestart()).containsExactly("max_connections");
            orders.restart().await(PATIENCE);
            assertThat(orders.view().pendingRestart()).isEmpty();
        }
    }
}
