package dev.tenon.core.lease;

import dev.tenon.spi.store.Lease;
import java.util.Optional;
import java.util.Set;

/** The leases under which this control plane works. Thread-safe. */
public interface Leases extends AutoCloseable {
    /** Returns the name of this run of the control plane. */
    String node();

    /** Takes what leases it can. */
    void start();

    /** Renews, takes free ones up to a fair share, gives surplus ones back; to be called about three times in a lease's time. */
    void tick();

    /** Returns the lease of a shard, if it is ours and surely has not run out. */
    Optional<Lease> of(int shard);

    /** Returns the shards that are ours. */
    Set<Integer> owned();

    /** Returns whether another run of a control plane lives. */
    boolean alive(String node);

    /** Gives all leases back. */
    @Override
    void close();
}
