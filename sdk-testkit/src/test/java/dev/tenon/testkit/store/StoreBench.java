package dev.tenon.testkit.store;

import com.sun.management.OperatingSystemMXBean;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Prints what the embedded store does per second: commits of two documents, an event and four counters, durable, by 1, 8 and 64
 * threads; then the reads of a control plane. Arguments: seconds per figure (5), directory (a temporary one).
 */
final class StoreBench {
    private static final int INSTANCES = 30_000;
    private static final String BODY = "{\"description\":\"" + "x".repeat(1_950) + "\"}";
    private static final String SMALL_BODY = "{\"description\":\"" + "x".repeat(200) + "\"}";

    /** How often a second, and how much of a processor each took: the second tells the truth on a busy machine, too. */
    private record Rate(double perSecond, double cpuMicros) {
        static Rate of(long done, long wallNanos, long cpuNanos) {
            return new Rate(done * 1e9 / wallNanos, cpuNanos / 1e3 / Math.max(1, done));
        }

        @Override
        public String toString() {
            return String.format("%8.0f/s, %6.1f us of a processor each", perSecond, cpuMicros);
        }
    }

    private StoreBench() {}

    private static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    public static void main(String[] arguments) throws Exception {
        Duration each = Duration.ofSeconds(arguments.length > 0 ? Long.parseLong(arguments[0]) : 5);
        Path directory = arguments.length > 1 ? Path.of(arguments[1]) : Files.createTempDirectory("tenon-store-bench");
        Path file = directory.resolve("bench.db");
        long began = System.nanoTime();
        SqliteStore store = SqliteStore.file(file);
        store.open();
        System.out.printf("open, first time in this JVM, new file      %8.1f ms%n", millisSince(began));
        try (store) {
            for (int threads : new int[] {1, 8, 64}) {
                for (boolean fresh : new boolean[] {true, false}) {
                    for (String body : List.of(SMALL_BODY, BODY)) {
                        Rate rate = commits(store, threads, fresh, body, each);
                        System.out.printf(
                                "commits, %2d threads, %s, %4d bytes  %s%n",
                                threads, fresh ? "new documents" : "next versions", body.length(), rate);
                    }
                }
            }
        }
        delete(directory, file);
        reads(directory, file, each);
        delete(directory, file);
    }

    private static Rate commits(StateStore store, int threads, boolean fresh, String body, Duration length)
            throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        AtomicLong done = new AtomicLong();
        long cpuBegan = cpu();
        long began = System.nanoTime();
        long end = began + length.toNanos();
        List<Future<?>> running = new ArrayList<>();
        String run = threads + (fresh ? "f" : "v") + body.length();
        for (int i = 0; i < threads; i++) {
            String worker = run + "-" + i;
            Callable<Void> loop = () -> {
                long n = 0;
                while (System.nanoTime() < end) {
                    String id = worker + (fresh ? "-" + n : "");
                    long version = fresh ? 0 : n;
                    store.commit(Commit.builder()
                            .addPuts(new Commit.Put("instance", "i-" + id, "t-1", "", "ACTIVE", 7, version, body))
                            .addPuts(new Commit.Put(
                                    "operation", "o-" + id, "t-1", "i-" + id, "RUNNING", 7, version, body))
                            .addEvents(new Commit.Event("t-1", "i-" + id, "changed", "{\"n\":1}"))
                            .addAdds(
                                    new Commit.Add("quota:t-1", "cpus", 1, Long.MAX_VALUE / 2),
                                    new Commit.Add("quota:t-1", "memory", 1, Long.MAX_VALUE / 2),
                                    new Commit.Add("quota:t-1", "storage", 1, Long.MAX_VALUE / 2),
                                    new Commit.Add("quota:t-1", "instances", 1, Long.MAX_VALUE / 2))
                            .build());
                    n++;
                    done.incrementAndGet();
                }
                return null;
            };
            running.add(pool.submit(loop));
        }
        for (Future<?> worker : running) {
            worker.get();
        }
        Rate rate = Rate.of(done.get(), System.nanoTime() - began, cpu() - cpuBegan);
        pool.shutdown();
        pool.awaitTermination(10, TimeUnit.SECONDS);
        return rate;
    }

    private static void reads(Path directory, Path file, Duration length) throws IOException {
        try (SqliteStore store = SqliteStore.file(file)) {
            store.open();
            for (int i = 0; i < INSTANCES; ) {
                Commit.Builder commit = Commit.builder();
                for (int n = 0; n < 500; n++, i++) {
                    commit.addPuts(new Commit.Put(
                            "instance",
                            String.format("i-%08x", i * 7919),
                            "t-" + i % 600,
                            "",
                            "ACTIVE",
                            i % 256,
                            0,
                            BODY));
                }
                store.commit(commit.build());
            }
        }
        long began = System.nanoTime();
        try (SqliteStore store = SqliteStore.file(file)) {
            store.open();
            System.out.printf("open, warm JVM, schema current              %8.1f ms%n", millisSince(began));
            for (int round = 0; round < 3; round++) {
                began = System.nanoTime();
                int seen = 0;
                String after = "";
                while (true) {
                    var page = store.list(
                            Query.of("instance").after(after).limit(1_000).build());
                    seen += page.size();
                    if (page.isEmpty()) {
                        break;
                    }
                    after = page.get(page.size() - 1).id();
                }
                System.out.printf(
                        "sweep of %d documents of %d bytes       %8.1f ms%n", seen, BODY.length(), millisSince(began));
            }
            Query newest = Query.of("instance")
                    .tenant("t-77")
                    .order(Query.Order.NEWEST)
                    .limit(50)
                    .build();
            System.out.printf(
                    "list of the %d newest of a tenant            %s%n",
                    store.list(newest).size(), rate(length, () -> store.list(newest)));
            String id = String.format("i-%08x", 4_711 * 7919);
            System.out.printf(
                    "find                                        %s%n", rate(length, () -> store.find("instance", id)));
        }
    }

    private static Rate rate(Duration length, Runnable act) {
        long cpuBegan = cpu();
        long began = System.nanoTime();
        long end = began + length.toNanos();
        long done = 0;
        while (System.nanoTime() < end) {
            act.run();
            done++;
        }
        return Rate.of(done, System.nanoTime() - began, cpu() - cpuBegan);
    }

    private static double millisSince(long began) {
        return (System.nanoTime() - began) / 1e6;
    }

    private static void delete(Path directory, Path file) throws IOException {
        for (String suffix : List.of("", "-wal", "-shm", ".lock")) {
            Files.deleteIfExists(directory.resolve(file.getFileName() + suffix));
        }
    }
}
