package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Secret;
import dev.tenon.spi.delivery.ExecResult;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs programs to their end as the members' user. */
final class Commands {
    private static final int MAX_STDOUT = 16 << 20;
    private static final int MAX_STDERR = 64 << 10;

    private final RunAs runAs;
    private final ExecutorService pumps;

    Commands(RunAs runAs, ExecutorService pumps) {
        this.runAs = runAs;
        this.pumps = pumps;
    }

    /** Runs as the members' user. */
    ExecResult run(
            List<String> argv,
            Map<String, String> environment,
            Optional<Secret> stdin,
            Duration timeout,
            Path directory) {
        List<String> words = new ArrayList<>(runAs.prefix(Optional.empty()));
        words.addAll(argv);
        return runAsOurselves(words, environment, stdin, timeout, directory);
    }

    /** Runs as the user of this process. */
    ExecResult runAsOurselves(
            List<String> words,
            Map<String, String> environment,
            Optional<Secret> stdin,
            Duration timeout,
            Path directory) {
        ProcessBuilder builder = new ProcessBuilder(words);
        Launcher.minimalEnvironment(builder, environment);
        builder.directory(directory.toFile());
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw Failures.io("running " + words.get(0), e);
        }
        try {
            Future<String> stdout = pumps.submit(() -> drain(process.getInputStream(), MAX_STDOUT));
            Future<String> stderr = pumps.submit(() -> drain(process.getErrorStream(), MAX_STDERR));
            feed(process.getOutputStream(), stdin);
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                throw Failures.of(ErrorCode.TIMEOUT, program(words) + " did not end within " + timeout);
            }
            // A grandchild may hold the pipes open for ever.
            return new ExecResult(
                    process.exitValue(), stdout.get(10, TimeUnit.SECONDS), stderr.get(10, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        } catch (TimeoutException e) {
            throw new dev.tenon.api.ProviderException(
                    ErrorCode.TIMEOUT, program(words) + " ended, but something it started keeps its output open", e);
        } catch (ExecutionException e) {
            throw new dev.tenon.api.ProviderException(
                    ErrorCode.PROVIDER_FAILED, "reading the output of " + program(words), e);
        } finally {
            if (process.isAlive()) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
    }

    private static String program(List<String> words) {
        int dashes = words.indexOf("--");
        return words.get(words.get(0).endsWith("setpriv") && dashes > 0 ? dashes + 1 : 0);
    }

    private static void feed(OutputStream stdin, Optional<Secret> content) throws InterruptedException {
        try (stdin) {
            if (content.isPresent()) {
                stdin.write(content.get().reveal(text -> text.getBytes(StandardCharsets.UTF_8)));
            }
        } catch (IOException e) {
            // The program did not want all of its input; its exit code says whether that is wrong.
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /** Reads to the end, so that the program never blocks, and keeps what fits. */
    private static String drain(InputStream in, int limit) throws IOException {
        ByteArrayOutputStream kept = new ByteArrayOutputStream();
        byte[] buffer = new byte[16 << 10];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            kept.write(buffer, 0, Math.min(n, limit - kept.size()));
        }
        return kept.toString(StandardCharsets.UTF_8);
    }
}
