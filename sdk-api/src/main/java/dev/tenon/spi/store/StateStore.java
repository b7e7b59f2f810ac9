package dev.tenon.spi.store;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Where the control plane keeps what it must not forget.
 *
 * <p>All changes go through {@link #commit}: a value that holds conditions and writes, applied whole or not at all and durable when
 * the call returns. That lets an implementation put the commits of many threads into one transaction.
 *
 * <p>Thread-safe. Failures to reach the store are {@link dev.tenon.api.ProviderException}s with {@code STORE_UNAVAILABLE}; after
 * one, the outcome of a commit is not known and must be read back. {@code DISK_FULL} means that nothing was changed. Values out of
 * the bounds that {@link Document} names are refused with an {@link dev.tenon.api.InvalidSpecException}.
 */
public interface StateStore extends AutoCloseable {
    /**
     * Opens the store and brings its schema up to date. A store that only one process may use lets all leases run out here, as
     * nobody else can hold one; their epochs go on.
     *
     * @throws dev.tenon.api.ProviderException {@code STORE_LOCKED} if another process holds a store that only one may use, saying
     *     which; {@code STORE_UNAVAILABLE} if it cannot be reached
     */
    void open();

    /** Returns the store's own time, the only clock that lease arithmetic uses. */
    Instant now();

    /** Returns whether several control planes may use the store at once. */
    boolean shared();

    /** Returns one document. */
    Optional<Document> find(String kind, String id);

    /**
     * Returns documents in order of {@link Query#order()}.
     *
     * @throws dev.tenon.api.InvalidSpecException {@code PAGE_INVALID} if the limit is out of bounds, or the document of
     *     {@link Query#after()} is gone in order {@code NEWEST}
     */
    List<Document> list(Query query);

    /** Returns the number of documents that {@link #list} would return without a limit. */
    long count(Query query);

    /** Returns the owner of a unique key. */
    Optional<String> owner(String scope, String key);

    /** Returns a counter's value, 0 if it was never changed. */
    long counter(String scope, String name);

    /**
     * Applies a commit.
     *
     * @return the new versions of the documents written, in the order of {@link Commit#puts()}, and the sequence numbers of the
     *     events appended, in the order of {@link Commit#events()}
     * @throws CommitRefusedException if one of the conditions does not hold; nothing was changed
     */
    CommitResult commit(Commit commit);

    /**
     * Takes or renews a lease until now + {@code ttl} by the store's clock. A new holder, and a holder whose lease had run out,
     * gets a higher epoch; a renewal in time keeps it.
     *
     * @param ttl more than zero, at most a day
     * @return the lease, or empty if another holder has it
     */
    Optional<Lease> acquire(String name, String holder, Duration ttl);

    /** Renews many leases of one holder at once; leases lost meanwhile are missing from the answer. */
    List<Lease> renew(List<Lease> leases, Duration ttl);

    /** Gives a lease back early; does nothing if it is no longer held under this epoch. */
    void release(Lease lease);

    /** Returns leases whose names start with {@code prefix}, run out or not. */
    List<Lease> leases(String prefix);

    /**
     * Forgets leases whose names start with {@code prefix} and that ran out before a moment; returns how many. Only for names that nobody
     * takes again: the next lease of a name forgotten begins at epoch 1.
     */
    int forgetLeases(String prefix, Instant before);

    /** Returns events after a sequence number, in order, at most {@code limit} (1 to 1,000); those of one tenant, or of all if absent. */
    List<StoredEvent> events(Optional<String> tenant, Optional<String> subject, long after, int limit);

    /** Returns the newest events, newest first, before a sequence number. */
    List<StoredEvent> eventsBefore(Optional<String> tenant, Optional<String> subject, long before, int limit);

    /** Deletes events older than a sequence number; returns how many. */
    int trimEvents(long before);

    @Override
    void close();
}
