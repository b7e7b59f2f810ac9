package dev.tenon.spi.engine;

import dev.tenon.api.Account;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Administration of one running member as the platform's own role. Every verb is idempotent. Values are bound, identifiers are
 * quoted by one function, passwords never appear in SQL text.
 *
 * <p>Not thread-safe. All failures are {@link dev.tenon.api.ProviderException}s, or
 * {@link dev.tenon.api.InvalidSpecException}s where the caller's name or value is at fault.
 */
public interface EngineSession extends AutoCloseable {
    /** The role of a member in its topology. */
    enum Role {
        /** Takes writes. */
        PRIMARY,
        /** Can be promoted. */
        STANDBY
    }

    /** Returns the member's role as the server itself sees it. */
    Role role();

    /** Returns the server's exact version. */
    String serverVersion();

    /** Makes the tenant's first database and its owner, and closes what tenants must not reach. Resumes when half done. */
    void handOver(HandOver handOver);

    /** Returns the tenant's accounts, without the platform's and the engine's own. */
    List<Account> accounts();

    /** Creates the account or, if it exists, gives it this password and these privileges. */
    void putAccount(String name, Secret password, Set<Grant> grants);

    /** Gives the account a new password. */
    void password(String name, Secret password);

    /** Gives the account exactly these privileges. */
    void grant(String name, Set<Grant> grants);

    /** Drops the account; what it owns passes to the owner. Does nothing if it does not exist. */
    void dropAccount(String name, String owner);

    /** Returns the tenant's databases. */
    List<Database> databases();

    /**
     * Creates the database if it does not exist.
     *
     * @throws dev.tenon.api.InvalidSpecException {@code UNSUPPORTED} if this account can own none, see {@link EngineDriver#grants}
     */
    void createDatabase(String name, String owner);

    /** Drops the database, ending its sessions. Does nothing if it does not exist. */
    void dropDatabase(String name);

    /** Returns client sessions, without the platform's. */
    List<Session> sessions();

    /** Ends one client session; returns whether there was one. */
    boolean terminate(long sessionId);

    /** Ends every client session. */
    void terminateAll();

    /** Returns all settings in force by name. */
    Map<String, String> settings();

    /** Returns the names of settings whose written value waits for a restart. */
    Set<String> pendingRestart();

    /** Returns how the member takes part in replication. */
    default ReplicationStatus replication() {
        throw noReplication();
    }

    /**
     * Makes a member ready for exactly these standbys: they may log in to follow, and the log they still need is kept for them,
     * within a bound. What was kept for others is let go.
     */
    default void admitStandbys(Set<String> members) {
        throw noReplication();
    }

    /**
     * Returns from which position on a primary keeps its log for a standby that {@link #admitStandbys} made it ready for: whoever has the
     * beginning of this log up to there, or further, can follow. Empty if that is not known.
     */
    default OptionalLong keptFrom(String standby) {
        return OptionalLong.empty();
    }

    /** Returns {@link ReplicationStatus#revision()} alone, which is all that a session opened to see it is asked for. */
    default long revision() {
        return replication().revision();
    }

    /**
     * Writes what is in memory to disk now, so that a stop right after is short. When it returns, whoever does this for the server has
     * read the settings that were in force for new sessions before the call.
     */
    default void checkpoint() {
        throw noReplication();
    }

    /**
     * Makes a standby the primary if the stance in force is of exactly this revision, which the server itself checks; does nothing if
     * it is primary. Returns as soon as it was asked; {@link #role()} tells when it is done.
     *
     * @throws dev.tenon.api.ProviderException {@code FENCED} if another revision is in force
     */
    default void promote(long revision) {
        throw noReplication();
    }

    /** Writes something that waits for no standby, as a sign of life; returns the position after it. */
    default long beat() {
        throw noReplication();
    }

    /** Ends the connections of these standbys, which connect again with what is in force now. */
    default void disconnectStandbys(Set<String> members) {
        throw noReplication();
    }

    private static ProviderException noReplication() {
        return new ProviderException(
                ErrorCode.UNSUPPORTED, "this engine's standbys are not the control plane's to manage");
    }

    @Override
    void close();
}
