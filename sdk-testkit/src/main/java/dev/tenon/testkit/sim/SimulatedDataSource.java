package dev.tenon.testkit.sim;

import dev.tenon.api.Secret;
import dev.tenon.spi.engine.ClientEndpoint;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Checks user and password, then refuses: a simulated database understands no statement. */
final class SimulatedDataSource implements DataSource {
    private final SimulatedPlace place;
    private final ClientEndpoint endpoint;
    private final String user;
    private final Secret password;

    SimulatedDataSource(SimulatedPlace place, ClientEndpoint endpoint, String user, Secret password) {
        this.place = place;
        this.endpoint = endpoint;
        this.user = user;
        this.password = password;
    }

    @Override
    public Connection getConnection() throws SQLException {
        SimulatedMember m = place.at(endpoint.host(), endpoint.port())
                .orElseThrow(() -> new SQLException("nothing listens there", "08001"));
        if (!place.canLogIn(m.ref, user, password)) {
            throw new SQLException("authentication failed or the server is down", "28000");
        }
        throw new SQLFeatureNotSupportedException("a simulated database understands no statement");
    }

    @Override
    public Connection getConnection(String otherUser, String otherPassword) throws SQLException {
        return new SimulatedDataSource(place, endpoint, otherUser, Secret.of(otherPassword)).getConnection();
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("no log");
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        throw new SQLFeatureNotSupportedException("no time-out");
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("no logger");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        throw new SQLException("not a " + type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }
}
