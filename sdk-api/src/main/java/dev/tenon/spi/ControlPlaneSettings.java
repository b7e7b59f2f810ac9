package dev.tenon.spi;

import dev.tenon.api.HealthCheck;
import dev.tenon.api.Plan;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.store.StateStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * What {@link dev.tenon.api.TenonBuilder} collected; see there for each value.
 *
 * @param directory {@link dev.tenon.api.TenonBuilder#directory}
 * @param store {@link dev.tenon.api.TenonBuilder#store}
 * @param deliveries {@link dev.tenon.api.TenonBuilder#delivery}
 * @param engines {@link dev.tenon.api.TenonBuilder#engine}
 * @param plans {@link dev.tenon.api.TenonBuilder#plan}
 * @param clock {@link dev.tenon.api.TenonBuilder#clock}
 * @param random {@link dev.tenon.api.TenonBuilder#random}
 * @param lease {@link dev.tenon.api.TenonBuilder#lease}
 * @param resync {@link dev.tenon.api.TenonBuilder#resync}
 * @param healthCheck {@link dev.tenon.api.TenonBuilder#healthCheck}
 * @param cpuOvercommit {@link dev.tenon.api.TenonBuilder#overcommit}
 * @param memoryOvercommit {@link dev.tenon.api.TenonBuilder#overcommit}
 * @param history {@link dev.tenon.api.TenonBuilder#history}
 * @param workers {@link dev.tenon.api.TenonBuilder#workers}
 * @param maxQueuedPerTenant {@link dev.tenon.api.TenonBuilder#maxQueuedPerTenant}
 */
public record ControlPlaneSettings(
        Optional<Path> directory,
        Optional<StateStore> store,
        List<DeliveryDriver> deliveries,
        List<EngineDriver> engines,
        List<Plan> plans,
        Clock clock,
        Optional<RandomGenerator> random,
        Duration lease,
        Duration resync,
        HealthCheck healthCheck,
        double cpuOvercommit,
        double memoryOvercommit,
        Duration history,
        int workers,
        int maxQueuedPerTenant) {
    /** Copies the lists. */
    public ControlPlaneSettings {
        deliveries = List.copyOf(deliveries);
        engines = List.copyOf(engines);
        plans = List.copyOf(plans);
    }
}
