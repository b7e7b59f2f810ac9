package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.postgresql.ds.PGSimpleDataSource;

/** Connections as the databases' owner to one server, and what goes wrong with them. Thread-safe. */
final class Connections implements AutoCloseable {
    private static final int MOST = 4;
    private static final Duration WAIT = Duration.ofMinutes(1);

    /** What is done with a connection. */
    @FunctionalInterface
    interface Work<T> {
        T with(Connection connection) throws SQLException;
    }

    private final GenericObjectPool<Connection> pool;

    Connections(Lease.Address address) {
        GenericObjectPoolConfig<Connection> config = new GenericObjectPoolConfig<>();
        config.setMaxTotal(MOST);
        config.setMaxWait(WAIT);
        // A server may have been restarted since.
        config.setTestOnBorrow(true);
        config.setJmxEnabled(false);
        pool = new GenericObjectPool<>(new Factory(source(address)), config);
    }

    /** Returns an unpooled source of connections. */
    static PGSimpleDataSource source(Lease.Address address) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {address.host()});
        source.setPortNumbers(new int[] {address.port()});
        source.setDatabaseName(address.database());
        source.setUser(address.user());
        source.setPassword(address.password().reveal(text -> text));
        source.setSslmode("disable");
        source.setGssEncMode("disable");
        // The first settings then go with the log-in, instead of two statements after it.
        source.setAssumeMinServerVersion("14");
        source.setConnectTimeout(10);
        source.setTcpKeepAlive(true);
        return source;
    }

    <T> T with(String what, Work<T> work) {
        Connection connection;
        try {
            connection = pool.borrowObject();
        } catch (Exception e) {
            throw failed(what, e);
        }
        boolean sound = false;
        try {
            T result = work.with(connection);
            sound = true;
            return result;
        } catch (SQLException e) {
            throw failed(what, e);
        } finally {
            giveBack(connection, sound);
        }
    }

    private void giveBack(Connection connection, boolean sound) {
        if (sound) {
            pool.returnObject(connection);
        } else {
            try {
                pool.invalidateObject(connection);
            } catch (Exception e) {
                throw failed("close a connection", e);
            }
        }
    }

    static ProviderException failed(String what, Exception cause) {
        if (cause instanceof ProviderException ours) {
            return ours;
        }
        if (cause instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        boolean full = cause instanceof SQLException sql && "53100".equals(sql.getSQLState());
        return new ProviderException(
                full ? ErrorCode.DISK_FULL : ErrorCode.PROVIDER_FAILED,
                "the testkit could not " + what + ": " + cause.getMessage(),
                cause);
    }

    @Override
    public void close() {
        pool.close();
    }

    private static final class Factory extends BasePooledObjectFactory<Connection> {
        private final PGSimpleDataSource source;

        Factory(PGSimpleDataSource source) {
            this.source = source;
        }

        @Override
        public Connection create() throws SQLException {
            return source.getConnection();
        }

        @Override
        public PooledObject<Connection> wrap(Connection connection) {
            return new DefaultPooledObject<>(connection);
        }

        @Override
        public boolean validateObject(PooledObject<Connection> pooled) {
            try {
                return pooled.getObject().isValid(5);
            } catch (SQLException e) {
                return false;
            }
        }

        @Override
        public void destroyObject(PooledObject<Connection> pooled) throws SQLException {
            pooled.getObject().close();
        }
    }
}
