package dev.tenon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several JVMs with tests on one machine, and what is left when they end in any way. */
class SharedServersIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long STAYS = 60_000;
    private static final Pattern KEPT = Pattern.compile("kept for 15 minutes: (jdbc:\\S+), with PGPASSFILE=(\\S+)");

    @TempDir
    private static Path cache;

    @BeforeAll
    static void letTheDatabasesUserIn() throws IOException {
        Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterEach
    void endDaemons() throws IOException {
        daemons().forEach(ProcessHandle::destroyForcibly);
        await("the servers end with their daemon", () -> processes().findAny().isEmpty());
        for (Path seed : seeds()) {
            Files.delete(seed);
        }
        if (Files.exists(ForkedTests.memory(cache))) {
            DaemonStarter.remove(ForkedTests.memory(cache));
        }
    }

    private static List<Path> seeds() throws IOException {
        return list(cache.resolve("testkit"));
    }

    /** Runs tests to the end of their daemon; returns how many of their databases came from a template they filled themselves. */
    private static long filled(String work) throws Exception {
        try (ForkedTests tests = new ForkedTests(cache, 0, work)) {
            List<String> lines = tests.lines();
            assertThat(lines.stream().filter(line -> line.startsWith("leased ")))
                    .hasSize(40)
                    .allMatch(line -> line.endsWith(" rows 1"));
            nothingIsLeft();
            return lines.stream().filter("filled"::equals).count();
        }
    }

    @Test
    void template_ofAFormerRun_isThereAgain() throws Exception {
        assertThat(filled("many")).isEqualTo(1);
        assertThat(seeds()).singleElement().satisfies(seed -> assertThat(Files.getPosixFilePermissions(seed))
                .isEqualTo(PosixFilePermissions.fromString("rw-------")));

        assertThat(filled("many")).isZero();
        assertThat(filled("many")).isZero();
    }

    @Test
    void template_ofAFormerRunWhoseFileWasDamaged_isFilledAgain() throws Exception {
        assertThat(filled("many")).isEqualTo(1);
        try (FileChannel seed = FileChannel.open(seeds().get(0), StandardOpenOption.WRITE)) {
            seed.truncate(seed.size() / 2);
        }

        assertThat(filled("many")).isEqualTo(1);
        assertThat(filled("many")).isZero();
    }

    @Test
    void template_ofARunThatMadeRoles_isNotKept() throws Exception {
        assertThat(filled("roles")).isEqualTo(1);

        assertThat(seeds()).isEmpty();
    }

    private static Stream<ProcessHandle> processes() {
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid())
                .filter(process -> process.info()
                        .commandLine()
                        .filter(line -> line.contains(cache.toString()))
                        .isPresent());
    }

    private static Stream<ProcessHandle> daemons() {
        return processes()
                .filter(process -> process.info().commandLine().orElse("").contains(Daemon.class.getName()));
    }

    private static void await(String what, Callable<Boolean> condition) {
        Awaitility.await(what)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .pollInSameThread()
                .until(condition);
    }

    private static void nothingIsLeft() {
        await("no process is left", () -> processes().findAny().isEmpty());
        await("no throw-away data is left", () -> {
            return list(cache.resolve("ephemeral")).isEmpty()
                    && list(ForkedTests.memory(cache)).isEmpty();
        });
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static void assumeRoom() throws IOException {
        Path memory = ForkedTests.memory(cache);
        assumeThat(memory).as("a place in memory").startsWithRaw(Path.of("/dev/shm"));
        assumeThat(Files.getFileStore(memory.getParent()).getUsableSpace())
                .as("room in memory")
                .isGreaterThan(3L << 30);
    }

    @Test
    void server_lies_inMemory() throws Exception {
        Path memory = ForkedTests.memory(cache);
        assumeRoom();
        try (ForkedTests holding = new ForkedTests(cache, 0, "hold")) {
            holding.line();
            assertThat(list(memory)).isNotEmpty();
            assertThat(list(cache.resolve("ephemeral"))).isEmpty();
            // Not beside it, where it would stay if the server were killed.
            try (Stream<Path> files = Files.walk(memory)) {
                assertThat(files).anyMatch(file -> file.getParent().endsWith("pg_dynshmem"));
            }
            holding.kill();
        }
        nothingIsLeft();
    }

    @Test
    void database_thatOutgrowsTheMemoryThereIs_isDropped_andTheOthersStay() throws Exception {
        assumeRoom();
        try (ForkedTests flood = new ForkedTests(cache, 0, "flood")) {
            List<String> lines = flood.lines();

            // Its session ended.
            assertThat(lines.get(0)).isEqualTo("57P01");
            assertThat(lines.get(1))
                    .contains("more than the 256MiB of memory", "tenon.testkit.memorySize", "tenon.testkit.memory=off");
            assertThat(lines.subList(2, lines.size())).containsExactly("small", "next");
        }
        nothingIsLeft();
    }

    @Test
    void jvms_atOnce_shareOneServerAndItsTemplate_neverADatabase() throws Exception {
        try (ForkedTests one = new ForkedTests(cache, 0, "many");
                ForkedTests two = new ForkedTests(cache, 0, "many")) {
            List<String> lines =
                    Stream.concat(one.lines().stream(), two.lines().stream()).toList();

            assertThat(lines.stream().filter("filled"::equals)).hasSize(1);
            assertThat(lines.stream().filter(line -> line.startsWith("leased ")))
                    .hasSize(80)
                    .doesNotHaveDuplicates()
                    .allMatch(line -> line.endsWith(" rows 1"));
        }
        nothingIsLeft();
    }

    @Test
    void jvm_killed_itsDatabasesAreDropped_andTheServerStaysForOthers() throws Exception {
        try (ForkedTests other = new ForkedTests(cache, 0, "hold");
                ForkedTests killed = new ForkedTests(cache, 0, "hold")) {
            String others = other.line();
            String gone = killed.line();
            // Until they are copied: a copy ends all sessions.
            other.line();
            killed.line();
            killed.kill();

            try (Connection connection = DriverManager.getConnection(others)) {
                String name = gone.replaceAll(".*/([^?]+)\\?.*", "$1");
                await("the database is dropped", () -> Sql.ask(
                                connection, "SELECT count(*) FROM pg_database WHERE datname = '" + name + "'")
                        .equals("0"));
            }
            other.kill();
        }
        nothingIsLeft();
    }

    @Test
    void daemon_killed_itsServersEndWithIt_andTheNextJvmStartsAnew() throws Exception {
        try (ForkedTests before = new ForkedTests(cache, STAYS, "hold")) {
            before.line();
            before.line();
            daemons().forEach(ProcessHandle::destroyForcibly);
            await("the servers end", () -> processes()
                    .noneMatch(p -> p.info().commandLine().orElse("").contains("/bin/postgres ")));
        }
        try (ForkedTests after = new ForkedTests(cache, 0, "many")) {
            assertThat(after.lines()).hasSize(41);
        }
        nothingIsLeft();
    }

    @Test
    void test_thatFails_keepsItsDatabase_beyondItsJvm() throws Exception {
        try (ForkedTests failing = new ForkedTests(cache, 0, "fail")) {
            List<String> lines = failing.lines();
            assertThat(lines).hasSize(2).first().isEqualTo("on purpose");
            Matcher kept = KEPT.matcher(lines.get(1));
            assertThat(kept.find()).isTrue();
            assertThat(kept.group(1)).doesNotContain("password");

            assertThat(ask(kept.group(1), Path.of(kept.group(2)), "SELECT to_regclass('evidence') IS NOT NULL"))
                    .isEqualTo("t");
            assertThat(Files.getPosixFilePermissions(Path.of(kept.group(2))))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        }
    }

    private static String ask(String url, Path passwords, String question) throws SQLException, IOException {
        String[] fields = Files.readString(passwords).strip().split(":");
        try (Connection connection = DriverManager.getConnection(url + "&password=" + fields[4])) {
            return Sql.ask(connection, question);
        }
    }

    @Test
    void database_kept_goesWhenItsTimeIsUp() throws Exception {
        try (ForkedTests keeping = new ForkedTests(cache, 0, "keep")) {
            String url = keeping.line();
            assertThat(exists(url)).isTrue();
            await("the database goes", () -> !exists(url));
            keeping.kill();
        }
        nothingIsLeft();
    }

    private static boolean exists(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url)) {
            return connection.isValid(5);
        } catch (SQLException e) {
            return switch (e.getSQLState()) {
                case "3D000" -> false; // no such database
                case "55000" -> true; // it is being dropped and lets nobody in any more
                default -> throw e;
            };
        }
    }
}
