package dev.tenon.testkit.local;

import dev.tenon.api.DataSize;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.testkit.contract.EngineContract;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;

final class PostgresqlIT extends EngineContract {
    @Override
    protected EngineDriver newEngine() {
        return new PostgresqlEngine();
    }

    @Override
    protected DeliveryDriver newDelivery() {
        return LocalDelivery.create();
    }

    @Override
    protected String version() {
        return "17";
    }

    @Override
    protected Resources size() {
        return Resources.of(0.5, DataSize.mib(256), DataSize.gib(1));
    }

    @Override
    protected Map<String, String> restartParameter() {
        return Map.of("max_connections", "13");
    }

    @Override
    protected Map<String, String> reloadParameter() {
        return Map.of("log_min_duration_statement", "1234");
    }

    @Override
    protected Map<String, String> tooMuchMemory() {
        return Map.of("shared_buffers", "4GB");
    }

    @Override
    protected List<String> forbiddenParameters() {
        return List.of(
                "archive_command",
                "ssl_key_file",
                "hba_file",
                "data_directory",
                "local_preload_libraries",
                "dynamic_library_path",
                "session_preload_libraries",
                "shared_preload_libraries");
    }

    @Override
    protected boolean canLogIn(ConnectionInfo connection, String user, Secret password) {
        try (Connection c = connection.dataSource().apply(password).getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT current_user")) {
            return r.next() && r.getString(1).equals(user);
        } catch (SQLException e) {
            if (e.getSQLState() != null && e.getSQLState().startsWith("28")) {
                return false;
            }
            throw new AssertionError("neither let in nor refused", e);
        }
    }
}
