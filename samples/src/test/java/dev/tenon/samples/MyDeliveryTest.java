package dev.tenon.samples;

import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.contract.DeliveryContract;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.util.List;
import java.util.Map;

/** The proof of a delivery; the simulated one stands where yours will. */
// begin
class MyDeliveryTest extends DeliveryContract {
    private final SimulatedPlace place = SimulatedPlace.create();

    @Override
    protected DeliveryDriver newDriver() {
        return SimulatedDelivery.on(place);
    }

    @Override
    protected EngineDriver engine() {
        return SimulatedEngine.on(place);
    }

    @Override
    protected Map<String, String> restartParameter() {
        return Map.of("max_sessions", "7");
    }

    @Override
    protected Map<String, String> reloadParameter() {
        return Map.of("log_level", "debug");
    }

    /** As the machine would: without the driver's knowing. */
    @Override
    protected void killMain(MemberRef ref) {
        place.kill(ref);
    }

    /** Processes, directories, ports: whatever is left of a member, found without the driver. */
    @Override
    protected List<String> residue(MemberRef ref) {
        return place.members().stream()
                .filter(ref::equals)
                .map(MemberRef::toString)
                .toList();
    }

    /** Arguments and environments that other users of the place can read. */
    @Override
    protected List<String> publicTexts(MemberRef ref) {
        return List.of();
    }
}
// end
