package dev.tenon.core.store;

import java.sql.SQLException;

/** Connections to one SQLite database. */
interface SqliteDatabase extends GroupWriter.Source, AutoCloseable {
    /** A read. */
    @FunctionalInterface
    interface Read<T> {
        T from(Session session) throws SQLException;
    }

    /** Returns a short name for threads and logs. */
    String name();

    /** Opens it, with the present schema. */
    void open();

    /** Reads what is committed. */
    <T> T read(Read<T> read);

    @Override
    void close();
}
