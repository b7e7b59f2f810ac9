package dev.tenon.bench;

import dev.tenon.api.Change;
import dev.tenon.api.Durability;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.testcontainers.DockerClientFactory;

/**
 * How long writes stop when a primary of three members under <em>strict</em> is killed, falls silent or is switched over, how soon all
 * members are back, and how long a pair takes to be made; on this machine, and on three hosts over SSH where Docker runs, under a
 * writer whose every acknowledged row is looked for afterwards. Arguments: the number of runs, and {@code --peer} to do the same to
 * Patroni.
 */
public final class FailoverBench {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int RUNS = 20;

    private final Map<String, List<Double>> samples = new LinkedHashMap<>();
    private long lost;
    private long overlaps;

    private FailoverBench() {}

    /** Runs the bench. */
    public static void main(String[] args) throws Exception {
        int runs = Arrays.stream(args)
                .filter(arg -> !arg.startsWith("--"))
                .mapToInt(Integer::parseInt)
                .findFirst()
                .orElse(RUNS);
        Path work = Files.createTempDirectory("tenon-bench-");
        // The databases' own user must be able to pass through.
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwx--x--x"));
        FailoverBench bench = new FailoverBench();
        try (BenchSite here = BenchSite.local(work.resolve("here"))) {
            bench.run(here, runs, "");
        }
        boolean docker = DockerClientFactory.instance().isDockerAvailable();
        if (docker) {
            try (BenchSite hosts = BenchSite.hosts(work.resolve("hosts"))) {
                bench.run(hosts, runs, "_ssh");
            }
        }
        Optional<PatroniFailover> peer =
                docker && List.of(args).contains("--peer") ? Optional.of(PatroniFailover.measured()) : Optional.empty();
        bench.print(runs, peer);
        DeliveryBench.deleteTree(work);
    }

    private void print(int runs, Optional<PatroniFailover> peer) {
        Report report = new Report();
        row(report, "dead_ms", "primary killed, to the next acknowledged write", "<= 150");
        row(report, "dead_ssh_ms", "the same on hosts", "");
        row(report, "silent_ms", "primary stopped (SIGSTOP), to the next one", "<= 2000");
        row(report, "silent_ssh_ms", "host of the primary paused, to the next one", "<= 2000");
        row(report, "switchover_ms", "switch-over, longest time between two writes", "<= 300");
        row(report, "switchover_ssh_ms", "the same on hosts", "<= 1000");
        row(report, "pair_ms", "a primary and a standby, until made", "<= 300");
        row(report, "pair_ssh_ms", "the same on hosts", "<= 3000");
        row(report, "rejoin_ms", "primary killed, until all three are back", "<= 3000");
        row(report, "rejoin_ssh_ms", "the same on hosts", "");
        PatroniFailover.print(report, peer);
        report.derived("lost_writes", "acknowledged rows that are missing", lost, "0");
        report.derived("overlaps", "runs in which the old primary acknowledged what came after", overlaps, "0");
        report.derived("runs", "runs", runs, ">= 20");
        report.print();
    }

    private void row(Report report, String key, String what, String aim) {
        List<Double> seen = samples.getOrDefault(key, List.of());
        if (seen.isEmpty()) {
            report.missing(key);
        } else {
            report.measured(
                    key, what, seen.stream().mapToDouble(Double::doubleValue).toArray(), aim);
        }
    }

    private void run(BenchSite site, int runs, String suffix) throws Exception {
        // The first one warms up.
        for (int i = -1; i < runs; i++) {
            Map<String, Double> seen = new LinkedHashMap<>();
            pair(site, seen);
            killed(site, seen);
            silent(site, seen);
            if (i >= 0) {
                seen.forEach((what, millis) -> samples.computeIfAbsent(what + suffix + "_ms", key -> new ArrayList<>())
                        .add(millis));
            }
        }
    }

    private static void pair(BenchSite site, Map<String, Double> seen) {
        long start = System.nanoTime();
        Instance pair = site.create("pair", 1, Durability.BALANCED);
        seen.put("pair", millis(start, System.nanoTime()));
        purge(pair);
    }

    private void killed(BenchSite site, Map<String, Double> seen) throws Exception {
        Instance trio = trio(site);
        try (BenchWriter writes = new BenchWriter(trio.dataSource(), false)) {
            writes.awaitMore(100);
            long killed = site.primary(trio).kill();
            seen.put("dead", millis(killed, writes.awaitRecovered(killed)));
            awaitWhole(trio);
            seen.put("rejoin", millis(killed, System.nanoTime()));
            writes.awaitMore(100);
            writes.forgetPauses();
            trio.switchover(trio.view().members().get(1).name()).await(PATIENCE);
            writes.awaitMore(100);
            seen.put("switchover", writes.longestMillis());
            writes.close();
            lost += writes.missing();
        }
        purge(trio);
    }

    private void silent(BenchSite site, Map<String, Double> seen) throws Exception {
        Instance trio = trio(site);
        try (BenchWriter writes = new BenchWriter(trio.dataSource(), false);
                BenchWriter pinned = new BenchWriter(trio.dataSource(), true)) {
            writes.awaitMore(100);
            pinned.awaitMore(10);
            BenchSite.Victim primary = site.primary(trio);
            long stopped = primary.silence();
            long recovered = writes.awaitRecovered(stopped);
            seen.put("silent", millis(stopped, recovered));
            primary.wake();
            awaitWhole(trio);
            writes.close();
            pinned.close();
            overlaps += pinned.lastSent() > recovered ? 1 : 0;
            lost += writes.missing() + pinned.missing();
        }
        purge(trio);
    }

    private static Instance trio(BenchSite site) throws SQLException {
        Instance trio = site.create("trio", 2, Durability.STRICT);
        BenchWriter.createTable(trio.dataSource());
        return trio;
    }

    private static void purge(Instance instance) {
        instance.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    private static double millis(long from, long to) {
        return (to - from) / 1e6;
    }

    private static void awaitWhole(Instance instance) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!(instance.view().health() instanceof Health.Healthy)) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(
                        "not whole again: " + instance.view().health());
            }
            LockSupport.parkNanos(5_000_000);
        }
    }
}
