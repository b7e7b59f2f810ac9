package dev.tenon.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pod's scripts in this machine's shell. */
class ScriptsIT {
    @TempDir
    private Path scratch;

    private Path directory;
    private Path marker;

    @BeforeEach
    void makeVolume() throws IOException {
        directory = Files.createDirectories(scratch.resolve("volume/content"));
        marker = scratch.resolve("volume/.initialising");
    }

    @Test
    void directories_areMadePrivate() throws Exception {
        Path made = scratch.resolve("a b/$(x)/content");
        assertThat(run(Scripts.directories(List.of(made.toString())))).isZero();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
                .isEqualTo("rwx------");
    }

    @Test
    void initialise_fresh_runsAndLeavesNoMarker() throws Exception {
        assertThat(step("", "/bin/sh", "-c", "echo made > \"$1\"", "sh", target("done")))
                .isZero();
        assertThat(directory.resolve("done")).hasContent("made");
        assertThat(marker).doesNotExist();
    }

    @Test
    void initialise_complete_doesNothing() throws Exception {
        Files.writeString(directory.resolve("done"), "precious");
        assertThat(step("", "/bin/false")).isZero();
        assertThat(directory.resolve("done")).hasContent("precious");
    }

    @Test
    void initialise_interrupted_startsOverOnAnEmptyDirectory() throws Exception {
        Files.writeString(directory.resolve("done"), "half");
        Files.writeString(directory.resolve(".hidden"), "half");
        Files.createFile(marker);
        assertThat(step("", "/bin/touch", target("done"))).isZero();
        assertThat(directory.resolve("done")).isEmptyFile();
        assertThat(directory.resolve(".hidden")).doesNotExist();
    }

    @Test
    void initialise_failing_saysSoAndIsTriedAgain() throws Exception {
        assertThat(step("", "/bin/sh", "-c", "touch \"$1\"; exit 3", "sh", target("done")))
                .isEqualTo(3);
        assertThat(marker).exists();
        assertThat(step("", "/bin/touch", target("done"))).isZero();
        assertThat(marker).doesNotExist();
    }

    // DM8's dminit: the exit code is not documented, the text is.
    @Test
    void initialise_withoutItsTextOfSuccess_fails() throws Exception {
        List<String> argv = List.of("/bin/sh", "-c", "touch \"$1\"; echo \"$2\"", "sh", target("done"));
        assertThat(step("all *?[ good", with(argv, "all *?[ bad"))).isEqualTo(1);
        assertThat(marker).exists();
        assertThat(step("all *?[ good", with(argv, "so: all *?[ good."))).isZero();
    }

    @Test
    void initialise_withoutWhatItCreates_fails() throws Exception {
        assertThat(step("", "/bin/true")).isEqualTo(1);
    }

    @Test
    void initialise_inputs_existOnlyWhileItRuns() throws Exception {
        Path source = Files.writeString(scratch.resolve("source"), "secret");
        Path input = scratch.resolve("input.ini");
        List<String> parameters = head("yes", "yes", "", "done");
        parameters.addAll(List.of("1", source.toString(), input.toString(), "0600"));
        parameters.addAll(List.of(
                "/bin/sh",
                "-c",
                "stat -c %a \"$1\" > \"$2\"; cat \"$1\" >> \"$2\"",
                "sh",
                input.toString(),
                target("done")));
        assertThat(run(Scripts.initialise(parameters))).isZero();
        assertThat(directory.resolve("done")).hasContent("600\nsecret");
        assertThat(input).doesNotExist();
    }

    @Test
    void initialise_secondStepInterrupted_startsBothOver() throws Exception {
        assertThat(both("one", "two", false)).isEqualTo(1);
        assertThat(directory.resolve("one")).exists();
        Files.writeString(directory.resolve("one"), "stale");
        assertThat(both("one", "two", true)).isZero();
        assertThat(directory.resolve("one")).isEmptyFile();
        assertThat(directory.resolve("two")).exists();
        Files.writeString(directory.resolve("one"), "precious");
        assertThat(both("one", "two", true)).isZero();
        assertThat(directory.resolve("one")).hasContent("precious");
    }

