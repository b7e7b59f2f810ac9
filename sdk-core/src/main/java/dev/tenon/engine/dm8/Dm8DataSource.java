package dev.tenon.engine.dm8;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** An unpooled source over the vendor's driver, which the application brings: it is not ours to bundle. */
final class Dm8DataSource implements DataSource {
    private static final String DRIVER = "dm.jdbc.driver.DmDriver";

    private final String url;
    private final String user;
    private final Secret password;

    Dm8DataSource(String url, String user, Secret password) {
        this.url = url;
        this.user = user;
        this.password = password;
    }

    /** Loads the driver, which registers itself. */
    static void requireDriver() {
        try {
            Class.forName(DRIVER);
        } catch (ClassNotFoundException e) {
            throw new ProviderException(
                    ErrorCode.SOFTWARE_MISSING,
                    "the DM8 JDBC driver is not on the class path: add com.dameng:DmJdbcDriver11 or com.dameng:DmJdbcDriver8,"
                            + " not older than the server, or the jar from drivers/jdbc of the installation",
                    e);
        }
    }

    @Override
    public Connection getConnection() throws SQLException {
        return password.reveal(text -> new Credentials(user, text)).connect(url);
    }

    @Override
    public Connection getConnection(String otherUser, String otherPassword) throws SQLException {
        return new Credentials(otherUser, otherPassword).connect(url);
    }

    /** Carries the clear text across the border of a method that may throw {@link SQLException}. */
    private record Credentials(String user, String password) {
        Connection connect(String url) throws SQLException {
            requireDriver();
            return DriverManager.getConnection(url, user, password);
        }

        @Override
        public String toString() {
            return user + "/***";
        }
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("logging goes through the driver's own settings");
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        throw new SQLFeatureNotSupportedException("use the URL's connectTimeout");
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("no java.util.logging here");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        throw new SQLException("not a wrapper for " + type.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }
}
