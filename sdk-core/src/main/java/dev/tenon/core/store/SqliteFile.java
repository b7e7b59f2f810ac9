package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
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
final class SqliteFile implements GroupWriter.Source, AutoCloseable {
    /** A read. */
    @FunctionalInterface
    interface Read<T> {
        T from(Session session) throws SQLException;
    }

    private static final Logger log = LoggerFactory.getLogger(SqliteFile.class);

    private static final String OBJECTS = "SELECT count(*) FROM sqlite_master";
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
    private volatile @Nullable SessionPool readers;

    SqliteFile(Path file) {
        this.file = file;
    }

    /** Returns a short name for threads and logs. */
    String name() {
        return String.valueOf(file.getFileName());
    }

    /** Opens it, with the present schema. */
    synchronized void open() {
        boolean opened = false;
        try {
            PrivateFiles.create(file);
            lock = StoreLock.take(file);
            Session session = connect(false);
            writer = session;
            if (session.first(OBJECTS, row -> row.getInt(1)).orElse(0) == 0) {
                Schema.createWithHistory(session);
            } else {
                Schema.update(session, Dialect.SQLITE, this::dataSource);
            }
            // Nobody else has this file, so whoever held a lease is gone. The epochs stay.
            session.update("UPDATE tenon_lease SET until_us = 0 WHERE until_us > 0");
            session.connection().setAutoCommit(false);
            readers = new SessionPool(READERS, PATIENCE, () -> connect(true));
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
        // Nobody asks for a generated key, and the driver would run a query after every insert to know it.
        config.setGetGeneratedKeys(false);
        config.setPragma(SQLiteConfig.Pragma.WAL_AUTOCHECKPOINT, Integer.toString(CHECKPOINT_PAGES));
        config.setPragma(SQLiteConfig.Pragma.JOURNAL_SIZE_LIMIT, Integer.toString(LOG_BYTES_KEPT));
        return config;
    }

    private SQLiteDataSource dataSource() {
        SQLiteDataSource dataSource = new SQLiteDataSource(config());
        dataSource.setUrl("jdbc:sqlite:" + file.toAbsolutePath());
        return dataSource;
    }

    /** Reads what is committed. */
    <T> T read(Read<T> read) {
        SessionPool pool = readers;
        if (pool == null) {
            throw GroupWriter.closed();
        }
        try {
            Session session = pool.borrow();
            boolean sound = false;
            try {
                T value = read.from(session);
                sound = true;
                return value;
            } finally {
                if (sound) {
                    pool.giveBack(session);
                } else {
                    pool.discard(session);
                }
            }
        } catch (SQLException e) {
            throw failure(e);
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
        SessionPool pool = readers;
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
