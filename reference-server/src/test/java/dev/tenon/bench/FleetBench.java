package dev.tenon.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.tenon.api.DataSize;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Interceptor;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Measures a fleet of simulated instances on the real store in a file and the real reconciler: {@code ./tenon bench fleet}. Run with
 * {@code -Xmx512m}. Arguments, if any, are other sizes than 10,000, 1,000 and 30,000, the main one first.
 */
public final class FleetBench {
    private static final int TENANTS = 10;
    private static final int CALLERS = 32;
    /** Most of a worker's time goes into waiting for the disk; what waits together is written together. */
    private static final int WORKERS = 64;

    private static final int ENCRYPTED = 2_000;

    private static final Duration RESYNC = Duration.ofSeconds(20);
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Duration IDLE = Duration.ofSeconds(30);
    private static final int DRIFTS = 5;
    private static final long SEED = 20260;

    private FleetBench() {}

    /** What was measured of one size. */
    private record Figures(
            int size,
            double createPerSecond,
            double sweepSeconds,
            double driftSeconds,
            double idlePercent,
            long heapMib) {}

    /** Measures and prints. */
    public static void main(String[] args) throws Exception {
        int[] sizes = args.length == 0
                ? new int[] {10_000, 1_000, 30_000}
                : Arrays.stream(args).mapToInt(Integer::parseInt).toArray();
        System.out.printf(
                Locale.ROOT,
                "fleet bench: %d processors, %d MiB heap at most, resync every %d s, seed %d%n",
                Runtime.getRuntime().availableProcessors(),
                Runtime.getRuntime().maxMemory() >> 20,
                RESYNC.toSeconds(),
                SEED);
        double encrypted = encrypted();
        List<Figures> all = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            all.add(measure(sizes[i], i == 0));
        }
        System.out.println();
        System.out.println("instances  created/s  sweep s  drift s  idle % of a core  heap MiB");
        for (Figures f : all) {
            System.out.printf(
                    Locale.ROOT,
                    "%9d  %9.0f  %7.2f  %7s  %16s  %8d%n",
                    f.size(),
                    f.createPerSecond(),
                    f.sweepSeconds(),
                    Double.isNaN(f.driftSeconds()) ? "-" : String.format(Locale.ROOT, "%.1f", f.driftSeconds()),
                    Double.isNaN(f.idlePercent()) ? "-" : String.format(Locale.ROOT, "%.1f", f.idlePercent()),
                    f.heapMib());
        }
        System.out.printf(
                Locale.ROOT,
                "with two certificates for each, one before and one after its address is known: %.0f created/s (of %d)%n",
                encrypted,
                ENCRYPTED);
        System.out.println(
                "create: from the first call to the last instance Active; sweep: a new control plane on the store");
        System.out.println("has looked at every member; drift: the longest of " + DRIFTS
                + " silent kills until it runs again; heap: after GC, simulated place included.");
        Figures main = all.get(0);
        System.out.printf(
                Locale.ROOT,
                "{\"create_per_s\":%.0f,\"sweep_s\":%.2f,\"drift_s\":%.1f,\"idle_cpu_pct\":%.1f,\"heap_mib\":%d",
                main.createPerSecond(),
                main.sweepSeconds(),
                main.driftSeconds(),
                main.idlePercent(),
                main.heapMib());
        for (Figures f : all.subList(1, all.size())) {
            System.out.printf(Locale.ROOT, ",\"sweep_%d_s\":%.2f", f.size(), f.sweepSeconds());
        }
        System.out.printf(Locale.ROOT, ",\"create_encrypted_per_s\":%.0f}%n", encrypted);
    }

    /** Certificates cost more than all else the control plane does: measured apart, first, so that it also warms up. */
    private static double encrypted() throws Exception {
        Path directory = Files.createTempDirectory("tenon-fleet");
        try {
            SimulatedPlace place = SimulatedPlace.create();
            try (Tenon tenon = start(directory, SimulatedDelivery.on(place), SimulatedEngine.on(place))) {
                return ENCRYPTED / create(tenon, place, ENCRYPTED);
            }
        } finally {
            delete(directory);
        }
    }

    private static Figures measure(int size, boolean everything) throws Exception {
        Path directory = Files.createTempDirectory("tenon-fleet");
        try {
            SimulatedPlace place = SimulatedPlace.create();
            System.out.printf(Locale.ROOT, "%d instances: creating ...%n", size);
            double createSeconds;
            try (Tenon tenon = start(directory, SimulatedDelivery.on(place), plain(place))) {
                createSeconds = create(tenon, place, size);
            }
            System.out.printf(Locale.ROOT, "%d instances: created in %.1f s; sweeping ...%n", size, createSeconds);
            Looks looks = new Looks();
            double drift = Double.NaN;
            double idle = Double.NaN;
            long begun = System.nanoTime();
            try (Tenon tenon =
                    start(directory, Intercepted.delivery(SimulatedDelivery.on(place), looks), plain(place))) {
                await("a full sweep", () -> looks.members() >= size);
                double sweep = seconds(begun);
                System.out.printf(Locale.ROOT, "%d instances: swept in %.2f s%n", size, sweep);
                if (everything) {
                    drift = drift(place);
                    System.out.printf(
                            Locale.ROOT, "%d instances: drift mended in at most %.1f s; idling ...%n", size, drift);
                    idle = idle();
                }
                long heap = heap();
                if (tenon.tenants()
                                .list(dev.tenon.api.PageRequest.first(500))
                                .items()
                                .size()
                        != TENANTS) {
                    throw new IllegalStateException("tenants were lost");
                }
                return new Figures(size, size / createSeconds, sweep, drift, idle, heap);
            }
        } finally {
            delete(directory);
        }
    }

    private static SimulatedEngine plain(SimulatedPlace place) {
        return SimulatedEngine.on(place).withoutTls();
    }

    private static Tenon start(Path directory, DeliveryDriver delivery, SimulatedEngine engine) {
        return Tenon.builder()
                .directory(directory)
                .delivery(delivery)
                .engine(engine)
                .resync(RESYNC)
                .workers(WORKERS)
                .maxQueuedPerTenant(1_000_000)
                .build();
    }

    private static double create(Tenon tenon, SimulatedPlace place, int size) throws Exception {
        List<Tenant> tenants = new ArrayList<>();
        for (int t = 0; t < TENANTS; t++) {
            String name = "tenant-" + t;
            tenants.add(tenon.tenants().create(s -> s.name(name).quota(q -> q.cpus(1_000_000)
                    .memory(DataSize.gib(10_000_000))
                    .storage(DataSize.gib(100_000_000))
                    .instances(1_000_000))));
        }
        Resources resources = Resources.of(0.5, DataSize.mib(256), DataSize.gib(1));
        long begun = System.nanoTime();
        List<Thread> callers = new ArrayList<>();
        // Each caller waits for its own commits, which the store then writes together.
        AtomicInteger next = new AtomicInteger();
        for (int c = 0; c < CALLERS; c++) {
            Thread caller = new Thread(
                    () -> {
                        for (int i = next.getAndIncrement(); i < size; i = next.getAndIncrement()) {
                            int number = i;
                            tenants.get(i % TENANTS).instances().create(s -> s.name("db-" + number)
                                    .engine(SimulatedEngine.SIMDB, "2")
                                    .resources(resources));
                        }
                    },
                    "bench-caller-" + c);
            caller.start();
            callers.add(caller);
        }
        for (Thread caller : callers) {
            caller.join();
        }
        System.out.printf(Locale.ROOT, "%d instances: asked for after %.1f s%n", size, seconds(begun));
        await("all run", () -> place.running() >= size);
        await(
                "no operation is left",
                () ->
                        tenon
                                .operations()
                                .list(java.util.Optional.empty(), dev.tenon.api.PageRequest.first(500))
                                .items()
                                .stream()
                                .allMatch(o -> o.state().done()));
        return seconds(begun);
    }

    private static double drift(SimulatedPlace place) throws Exception {
        Random random = new Random(SEED);
        List<MemberRef> members = place.members();
        double longest = 0;
        for (int i = 0; i < DRIFTS; i++) {
            MemberRef victim = members.get(random.nextInt(members.size()));
            place.killSilently(victim);
            long begun = System.nanoTime();
            await("the drift is mended", () -> place.isRunning(victim));
            longest = Math.max(longest, seconds(begun));
        }
        return longest;
    }

    private static double idle() throws Exception {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        pause(Duration.ofSeconds(2));
        long cpu = system.getProcessCpuTime();
        long wall = System.nanoTime();
        pause(IDLE);
        return 100.0 * (system.getProcessCpuTime() - cpu) / (System.nanoTime() - wall);
    }

    private static long heap() throws Exception {
        for (int i = 0; i < 3; i++) {
            System.gc();
            pause(Duration.ofMillis(200));
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() >> 20;
    }

    /** Counts members looked at. */
    private static final class Looks implements Interceptor {
        private final LongAdder members = new LongAdder();

        long members() {
            return members.sum();
        }

        @Override
        public void before(Call call) {}

        @Override
        public void after(Call call) {
            if (call.verb().equals("observe")) {
                members.increment();
            } else if (call.verb().equals("observeAll")) {
                members.add(call.size());
            }
        }
    }

    private static void await(String what, BooleanSupplier holds) throws InterruptedException {
        long begun = System.nanoTime();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - begun > PATIENCE.toNanos()) {
                throw new IllegalStateException("not within " + PATIENCE + ": " + what);
            }
            pause(Duration.ofMillis(20));
        }
    }

    private static void pause(Duration duration) throws InterruptedException {
        if (new CountDownLatch(1).await(duration.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new IllegalStateException("nobody counts down");
        }
    }

    private static double seconds(long begun) {
        return (System.nanoTime() - begun) / 1e9;
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