    @Test
    void initialise_tooSlow_isEnded() throws Exception {
        List<String> parameters = new ArrayList<>(
                List.of(directory.toString(), marker.toString(), "yes", "yes", "1", "", "/dev/null", "1", "done", "0"));
        parameters.addAll(List.of("/bin/sleep", "60"));
        assertThat(run(Scripts.initialise(parameters))).isEqualTo(124);
    }

    @Test
    void files_areReplacedWithTheirModes() throws Exception {
        Path source = Files.writeString(scratch.resolve("source"), "new $(x) `y`");
        Path target = directory.resolve("sub/it's.conf");
        Files.createDirectories(target.getParent());
        Files.writeString(target, "old");
        assertThat(run(Scripts.files(List.of(source.toString(), target.toString(), "0640"))))
                .isZero();
        assertThat(target).hasContent("new $(x) `y`");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target)))
                .isEqualTo("rw-r-----");
    }

    @Test
    void line_inANewFile_isSeen() throws Exception {
        Path stamp = aged(Files.createFile(scratch.resolve("stamp")), 60);
        Path file = Files.writeString(scratch.resolve("pid"), "1\n*ready  \n");
        assertThat(run(Scripts.line(file.toString(), "*ready", stamp.toString())))
                .isZero();
        assertThat(run(Scripts.line(file.toString(), "*", stamp.toString()))).isZero();
        assertThat(run(Scripts.line(file.toString(), "ready", stamp.toString())))
                .isEqualTo(1);
        assertThat(run(Scripts.line(file.toString(), "?ready", stamp.toString())))
                .isEqualTo(1);
    }

    // A killed server leaves its file behind.
    @Test
    void line_inAFileOfAnEarlierStart_isNotSeen() throws Exception {
        Path file = aged(Files.writeString(scratch.resolve("pid"), "ready\n"), 60);
        Path stamp = scratch.resolve("stamp");
        assertThat(run(Scripts.stamped(stamp.toString(), List.of("/bin/true")))).isZero();
        assertThat(run(Scripts.line(file.toString(), "ready", stamp.toString())))
                .isEqualTo(1);
        assertThat(run(Scripts.line(scratch.resolve("none").toString(), "ready", stamp.toString())))
                .isEqualTo(1);
    }

    private int both(String one, String two, boolean secondWorks) throws Exception {
        List<String> first = head("yes", "no", "", one, two);
        first.addAll(List.of("0", "/bin/touch", target(one)));
        List<String> second = head("no", "yes", "", two);
        second.addAll(List.of("0", secondWorks ? "/bin/touch" : "/bin/false", target(two)));
        int code = run(Scripts.initialise(first));
        return code != 0 ? code : run(Scripts.initialise(second));
    }

    private int step(String success, String... argv) throws Exception {
        List<String> parameters = head("yes", "yes", success, "done");
        parameters.add("0");
        parameters.addAll(List.of(argv));
        return run(Scripts.initialise(parameters));
    }

    private List<String> head(String first, String last, String success, String... creates) {
        List<String> head = new ArrayList<>(
                List.of(directory.toString(), marker.toString(), first, last, "30", success, "/dev/null"));
        head.add(Integer.toString(creates.length));
        head.addAll(List.of(creates));
        return head;
    }

    private static String[] with(List<String> argv, String last) {
        List<String> all = new ArrayList<>(argv);
        all.add(last);
        return all.toArray(String[]::new);
    }

    private String target(String name) {
        return directory.resolve(name).toString();
    }

    private static Path aged(Path file, int seconds) throws IOException {
        Instant written = Files.getLastModifiedTime(file).toInstant();
        return Files.setLastModifiedTime(file, FileTime.from(written.minusSeconds(seconds)));
    }

    private int run(List<String> argv) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(argv).inheritIO();
        builder.environment().put("TMPDIR", scratch.toString());
        Process process = builder.start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
