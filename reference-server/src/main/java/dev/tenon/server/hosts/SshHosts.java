package dev.tenon.server.hosts;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.baremetal.SshDelivery;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hosts over SSH. Empties those that are to be drained, one after the other, and goes on with it after a restart: what is wanted is in
 * the store, and each step is an operation of the control plane.
 */
public final class SshHosts implements Hosts {
    private static final Logger log = LoggerFactory.getLogger(SshHosts.class);
    private static final Duration OPERATION = Duration.ofMinutes(30);
    private static final Duration AGAIN = Duration.ofMinutes(1);
    private static final Duration END = Duration.ofSeconds(10);

    private final SshDelivery delivery;
    private final Tenon tenon;
    private final Map<String, Map<InstanceId, String>> staying = new ConcurrentHashMap<>();
    private final AtomicBoolean begun = new AtomicBoolean();
    private final ScheduledExecutorService drains = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "tenon-drain");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * Starts.
     *
     * @param tenon the control plane that the delivery was given to
     */
    public SshHosts(SshDelivery delivery, Tenon tenon) {
        this.delivery = delivery;
        this.tenon = tenon;
        if (!delivery.hosts().isEmpty()) {
            begin();
        }
    }

    /** From the first host on; a server without hosts has nothing to look for. */
    private void begin() {
        if (begun.compareAndSet(false, true)) {
            drains.scheduleWithFixedDelay(this::drain, 0, AGAIN.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public List<Host> list() {
        return delivery.hosts().stream()
                .map(status -> new Host(
                        status,
                        status.mode() == HostStatus.Mode.DRAINING
                                ? staying.getOrDefault(status.name(), Map.of())
                                : Map.of()))
                .toList();
    }

    @Override
    public Host adopt(Consumer<HostSpec.Builder> spec) {
        HostStatus adopted = delivery.adopt(spec);
        begin();
        return new Host(adopted, Map.of());
    }

    @Override
    public void remove(String name) {
        delivery.remove(get(name).status().name());
    }

    @Override
    public void mode(String name, HostStatus.Mode mode) {
        String host = get(name).status().name();
        switch (mode) {
            case ENABLED -> delivery.enable(host);
            case DISABLED -> delivery.disable(host);
            case DRAINING -> delivery.drain(host);
            case LOST -> lost(host, Set.of());
        }
        // Also what waits for room on another host may go on now.
        drains.execute(this::drain);
    }

    @Override
    public void lost(String name, Set<InstanceId> accepted) {
        delivery.lost(get(name).status().name(), tenon, accepted);
    }

    @Override
    public Map<InstanceId, String> onlyCopies(String name) {
        return delivery.onlyCopies(get(name).status().name(), tenon);
    }

    private void drain() {
        try {
            for (HostStatus host : delivery.hosts()) {
                if (host.mode() == HostStatus.Mode.DRAINING && !host.members().isEmpty()) {
                    staying.put(host.name(), delivery.moveAway(host.name(), tenon, OPERATION));
                } else {
                    staying.remove(host.name());
                }
            }
        } catch (TenonException e) {
            log.warn("draining is tried again: {}", e.getMessage());
        } catch (RuntimeException e) {
            log.error("a defect while draining", e);
        }
    }

    @Override
    public void close() {
        drains.shutdownNow();
        try {
            if (!drains.awaitTermination(END.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("a host is still being drained");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
