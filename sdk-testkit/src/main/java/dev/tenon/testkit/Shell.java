package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs small programs of the system; each word is an argument, none is read by a shell. */
final class Shell {
    private static final int PATIENCE_SECONDS = 60;

    private Shell() {}

    static ProcessBuilder program(List<String> words) {
        ProcessBuilder builder = new ProcessBuilder(words);
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        environment.put("LANG", "C.UTF-8");
        return builder.redirectErrorStream(true);
    }

    /** Runs it to its end and throws its own words with the code if it fails. */
    static void run(ErrorCode code, String... words) {
        try {
            Process process = program(List.of(words)).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new ProviderException(ErrorCode.TIMEOUT, words[0] + " does not end");
            }
            if (process.exitValue() != 0) {
                throw new ProviderException(code, words[0] + " ended with " + process.exitValue() + ": " + said);
            }
        } catch (IOException e) {
            throw new ProviderException(code, words[0] + ": " + e, e);
        } catch (InterruptedException e) {
            throw Connections.failed("run " + words[0], e);
        }
    }
}
