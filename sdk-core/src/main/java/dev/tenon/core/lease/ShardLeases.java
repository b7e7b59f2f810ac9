package dev.tenon.core.lease;

import dev.tenon.core.time.Ticker;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One lease per shard, for several control planes on one store. Each shows that it lives by a lease of its own name, and takes free
 * shards up to its fair share: all shards divided by the living, rounded up.
 */
public final class ShardLeases implements Leases {
    private static final Logger log = LoggerFactory.getLogger(ShardLeases.class);
    private static final String SHARD = "shard-";

    private final StateStore store;
    private final Ticker ticker;
    private final String node;
    private final Duration ttl;
    private final int shards;
    private final Consumer<Set<Integer>> gained;
    private final Map<Integer, Held> held = new ConcurrentHashMap<>();

    private record Held(Lease lease, long goodUntil) {}

    /**
     * Does not take leases yet.
     *
     * @param gained told of shards that became ours, and whose instances must be looked at
     */
    public ShardLeases(
            StateStore store, Ticker ticker, String node, Duration ttl, int shards, Consumer<Set<Integer>> gained) {
        this.store = store;
        this.ticker = ticker;
        this.node = node;
        this.ttl = ttl;
        this.shards = shards;
        this.gained = gained;
    }

    @Override
    public String node() {
        return node;
    }

    @Override
    public void start() {
        tick();
    }

    @Override
    public synchronized void tick() {
        store.acquire(node, node, ttl);
        renew();
        Instant now = store.now();
        long living = store.leases("node-").stream()
                .filter(lease -> lease.until().isAfter(now))
                .count();
        int fair = (int) ((shards + Math.max(1, living) - 1) / Math.max(1, living));
        if (held.size() > fair) {
            giveBack(held.size() - fair);
        } else if (held.size() < fair) {
            take(fair - held.size(), now);
        }
    }

    private void renew() {
        List<Lease> mine = held.values().stream().map(Held::lease).toList();
        if (mine.isEmpty()) {
            return;
        }
        long before = ticker.nanos();
        Map<String, Lease> renewed = new HashMap<>();
        store.renew(mine, ttl).forEach(lease -> renewed.put(lease.name(), lease));
        int lost = 0;
        for (Lease lease : mine) {
            int shard = shard(lease);
            Lease now = renewed.get(lease.name());
            if (now == null || now.epoch() != lease.epoch()) {
                held.remove(shard);
                lost++;
            } else {
                held.put(shard, new Held(now, before + ttl.toNanos()));
            }
        }
        if (lost > 0) {
            log.warn("lost the leases of {} shards; whoever takes them goes on with their instances", lost);
        }
    }

    private void giveBack(int surplus) {
        List<Held> some = new ArrayList<>(new TreeMap<>(held).values()).subList(0, surplus);
        for (Held one : some) {
            held.remove(shard(one.lease()));
            store.release(one.lease());
        }
        log.info("gave {} shards back to be shared", surplus);
    }

    private void take(int wanted, Instant now) {
        Set<Integer> busy = new HashSet<>(held.keySet());
        store.leases(SHARD).stream()
                .filter(lease -> lease.until().isAfter(now))
                .forEach(lease -> busy.add(shard(lease)));
        Set<Integer> taken = new HashSet<>();
        // Control planes that start together begin at different shards, so that they do not all ask for the same.
        int first = Math.floorMod(node.hashCode(), shards);
        for (int i = 0; i < shards && taken.size() < wanted; i++) {
            int shard = (first + i) % shards;
            if (!busy.contains(shard)) {
                long before = ticker.nanos();
                Optional<Lease> lease = store.acquire(name(shard), node, ttl);
                if (lease.isPresent()) {
                    held.put(shard, new Held(lease.get(), before + ttl.toNanos()));
                    taken.add(shard);
                }
            }
        }
        if (!taken.isEmpty()) {
            gained.accept(taken);
        }
    }

    @Override
    public Optional<Lease> of(int shard) {
        Held one = held.get(shard);
        return one == null || ticker.nanos() >= one.goodUntil() ? Optional.empty() : Optional.of(one.lease());
    }

    @Override
    public Set<Integer> owned() {
        return Set.copyOf(held.keySet());
    }

    @Override
    public boolean alive(String other) {
        Instant now = store.now();
        return store.leases(other).stream()
                .anyMatch(lease -> lease.name().equals(other) && lease.until().isAfter(now));
    }

    @Override
    public synchronized void close() {
        for (Held one : held.values()) {
            store.release(one.lease());
        }
        held.clear();
        store.leases(node).stream().filter(lease -> lease.holder().equals(node)).forEach(store::release);
    }

    private static String name(int shard) {
        return SHARD + (shard < 10 ? "0" : "") + shard;
    }

    private static int shard(Lease lease) {
        return Integer.parseInt(lease.name().substring(SHARD.length()));
    }
}
