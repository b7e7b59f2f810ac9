package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A {@link MortalControlPlane} in its process. */
final class MortalProcess {
    private final String what;
    private final Path output;
    private final Process process;

    private MortalProcess(String what, Path output, Process process) {
        this.what = what;
        this.output = output;
        this.process = process;
    }

    /**
     * Starts one.
     *
     * @param directory where the installation lies, the same for all that follow each other
     */
    static MortalProcess start(Path directory, String operation, int boundary) throws IOException {
        Path output = directory.resolve("output-" + operation + "-" + boundary + ".log");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MortalControlPlane.class.getName(),
                        directory.resolve("installation").toString(),
                        operation,
                        Integer.toString(boundary))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        return new MortalProcess(operation + ", boundary " + boundary, output, process);
    }

    boolean alive() {
        return process.isAlive();
    }

    String said() throws IOException {
        return Files.readString(output, StandardCharsets.UTF_8);
    }

    /** Waits for its end and requires that it was one of its two; returns whether it was killed. */
    boolean killed() throws IOException, InterruptedException {
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS))
                    .as("%s ends:%n%s", what, said())
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as("%s:%n%s", what, said()).isIn(0, MortalControlPlane.KILLED);
        return process.exitValue() == MortalControlPlane.KILLED;
    }
}
