package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.SQLException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;

/** A database in memory. It lives as long as its connection, so there is only one, and readers wait for the writer. */
final class SqliteMemory implements SqliteDatabase {
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Session session;

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public void open() {
        lock.lock();
        try {
            Session opened = new Session(new SQLiteConfig().createConnection("jdbc:sqlite::memory:"));
            Schema.create(opened);
            opened.connection().setAutoCommit(false);
            session = opened;
        } catch (SQLException e) {
            throw failure(e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public <T> T read(Read<T> read) {
        lock.lock();
        try {
            return read.from(session());
        } catch (SQLException e) {
            throw failure(e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void transaction(GroupWriter.Body body) throws SQLException {
        lock.lock();
        try {
            Session open = session();
            boolean committed = false;
            try {
                body.run(open);
                open.connection().commit();
                committed = true;
            } finally {
                if (!committed) {
                    open.connection().rollback();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private Session session() {
        if (session == null) {
            throw GroupWriter.closed();
        }
        return session;
    }

    @Override
    public ProviderException failure(Throwable cause) {
        return cause instanceof ProviderException known
                ? known
                : new ProviderException(ErrorCode.STORE_UNAVAILABLE, "the store in memory failed", cause);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (session != null) {
                session.close();
                session = null;
            }
        } catch (SQLException e) {
            throw failure(e);
        } finally {
            lock.unlock();
        }
    }
}
