package dev.tenon.testkit.sim;

import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.testkit.contract.EngineContract;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.List;
import java.util.Map;

final class SimulatedEngineTest extends EngineContract {
    private final SimulatedPlace place = SimulatedPlace.create();

    @Override
    protected EngineDriver newEngine() {
        return SimulatedEngine.on(place);
    }

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
        return List.of("archive_command", "data_directory", "ssl_key_file");
    }

    @Override
    protected boolean canLogIn(ConnectionInfo connection, String user, Secret password) {
        try {
            connection.dataSource().apply(password).getConnection().close();
            throw new AssertionError("a simulated database has no connections");
        } catch (SQLFeatureNotSupportedException e) {
            return true;
        } catch (SQLException e) {
            return false;
        }
    }
}
