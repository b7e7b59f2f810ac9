package dev.tenon.testkit;

import dev.tenon.api.ProviderException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Another JVM with tests, as Maven or Gradle fork them. */
final class ForkedTests implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int EACH = 10;
    private final Process process;
    private final BufferedReader out;

    /** @param work what it does: {@code many}, {@code roles}, {@code hold}, {@code keep}, {@code flood}, or {@code fail} */
    ForkedTests(Path cache, long lingerMillis, String work) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dtenon.testkit.cache=" + cache,
                "-Dtenon.testkit.memory=" + memory(cache),
                "-Dtenon.testkit.memorySize=" + (work.equals("flood") ? "256MiB" : "2GiB"),
                "-Dtenon.testkit.lingerMillis=" + lingerMillis,
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                ForkedTests.class.getName(),
                work));
        process = new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Returns where the servers of tests with this cache lie. */
    static Path memory(Path cache) {
        Path shared = Path.of("/dev/shm");
        return (Files.isWritable(shared) ? shared : cache).resolve("it-" + cache.getFileName());
    }

    String line() throws IOException {
        return out.readLine();
    }

    /** Returns what it printed once it has ended. */
    List<String> lines() throws IOException, InterruptedException {
        List<String> lines = out.lines().toList();
        if (process.waitFor() != 0) {
            throw new IOException("ended with " + process.exitValue() + ": " + lines);
        }
        return lines;
    }

    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        out.close();
    }

    /** Prints that it was filled. */
    static final class Loud implements DatabaseTemplate {
        @Override
        public String key() {
            return "loud-1";
        }

        @Override
        public void fill(DataSource database) throws SQLException {
            System.out.println("filled");
            Sql.run(database, "CREATE TABLE t (a int)");
        }
    }

    /** Leaves its database behind. */
    static final class Failing {
        @Test
        void test(@Database DataSource source) throws SQLException {
            Sql.run(source, "CREATE TABLE evidence (a int)");
            throw new AssertionError("on purpose");
        }
    }

    /** Does the work that its argument names. */
    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("fail")) {
            fail();
            return;
        }
        try (TestDatabases databases = TestDatabases.create()) {
            switch (arguments[0]) {
                case "many" -> many(databases);
                case "roles" -> {
                    try (TestDatabase database = databases.lease()) {
                        Sql.run(database.dataSource(), "CREATE ROLE stays");
                    }
                    many(databases);
                }
                case "keep" -> {
                    try (TestDatabase database = databases.lease(spec -> spec.keep(Duration.ofSeconds(2)))) {
                        System.out.println(database.url());
                        database.keep();
                    }
                    System.in.read();
                }
                case "hold" -> {
                    try (TestDatabase database = databases.lease()) {
                        System.out.println(database.url());
                        database.branch();
                        database.snapshot();
                        System.out.println("copied");
                        System.in.read();
                    }
                }
                case "flood" -> {
                    try (TestDatabase small = databases.lease();
                            TestDatabase database = databases.lease()) {
                        flood(database);
                        System.out.println(Sql.ask(small.dataSource(), "SELECT 'small'"));
                    }
                    try (TestDatabase next = databases.lease()) {
                        System.out.println(Sql.ask(next.dataSource(), "SELECT 'next'"));
                    }
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }
    }

    private static void flood(TestDatabase database) {
        try {
            Sql.run(
                    database.dataSource(),
                    "CREATE TABLE t AS SELECT n, repeat('x', 1000) FROM generate_series(1, 4000000) n");
        } catch (SQLException e) {
            System.out.println(e.getSQLState());
        }
        try {
            database.keep();
        } catch (ProviderException e) {
            System.out.println(e.getMessage());
        }
    }

    private static void many(TestDatabases databases) throws InterruptedException {
        List<Thread> threads = IntStream.range(0, THREADS)
                .mapToObj(t -> new Thread(() -> {
                    for (int i = 0; i < EACH; i++) {
                        try (TestDatabase database = databases.lease(spec -> spec.template(new Loud()))) {
                            Sql.run(database.dataSource(), "INSERT INTO t VALUES (1)");
                            System.out.println("leased " + database.name() + " rows "
                                    + Sql.ask(database.dataSource(), "SELECT count(*) FROM t"));
                        } catch (SQLException e) {
                            throw new IllegalStateException(e);
                        }
                    }
                }))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void fail() {
        SummaryGeneratingListener summary = new SummaryGeneratingListener();
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(DiscoverySelectors.selectClass(Failing.class))
                                .build(),
                        summary);
        summary.getSummary().getFailures().forEach(failure -> {
            System.out.println(failure.getException().getMessage());
            System.out.println(failure.getException().getSuppressed()[0].getMessage());
        });
    }
}
