package dev.tenon.bench;

import dev.tenon.api.Change;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * How long writes stop when a primary of three members under <em>strict</em> is killed, falls silent or is switched over, how soon all
 * members are back, and how long a pair takes to be made; on this machine, under a writer whose every acknowledged row is looked for
 * afterwards. The argument is the number of runs.
 */
public final class FailoverBench {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int RUNS = 20;

    private FailoverBench() {}

    /** Runs the bench. */
    public static void main(String[] args) throws Exception {
        int runs = args.length == 0 ? RUNS : Integer.parseInt(args[0]);
        Path work = Files.createTempDirectory("tenon-bench-");
        // The databases' own user must be able to pass through.
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwx--x--x"));
        Samples samples = new Samples(runs);
        try (Tenon tenon = Tenon.builder()
                .directory(work.resolve("plane"))
                .delivery(LocalDelivery.create())
                .build()) {
            Tenant shop = tenon.tenants()
                    .create(t -> t.name("shop").quota(q -> q.cpus(1_000).instances(1_000)));
            for (int i = -1; i < runs; i++) {
                run(shop, i, samples);
            }
        }
        samples.print();
    }

    private static final class Samples {
        private final double[] dead;
        private final double[] silent;
        private final double[] switchover;
        private final double[] pair;
        private final double[] rejoin;
        private long lost;
        private long overlaps;

        Samples(int runs) {
            dead = new double[runs];
            silent = new double[runs];
            switchover = new double[runs];
            pair = new double[runs];
            rejoin = new double[runs];
        }

        void print() {
            Report report = new Report();
            report.measured("dead_ms", "primary killed, to the next acknowledged write", dead, "<= 150");
            report.missing("dead_ssh_ms");
            report.measured("silent_ms", "primary stopped (SIGSTOP), to the next one", silent, "<= 2000");
            report.measured("switchover_ms", "switch-over, longest time between two writes", switchover, "<= 300");
            report.measured("pair_ms", "a primary and a standby, until made", pair, "<= 300");
            report.missing("pair_ssh_ms");
            report.measured("rejoin_ms", "primary killed, until all three are back", rejoin, "<= 3000");
            report.derived("lost_writes", "acknowledged rows that are missing", lost, "0");
            report.derived("overlaps", "rows the old primary acknowledged after the new one", overlaps, "0");
            report.derived("runs", "runs", dead.length, ">= 20");
            report.print();
        }
    }

    /** Run -1 warms up. */
    private static void run(Tenant shop, int i, Samples samples) throws Exception {
        long start = System.nanoTime();
        Instance pair = create(shop, "pair", 1, Durability.BALANCED);
        double made = millis(start, System.nanoTime());
        purge(pair);

        Instance trio = create(shop, "trio", 2, Durability.STRICT);
        double dead;
        double rejoined;
        double switched;
        try (Writes writes = new Writes(trio, false)) {
            writes.awaitMore(100);
            long killed = System.nanoTime();
            signal("KILL", List.of(primary(trio)));
            dead = millis(killed, writes.awaitRecovered(killed));
            awaitWhole(trio);
            rejoined = millis(killed, System.nanoTime());
            writes.awaitMore(100);
            writes.longest = 0;
            trio.switchover(trio.view().members().get(1).name()).await(PATIENCE);
            writes.awaitMore(100);
            switched = writes.longest / 1e6;
            writes.close();
            samples.lost += missing(trio, writes.acknowledged);
        }
        purge(trio);

        Instance again = create(shop, "trio", 2, Durability.STRICT);
        double silent;
        try (Writes writes = new Writes(again, false);
                Writes pinned = new Writes(again, true)) {
            writes.awaitMore(100);
            pinned.awaitMore(10);
            ProcessHandle root = primary(again);
            List<ProcessHandle> all =
                    Stream.concat(Stream.of(root), root.descendants()).toList();
            long stopped = System.nanoTime();
            signal("STOP", all);
            long recovered = writes.awaitRecovered(stopped);
            silent = millis(stopped, recovered);
            signal("CONT", all);
            awaitWhole(again);
            writes.close();
            pinned.close();
            samples.overlaps += pinned.lastAt > recovered ? 1 : 0;
            samples.lost += missing(again, writes.acknowledged) + missing(again, pinned.acknowledged);
        }
        purge(again);
        if (i >= 0) {
            samples.pair[i] = made;
            samples.dead[i] = dead;
            samples.rejoin[i] = rejoined;
            samples.switchover[i] = switched;
            samples.silent[i] = silent;
        }
    }

