package dev.tenon.samples;

import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.Software;
import dev.tenon.testkit.contract.EngineContract;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;

/** The engine and the delivery of the samples, together and with real servers. */
// begin
class H2EngineIT extends EngineContract {
    @Override
    protected EngineDriver newEngine() {
        return new H2Engine();
    }

    @Override
    protected DeliveryDriver newDelivery() {
        Software h2 = new Software(H2Engine.H2, version());
        return new ProcessDelivery(
                directory.resolve("members"), Map.of(h2, H2Software.install(directory.resolve("software"))));
    }

    @Override
    protected Map<String, String> restartParameter() {
        return Map.of("ANALYZE_AUTO", "777");
    }

    /** H2 reads its properties when it starts, and only then. */
    @Override
    protected Map<String, String> reloadParameter() {
        return Map.of();
    }

    @Override
    protected Map<String, String> tooMuchMemory() {
        return Map.of();
    }

    @Override
    protected List<String> forbiddenParameters() {
        return List.of("DATABASE_TO_UPPER", "MAX_QUERY_TIMEOUT", "DEFAULT_TABLE_ENGINE");
    }

    @Override
    protected boolean canLogIn(ConnectionInfo connection, String user, Secret password) {
        try (Connection c = connection.dataSource().apply(password).getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT CURRENT_USER")) {
            return r.next() && r.getString(1).equalsIgnoreCase(user);
        } catch (SQLException e) {
            if ("28000".equals(e.getSQLState())) {
                return false;
            }
            throw new AssertionError("neither let in nor refused", e);
        }
    }
}
// end
