package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends signals, of which Java knows only two. One small shell waits for orders on its input, so that a signal costs no new process;
 * it ends when its input does, thus with us.
 */
final class Signals implements AutoCloseable {
    private static final Set<String> KNOWN =
            Set.of("TERM", "INT", "QUIT", "KILL", "HUP", "USR1", "USR2", "STOP", "CONT");
    private static final String SCRIPT =
            "while read -r signal pid; do if kill -s \"$signal\" \"$pid\" 2>/dev/null; then echo 0; else echo 1; fi; done";

    private @Nullable Process shell;
    private @Nullable BufferedWriter orders;
    private @Nullable BufferedReader answers;
    private boolean closed;

    /**
     * Sends a signal and returns whether there was somebody to take it. Callers have checked that the number is still the process
     * they mean.
     */
    synchronized boolean send(String signal, long pid) {
        if (!KNOWN.contains(signal)) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "unknown signal " + signal + "; expected one of " + KNOWN);
        }
        try {
            return order(signal + " " + pid);
        } catch (IOException e) {
            // The helper was killed from outside: one more try with a new one.
            stop();
            try {
                return order(signal + " " + pid);
            } catch (IOException again) {
                throw Failures.io("sending " + signal + " to process " + pid, again);
            }
        }
    }

    private boolean order(String line) throws IOException {
        if (closed) {
            throw Failures.of(ErrorCode.PROVIDER_UNAVAILABLE, "the delivery is closed");
        }
        if (shell == null) {
            ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", SCRIPT);
            Launcher.minimalEnvironment(builder, java.util.Map.of());
            builder.redirectError(ProcessBuilder.Redirect.DISCARD);
            Process started = builder.start();
            shell = started;
            orders = new BufferedWriter(new OutputStreamWriter(started.getOutputStream(), StandardCharsets.US_ASCII));
            answers = new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.US_ASCII));
        }
        BufferedWriter out = Objects.requireNonNull(orders);
        out.write(line);
        out.newLine();
        out.flush();
        String answer = Objects.requireNonNull(answers).readLine();
        if (answer == null) {
            throw new IOException("the signal helper ended");
        }
        return answer.equals("0");
    }

    private void stop() {
        if (shell != null) {
            shell.destroyForcibly();
            shell = null;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        stop();
    }
}
