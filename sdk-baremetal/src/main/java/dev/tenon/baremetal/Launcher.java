package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Starts long-running processes so that they can be found again by whoever comes after us: each writes who it is to its run file
 * before it becomes the program, so that there is no moment at which it runs and nobody could know.
 */
final class Launcher implements AutoCloseable {
    /**
     * Arguments: run file, control groups to join, {@code --}, program and its arguments. The number and the start time of a process
     * stay the same when it becomes another program.
     */
    private static final String SCRIPT = "set -eu; umask 077; run=$1; shift;"
            + " while [ \"$1\" != -- ]; do echo 0 > \"$1\"; shift; done; shift;"
            + " read -r stat < /proc/self/stat; read -r boot < /proc/sys/kernel/random/boot_id;"
            + " echo \"$boot $stat\" > \"$run\"; exec \"$@\"";

    private final RunAs runAs;
    private final ProcFs proc;
    private final Optional<Path> setsid;
    /**
     * The kernel sends the death signal when the thread that started the process ends, not only when its process does; so one
     * thread starts them all and lives as long as we do.
     */
    private final ExecutorService spawner;

    Launcher(RunAs runAs, ProcFs proc, Optional<Path> setsid, String name) {
        this.runAs = runAs;
        this.proc = proc;
        this.setsid = setsid;
        this.spawner = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "tenon-" + name + "-spawn");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * What to start.
     *
     * @param argv program and arguments
     * @param environment added to a minimal one
     * @param runFile written by the process itself
     * @param output what it prints is appended here
     * @param cgroupFiles where it writes {@code 0} to come under limits
     * @param deathSignal what it gets when this JVM ends, if it shall not outlive it
     */
    record Start(
            List<String> argv,
            Map<String, String> environment,
            Path runFile,
            Path output,
            List<String> cgroupFiles,
            Optional<String> deathSignal) {}

    Running start(Start start) {
        List<String> words = new ArrayList<>();
        setsid.ifPresent(program -> words.add(program.toString()));
        words.addAll(
                List.of("/bin/sh", "-c", SCRIPT, "tenon-launch", start.runFile().toString()));
        words.addAll(start.cgroupFiles());
        words.add("--");
        words.addAll(runAs.prefix(start.deathSignal()));
        words.addAll(start.argv());
        ProcessBuilder builder = new ProcessBuilder(words);
        minimalEnvironment(builder, start.environment());
        builder.directory(Path.of("/").toFile());
        builder.redirectInput(Path.of("/dev/null").toFile());
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(start.output().toFile()));
        Process process = spawn(builder);
        return new Running(process.pid(), Optional.of(process), () -> readRunFile(start.runFile()), proc);
    }

    private Process spawn(ProcessBuilder builder) {
        try {
            return spawner.submit(builder::start).get();
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw Failures.io("starting " + builder.command().get(0), io);
            }
            throw new dev.tenon.api.ProviderException(
                    ErrorCode.PROVIDER_FAILED, "starting " + builder.command().get(0) + ": " + e.getCause(), e);
        }
    }

    static void minimalEnvironment(ProcessBuilder builder, Map<String, String> added) {
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        environment.put("LANG", "C.UTF-8");
        environment.put("HOME", "/");
        environment.putAll(added);
    }

    /** What a process wrote of itself. */
    record Identity(String bootId, long pid, long started) {
        /** Returns the name of this run, never given twice on this machine. */
        String incarnation() {
            return bootId.substring(0, Math.min(8, bootId.length())) + "-" + pid + "-" + started;
        }
    }

    static Optional<Identity> readRunFile(Path file) {
        try {
            String line = Files.readString(file).trim();
            int blank = line.indexOf(' ');
            if (blank < 0) {
                return Optional.empty();
            }
            return ProcFs.Stat.parse(line.substring(blank + 1))
                    .map(s -> new Identity(line.substring(0, blank), s.pid(), s.started()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw Failures.io("reading " + file, e);
        }
    }

    /** Finds the process that an earlier JVM started, if it still runs. */
    Optional<Running> adopt(Path runFile) {
        return readRunFile(runFile)
                .filter(i -> i.bootId().equals(proc.bootId()) && proc.runs(i.pid(), i.started()))
                .map(i -> new Running(i.pid(), Optional.empty(), () -> Optional.of(i), proc));
    }

    /** Ends the thread; the processes that were to die with us must have been stopped before. */
    @Override
    public void close() {
        spawner.shutdown();
    }
}
