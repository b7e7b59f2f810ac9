package dev.tenon.core;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A source whose target is found anew for every connection, so that it follows the instance. Thread-safe. */
final class FollowingDataSource implements DataSource {
    /**
     * Where connections go now.
     *
     * @param primary source of connections that write
     * @param standbys where they read, if those serve reads
     */
    record Target(DataSource primary, Optional<SplitConnection.Standbys> standbys) {}

    private final Supplier<Target> target;
    private volatile int loginTimeout;

    FollowingDataSource(Supplier<Target> target) {
        this.target = target;
    }

    @Override
    public Connection getConnection() throws SQLException {
        Target now = target();
        Connection primary = now.primary().getConnection();
        return now.standbys()
                .map(standbys -> SplitConnection.of(primary, standbys))
                .orElse(primary);
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        return target().primary().getConnection(user, password);
    }

    private Target target() throws SQLException {
        Target now = target.get();
        if (loginTimeout > 0) {
            now.primary().setLoginTimeout(loginTimeout);
        }
        return now;
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("log through the driver");
    }

    @Override
    public void setLoginTimeout(int seconds) {
        loginTimeout = seconds;
    }

    @Override
    public int getLoginTimeout() {
        return loginTimeout;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("log through the driver");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        return target().primary().unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return type.isInstance(this) || target().primary().isWrapperFor(type);
    }
}
