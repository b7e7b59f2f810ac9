package dev.tenon.core.lease;

import dev.tenon.core.time.Ticker;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one lease of a control plane whose store no other process can open. It is taken from whoever had it at once: that process is
 * gone, or it would still hold the store. Its epoch still grows with every start, so that places can tell.
 */
public final class SoleLease implements Leases {
    private static final Logger log = LoggerFactory.getLogger(SoleLease.class);
    private static final String NAME = "installation";

    private final StateStore store;
    private final Ticker ticker;
    private final String node;
    private final Duration ttl;
    private final Set<Integer> all = new TreeSet<>();
    private volatile @Nullable Held held;

    private record Held(Lease lease, long goodUntil) {}

    /** Does not take the lease yet. */
    public SoleLease(StateStore store, Ticker ticker, String node, Duration ttl, int shards) {
        this.store = store;
        this.ticker = ticker;
        this.node = node;
        this.ttl = ttl;
        for (int i = 0; i < shards; i++) {
            all.add(i);
        }
    }

    @Override
    public String node() {
        return node;
    }

    @Override
    public void start() {
        store.leases(NAME).forEach(store::release);
        take();
    }

    @Override
    public void tick() {
        take();
    }

    private void take() {
        long before = ticker.nanos();
        Optional<Lease> lease = store.acquire(NAME, node, ttl);
        if (lease.isEmpty()) {
            log.error("another control plane holds the lease of a store that only one may use; this one stops acting");
            held = null;
            return;
        }
        held = new Held(lease.get(), before + ttl.toNanos());
    }

    @Override
    public Optional<Lease> of(int shard) {
        Held now = held;
        return now == null || ticker.nanos() >= now.goodUntil() ? Optional.empty() : Optional.of(now.lease());
    }

    @Override
    public Set<Integer> owned() {
        return all;
    }

    @Override
    public boolean alive(String other) {
        return other.equals(node);
    }

    @Override
    public void close() {
        Held now = held;
        held = null;
        if (now != null) {
            store.release(now.lease());
        }
    }
}
