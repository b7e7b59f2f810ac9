package dev.tenon.testkit;

import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Connections to one leased database. What copies or replaces the database must be alone in it: then these are closed, and each
 * comes back when it is used next. Thread-safe.
 */
final class LeasedDataSource implements DataSource {
    private static final org.slf4j.Logger log = org.slf4j.LoggerFactory.getLogger(LeasedDataSource.class);

    private final PGSimpleDataSource source;
    private final AtomicReference<@Nullable Connection> ready;
    private final Set<ComingBack> open = ConcurrentHashMap.newKeySet();
    /** Shared by who opens a connection, alone for who needs to be alone in the database. */
    private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();

    /** @param ready a connection that was opened beforehand */
    LeasedDataSource(Lease.Address address, @Nullable Connection ready) {
        this.source = Connections.source(address);
        this.ready = new AtomicReference<>(ready);
    }

    @Override
    public Connection getConnection() throws SQLException {
        ComingBack handler = new ComingBack();
        handler.target = open();
        open.add(handler);
        return (Connection) Proxy.newProxyInstance(
                LeasedDataSource.class.getClassLoader(), new Class<?>[] {Connection.class}, handler);
    }

    private Connection open() throws SQLException {
        gate.readLock().lock();
        try {
            Connection opened = ready.getAndSet(null);
            return opened != null ? opened : source.getConnection();
        } finally {
            gate.readLock().unlock();
        }
    }

    /** Connections of another account are its caller's own affair. */
    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        return source.getConnection(user, password);
    }

    /**
     * Closes all connections, then does the work while no new one can be opened.
     *
     * @param idle whether an open transaction forbids it
     */
    <T> T alone(boolean idle, Supplier<T> work) {
        gate.writeLock().lock();
        try {
            if (idle) {
                open.forEach(ComingBack::requireIdle);
            }
            open.forEach(ComingBack::suspend);
            closeQuietly(ready.getAndSet(null));
            return work.get();
        } finally {
            gate.writeLock().unlock();
        }
    }

    private static void closeQuietly(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                log.debug("A connection was broken already: {}", e.toString());
            }
        }
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("the driver logs by itself");
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        throw new SQLFeatureNotSupportedException("the time to connect is fixed");
    }

    @Override
    public int getLoginTimeout() {
        return source.getConnectTimeout();
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("no java.util.logging here");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(source)) {
            return type.cast(source);
        }
        throw new SQLException("is no " + type.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(source);
    }

    /** One connection as its user sees it, whatever becomes of the one behind it. */
    private final class ComingBack implements InvocationHandler {
        private final ReentrantLock lock = new ReentrantLock();
        private @Nullable Connection target;
        private boolean closed;
        private boolean autoCommit = true;
        private boolean readOnly;
        private int isolation = Connection.TRANSACTION_NONE;

        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
            switch (method.getName()) {
                case "equals":
                    return proxy == Objects.requireNonNull(arguments)[0];
                case "hashCode":
                    return System.identityHashCode(proxy);
                case "toString":
                    return "connection to " + source.getDatabaseName();
                case "close":
                    close();
                    return null;
                case "isClosed":
                    return isClosed();
                case "setTransactionIsolation":
                    isolation = (Integer) Objects.requireNonNull(arguments)[0];
                    return call(method, arguments);
                default:
                    return call(method, arguments);
            }
        }

        private @Nullable Object call(Method method, Object @Nullable [] arguments) throws Throwable {
            try {
                return method.invoke(current(), arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }

        private Connection current() throws SQLException {
            lock.lock();
            try {
                if (closed) {
                    throw new SQLException("This connection has been closed.", "08003");
                }
                if (target == null) {
                    Connection again = open();
                    again.setReadOnly(readOnly);
                    if (isolation != Connection.TRANSACTION_NONE) {
                        again.setTransactionIsolation(isolation);
                    }
                    again.setAutoCommit(autoCommit);
                    target = again;
                }
                return target;
            } finally {
                lock.unlock();
            }
        }

        private boolean isClosed() throws SQLException {
            lock.lock();
            try {
                return closed || target != null && target.isClosed();
            } finally {
                lock.unlock();
            }
        }

        private void close() throws SQLException {
            open.remove(this);
            lock.lock();
            try {
                closed = true;
                if (target != null) {
                    target.close();
                }
            } finally {
                lock.unlock();
            }
        }

        void requireIdle() {
            lock.lock();
            try {
                if (target != null
                        && !target.isClosed()
                        && target.unwrap(BaseConnection.class).getTransactionState() != TransactionState.IDLE) {
                    throw new IllegalStateException(
                            "a connection has an open transaction, which a copy would not hold: commit or roll back first");
                }
            } catch (SQLException e) {
                throw Connections.failed("look at a connection", e);
            } finally {
                lock.unlock();
            }
        }

        void suspend() {
            lock.lock();
            try {
                if (target != null && !target.isClosed()) {
                    autoCommit = target.getAutoCommit();
                    readOnly = target.isReadOnly();
                    closeQuietly(target);
                }
                target = null;
            } catch (SQLException e) {
                throw Connections.failed("look at a connection", e);
            } finally {
                lock.unlock();
            }
        }
    }
}
