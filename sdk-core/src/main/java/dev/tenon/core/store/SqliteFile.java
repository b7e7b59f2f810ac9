package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.NoSuchElementException;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;

/**
 * A database in a file: one connection that writes, some that read. With the write-ahead log neither waits for the other, and a read
 * sees everything whose commit has returned.
 */
final class SqliteFile implements SqliteDatabase {
    private static final Logger log = LoggerFactory.getLogger(SqliteFile.class);

    private static final int READERS = 4;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    // Pages are copied from the log into the file when the log has this many; more means that a page changed often is
    // copied once.
    private static final int CHECKPOINT_PAGES = 4_000;
    private static final int LOG_BYTES_KEPT = 32 << 20;
    private static final int WRITER_CACHE_KIB = 16 << 10;
    private static final int READER_CACHE_KIB = 4 << 10;

    private final Path file;
    private @Nullable StoreLock lock;
    private @Nullable Session writer;
    private volatile @Nullable GenericObjectPool<Session> readers;

    SqliteFile(Path file) {
        this.file = file;
    }

    @Override
    public String name() {
        return String.valueOf(file.getFileName());
    }

    @Override
    public synchronized void open() {
        boolean opened = false;
        try {
            PrivateFiles.create(file);
            lock = StoreLock.take(file);
            Session session = connect(false);
            writer = session;
            Schema.update(session, Dialect.SQLITE, this::dataSource);
            // Nobody else has this file, so whoever held a lease is gone. The epochs stay.
            session.update("UPDATE tenon_lease SET until_us = 0 WHERE until_us > 0");
            session.connection().setAutoCommit(false);
            readers = new GenericObjectPool<>(new ReaderFactory(), readerPool());
            opened = true;
        } catch (SQLException | IOException e) {
            throw failure(e);
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    private Session connect(boolean readOnly) throws SQLException {
        SQLiteConfig config = config();
        config.setCacheSize(-(readOnly ? READER_CACHE_KIB : WRITER_CACHE_KIB));
        Session session = new Session(config.createConnection("jdbc:sqlite:" + file.toAbsolutePath()));
        if (readOnly) {
            session.script("PRAGMA query_only = 1");
        }
        return session;
    }

    private static SQLiteConfig config() {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout(10_000);
        config.setTempStore(SQLiteConfig.TempStore.MEMORY);
        config.setPragma(SQLiteConfig.Pragma.WAL_AUTOCHECKPOINT, Integer.toString(CHECKPOINT_PAGES));
        config.setPragma(SQLiteConfig.Pragma.JOURNAL_SIZE_LIMIT, Integer.toString(LOG_BYTES_KEPT));
        return config;
    }

    private SQLiteDataSource dataSource() {
        SQLiteDataSource dataSource = new SQLiteDataSource(config());
        dataSource.setUrl("jdbc:sqlite:" + file.toAbsolutePath());
        return dataSource;
    }

    private static GenericObjectPoolConfig<Session> readerPool() {
        GenericObjectPoolConfig<Session> config = new GenericObjectPoolConfig<>();
        config.setJmxEnabled(false);
        config.setMaxTotal(READERS);
        config.setMaxIdle(READERS);
        config.setMaxWait(PATIENCE);
        return config;
    }

    private final class ReaderFactory extends BasePooledObjectFactory<Session> {
        @Override
        public Session create() throws SQLException {
            return connect(true);
        }

        @Override
        public PooledObject<Session> wrap(Session session) {
            return new DefaultPooledObject<>(session);
        }

        @Override
        public void destroyObject(PooledObject<Session> pooled) throws SQLException {
            pooled.getObject().close();
        }
    }

    @Override
    public <T> T read(Read<T> read) {
        GenericObjectPool<Session> pool = readers;
        if (pool == null) {
            throw GroupWriter.closed();
        }
        Session session = borrow(pool);
        boolean sound = false;
        try {
            T value = read.from(session);
            sound = true;
            return value;
        } catch (SQLException e) {
            throw failure(e);
        } finally {
            giveBack(pool, session, sound);
        }
    }

    private Session borrow(GenericObjectPool<Session> pool) {
        try {
            return pool.borrowObject();
        } catch (NoSuchElementException e) {
            throw new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE, "no connection to the store " + file + " was free for " + PATIENCE, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException(ErrorCode.STORE_UNAVAILABLE, "interrupted while waiting for the store", e);
        } catch (IllegalStateException e) {
            throw GroupWriter.closed();
        } catch (Exception e) {
            throw failure(e);
        }
    }

    private void giveBack(GenericObjectPool<Session> pool, Session session, boolean sound) {
        if (sound) {
            pool.returnObject(session);
            return;
        }
        try {
            pool.invalidateObject(session);
        } catch (Exception e) {
            log.debug("a broken connection to the store did not close", e);
        }
    }

    @Override
    public void transaction(GroupWriter.Body body) throws SQLException {
        Session session = writer;
        if (session == null) {
            session = connect(false);
            session.connection().setAutoCommit(false);
            writer = session;
        }
        boolean committed = false;
        try {
            body.run(session);
            session.connection().commit();
            committed = true;
        } finally {
            if (!committed) {
                giveUpWriter(session);
            }
        }
    }

    /** Closes the connection, which rolls back; the next transaction begins with a new one, whatever ailed this one. */
    private void giveUpWriter(Session session) {
        writer = null;
        try {
            session.close();
        } catch (SQLException e) {
            log.debug("the store's writing connection did not close", e);
        }
    }

    @Override
    public ProviderException failure(Throwable cause) {
        if (cause instanceof ProviderException known) {
            return known;
        }
        if (cause instanceof SQLException e) {
            int code = e.getErrorCode() & 0xff;
            if (code == SQLiteErrorCode.SQLITE_FULL.code) {
                return new ProviderException(
                        ErrorCode.DISK_FULL,
                        "the disk of the store " + file
                                + " is full; nothing was changed. Free some space, then try again",
                        cause);
            }
            if (code == SQLiteErrorCode.SQLITE_CORRUPT.code || code == SQLiteErrorCode.SQLITE_NOTADB.code) {
                return new ProviderException(
                        ErrorCode.STORE_UNAVAILABLE,
                        "the store " + file
                                + " is damaged or not a store; put a good copy in its place, or move it away",
                        cause);
            }
            return new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE,
                    "the store " + file
                            + " failed; see that the file and its directory are there and that this user may write"
                            + " them: " + e.getMessage(),
                    cause);
        }
        if (cause instanceof FileSystemException e) {
            return new ProviderException(
                    ErrorCode.STORE_UNAVAILABLE,
                    "the store " + file
                            + " cannot be opened; see that its directory can be made and written by this user: " + e,
                    cause);
        }
        return new ProviderException(ErrorCode.STORE_UNAVAILABLE, "the store " + file + " failed: " + cause, cause);
    }

    @Override
    public synchronized void close() {
        GenericObjectPool<Session> pool = readers;
        if (pool != null) {
            readers = null;
            pool.close();
        }
        try (StoreLock held = lock;
                Session session = writer) {
            log.debug("closing {} {}", held, session);
        } catch (SQLException | IOException e) {
            throw failure(e);
        } finally {
            writer = null;
            lock = null;
        }
    }
}
