package dev.tenon.samples;

import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.testkit.contract.EngineContract;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** The proof of an engine; the simulated one stands where yours will. */
// begin
class MyEngineTest extends EngineContract {
    private final SimulatedPlace place = SimulatedPlace.create();

    @Override
    protected EngineDriver newEngine() {
        return SimulatedEngine.on(place);
    }

    /** For a real engine: LocalDelivery.create(). */
    @Override
    protected DeliveryDriver newDelivery() {
        return SimulatedDelivery.on(place);
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
    protected Map<String, String> tooMuchMemory() {
        return Map.of("buffer_size", "4096");
    }

    @Override
    protected List<String> forbiddenParameters() {
        return List.of("archive_command");
    }

    @Override
    protected boolean canLogIn(ConnectionInfo connection, String user, Secret password) {
        try {
            connection.dataSource().apply(password).getConnection().close();
            return true;
        } catch (java.sql.SQLFeatureNotSupportedException e) {
            // The simulated engine lets one in and has nothing to talk to.
            return true;
        } catch (SQLException e) {
            return false;
        }
    }
}
// end