    private static Instance create(Tenant shop, String name, int standbys, Durability durability) throws SQLException {
        Instance instance = shop.instances()
                .create(s -> s.name(name)
                        .engine(EngineId.POSTGRESQL, "17")
                        .plan("micro")
                        .topology(t -> t.standbys(standbys).durability(durability)))
                .await(PATIENCE);
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
        }
        return instance;
    }

    private static void purge(Instance instance) {
        instance.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    private static double millis(long from, long to) {
        return (to - from) / 1e6;
    }

    /** The main process of the primary: the parent of a session's own. */
    private static ProcessHandle primary(Instance instance) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT pg_backend_pid()")) {
            r.next();
            return ProcessHandle.of(r.getLong(1)).flatMap(ProcessHandle::parent).orElseThrow();
        }
    }

    private static void signal(String name, List<ProcessHandle> processes) throws IOException, InterruptedException {
        List<String> command = Stream.concat(
                        // The shell has its own kill; as a program it is missing on a bare Debian.
                        Stream.of("/bin/sh", "-c", "kill -\"$@\"", "signal", name),
                        processes.stream().filter(ProcessHandle::isAlive).map(p -> Long.toString(p.pid())))
                .toList();
        if (command.size() > 5) {
            new ProcessBuilder(command).start().waitFor();
        }
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

    private static long missing(Instance instance, Set<Long> acknowledged) throws SQLException {
        Set<Long> missing = new HashSet<>(acknowledged);
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT id FROM t")) {
            while (r.next()) {
                missing.remove(r.getLong(1));
            }
        }
        return missing.size();
    }

    /** Inserts one row after the other and notes which were acknowledged. */
    private static final class Writes implements AutoCloseable {
        private final Instance instance;
        private final boolean pinned;
        private final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
        private final Thread thread;
        private volatile boolean closed;
        private volatile long longest;
        private volatile long lastAt;
        /** When the first row after the last failure was acknowledged. */
        private volatile long recoveredAt = Long.MIN_VALUE;

        /** @param pinned keeps to its first session, until that fails */
        Writes(Instance instance, boolean pinned) {
            this.instance = instance;
            this.pinned = pinned;
            thread = new Thread(this::write, "bench-writer");
            thread.start();
        }

        private void write() {
            long id = pinned ? 1_000_000_000 : 0;
            lastAt = System.nanoTime();
            do {
                boolean first = true;
                try (Connection c = instance.dataSource().getConnection();
                        PreparedStatement s = c.prepareStatement("INSERT INTO t VALUES (?)")) {
                    while (!closed) {
                        s.setLong(1, ++id);
                        s.executeUpdate();
                        long now = System.nanoTime();
                        acknowledged.add(id);
                        if (first) {
                            recoveredAt = now;
                            first = false;
                        }
                        longest = Math.max(longest, now - lastAt);
                        lastAt = now;
                    }
                } catch (SQLException e) {
                    LockSupport.parkNanos(1_000_000); // ended with its server: not acknowledged
                }
            } while (!closed && !pinned);
        }

        void awaitMore(int rows) {
            int goal = acknowledged.size() + rows;
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (acknowledged.size() < goal) {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("writes do not go on");
                }
                LockSupport.parkNanos(1_000_000);
            }
        }

        long awaitRecovered(long since) {
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (recoveredAt - since < 0) {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("writes do not go on");
                }
                LockSupport.parkNanos(1_000_000);
            }
            return recoveredAt;
        }

        @Override
        public void close() {
            closed = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
