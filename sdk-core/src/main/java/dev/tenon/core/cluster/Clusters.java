package dev.tenon.core.cluster;

import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.failover.FleetBrake;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.store.StateStore;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The instances with standbys that this control plane looks after, and the threads that reach their members: never more than there
 * are members, since each has one task at most. Thread-safe.
 */
public final class Clusters implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Clusters.class);
    private static final long CLOSE_SECONDS = 10;

    /** What clusters work with. */
    record World(
            StateStore store,
            Journal journal,
            Fleet fleet,
            Offering offering,
            Ticker ticker,
            ExecutorService threads,
            BiConsumer<TenantId, InstanceId> wake) {}

    private final World world;
    private final Map<InstanceId, Cluster> clusters = new ConcurrentHashMap<>();

    /** @param wake asks for a pass when a long task at a member has ended */
    public Clusters(
            StateStore store,
            Journal journal,
            Fleet fleet,
            Offering offering,
            Ticker ticker,
            BiConsumer<TenantId, InstanceId> wake) {
        AtomicInteger number = new AtomicInteger();
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "tenon-member-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        world = new World(store, journal, fleet, offering, ticker, threads, wake);
    }

    /** Returns the cluster of an instance. */
    public Cluster of(InstanceDoc doc) {
        return clusters.computeIfAbsent(doc.id(), id -> new Cluster(world, doc, this::brake));
    }

    /** Takes note that a place saw something of an instance. */
    public void woken(InstanceId id) {
        Cluster cluster = clusters.get(id);
        if (cluster != null) {
            cluster.woken();
        }
    }

    /** Lets go of an instance's members, and waits until nothing is at work on them. */
    public void letGo(InstanceId id) {
        Cluster cluster = clusters.remove(id);
        if (cluster != null) {
            cluster.close();
        }
    }

    private Optional<String> brake(boolean proof) {
        int dead = (int) clusters.values().stream().filter(Cluster::looksDead).count();
        int underWay =
                (int) clusters.values().stream().filter(Cluster::underWay).count();
        return FleetBrake.DEFAULT.holds(clusters.size(), dead, underWay, proof);
    }

    @Override
    public void close() {
        clusters.values().forEach(Cluster::breakOff);
        world.threads().shutdownNow();
        try {
            if (!world.threads().awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                log.warn("work at members does not end; it is repeated by the next control plane");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        clusters.values().forEach(Cluster::disconnect);
        clusters.clear();
    }
}
