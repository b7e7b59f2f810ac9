package dev.tenon.testkit;

import dev.tenon.api.Credential;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import javax.sql.DataSource;

/**
 * One database of a test. Thread-safe, but {@link #reset}, {@link #branch}, {@link #snapshot} and {@link #restore} end all sessions:
 * connections from {@link #dataSource} come back by themselves at their next use (without what their session had set, and not
 * their statements); those that others opened do not. A copy can hold only what is committed.
 */
public interface TestDatabase extends AutoCloseable {
    /** Returns the JDBC URL with user and password. */
    String url();

    /** Returns the database's owner, for who wants it apart from the URL. */
    Credential credential();

    /** Returns the database's name on its server. */
    String name();

    /** Returns an unpooled source of connections as the database's owner. */
    DataSource dataSource();

    /** Makes it what it was when the test got it, under the same URL. Open transactions are rolled back. */
    void reset();

    /**
     * Makes a copy of it as it is now, for "what if".
     *
     * @return the copy, which goes with this database or when it is closed; its {@link #reset} leads to what this one's does
     * @throws java.lang.IllegalStateException if a connection of {@link #dataSource} has an open transaction
     */
    TestDatabase branch();

    /** Remembers its content as it is now; refused like {@link #branch} while a transaction is open. */
    Snapshot snapshot();

    /** Makes its content what it was at the snapshot; as often as one likes. Open transactions are rolled back. */
    void restore(Snapshot snapshot);

    /**
     * Returns faults of its server and of the way to it.
     *
     * @throws InvalidSpecException {@code UNSUPPORTED} unless the database has a server of its own
     */
    Faults faults();

    /**
     * Returns its server.
     *
     * @throws InvalidSpecException {@code UNSUPPORTED} unless the database has a server of its own
     */
    Instance instance();

    /**
     * Lets it live on after {@link #close}, for the time of {@link DatabaseSpec#keep}, also beyond the end of this JVM unless it has
     * a server of its own.
     *
     * @return how to get at it, without the password
     */
    String keep();

    /**
     * Ends its sessions and drops it, with its branches and snapshots. Idempotent.
     *
     * @throws ProviderException if the server does not answer
     */
    @Override
    void close();

    /** A remembered content of one database, valid as long as that is. */
    interface Snapshot {}
}
