package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.NoSuchElementException;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A few sessions that many threads share. */
final class SessionPool implements AutoCloseable {
    /** Opens a session. */
    @FunctionalInterface
    interface Opener {
        Session open() throws SQLException;
    }

    private static final Logger log = LoggerFactory.getLogger(SessionPool.class);

    private final GenericObjectPool<Session> pool;
    private final Duration patience;

    SessionPool(int size, Duration patience, Opener opener) {
        this.patience = patience;
        GenericObjectPoolConfig<Session> config = new GenericObjectPoolConfig<>();
        config.setJmxEnabled(false);
        config.setMaxTotal(size);
        config.setMaxIdle(size);
        config.setMaxWait(patience);
        pool = new GenericObjectPool<>(
                new BasePooledObjectFactory<>() {
                    @Override
                    public Session create() throws SQLException {
                        return opener.open();
                    }

                    @Override
                    public PooledObject<Session> wrap(Session session) {
                        return new DefaultPooledObject<>(session);
                    }

                    @Override
                    public void destroyObject(PooledObject<Session> pooled) throws SQLException {
                        pooled.getObject().close();
                    }
                },
                config);
    }

    /** Returns a session, waiting for one if need be. An interrupt is kept for the caller: it does not make a short wait fail. */
    Session borrow() throws SQLException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return pool.borrowObject();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (NoSuchElementException e) {
            throw new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE,
                    "none of the store's " + pool.getMaxTotal() + " connections was free for " + patience,
                    e);
        } catch (IllegalStateException e) {
            throw new ProviderException(ErrorCode.STORE_UNAVAILABLE, "the store is closed", e);
        } catch (SQLException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new SQLException("cannot open a session", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    void giveBack(Session session) {
        pool.returnObject(session);
    }

    /** Takes a session out that may be broken. */
    void discard(Session session) {
        try {
            pool.invalidateObject(session);
        } catch (Exception e) {
            log.debug("a broken connection to the store did not close", e);
        }
    }

    /** Closes the sessions that nobody uses now; what broke one has often broken all. */
    void clear() {
        pool.clear();
    }

    @Override
    public void close() {
        pool.close();
    }
}
