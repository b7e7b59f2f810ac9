package dev.tenon.testkit.sim;

import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.contract.DeliveryContract;
import java.util.List;
import java.util.Map;

final class SimulatedDeliveryTest extends DeliveryContract {
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

    @Override
    protected void killMain(MemberRef ref) {
        place.kill(ref);
    }

    @Override
    protected List<String> residue(MemberRef ref) {
        return place.dump()
                .lines()
                .filter(line -> line.startsWith(ref.toString()))
                .toList();
    }

    @Override
    protected List<String> publicTexts(MemberRef ref) {
        return residue(ref);
    }
}
