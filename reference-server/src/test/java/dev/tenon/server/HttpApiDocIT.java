package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code docs/http-api.md} is true: its commands run as they stand there, and answer what stands there. */
@Timeout(300)
class HttpApiDocIT {
    private static final Path DOC = Path.of("..", "docs", "http-api.md");
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);
    private static final String ANYTHING = "…";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Commands, and the answer that is shown after them, if one is. */
    private record Example(String commands, String answer) {}

    @TempDir
    Path parent;

    @Test
    void examples_runAgainstARealServer_answerAsShown() throws Exception {
        for (String tool : List.of("bash", "curl", "jq")) {
            assumeThat(Path.of("/usr/bin", tool))
                    .as("skipped: no " + tool + " on this machine")
                    .isExecutable();
        }
        List<Example> examples = examples(Files.readString(DOC));
        assertThat(examples).hasSizeGreaterThan(8);
        try (ServerProcess server = ServerProcess.start(ServerProcess.home(parent), "--https")) {
            Path work = Files.createDirectory(parent.resolve("work"));
            StringBuilder script = new StringBuilder("set -euo pipefail\n");
            for (int i = 0; i < examples.size(); i++) {
                // One shell for all, so that variables go on; a command that fails ends it.
                script.append("{\n")
                        .append(examples.get(i).commands())
                        .append("} > answer-")
                        .append(i)
                        .append('\n');
            }
            Path errors = parent.resolve("errors");
            ProcessBuilder bash = new ProcessBuilder("bash", "-c", script.toString())
                    .directory(work.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(errors.toFile());
            bash.environment()
                    .putAll(Map.of(
                            "URL", server.url().replaceAll("/$", ""),
                            "PASSWORD", ServerProcess.PASSWORD,
                            "CURL_CA_BUNDLE",
                                    server.directory().resolve("authority.crt").toString()));
            Process run = bash.start();
            assertThat(run.waitFor(120, TimeUnit.SECONDS)).isTrue();
            assertThat(run.exitValue()).as(Files.readString(errors)).isZero();
            for (int i = 0; i < examples.size(); i++) {
                Example example = examples.get(i);
                if (!example.answer().isEmpty()) {
                    String seen = Files.readString(work.resolve("answer-" + i));
                    assertShown(example.commands(), JSON.readTree(example.answer()), JSON.readTree(seen));
                }
            }
        }
    }

    private static List<Example> examples(String text) {
        List<Example> examples = new ArrayList<>();
        Matcher block = BLOCK.matcher(text);
        while (block.find()) {
            if (block.group(1).equals("sh")) {
                examples.add(new Example(block.group(2), ""));
            } else {
                assertThat(block.group(1)).as("kind of block").isEqualTo("json");
                Example last = examples.remove(examples.size() - 1);
                examples.add(new Example(last.commands(), block.group(2)));
            }
        }
        return examples;
    }

    /** Whatever is shown must be there; objects may have more. */
    private static void assertShown(String where, JsonNode shown, JsonNode seen) {
        if (shown.isObject()) {
            shown.properties().forEach(field -> {
                assertThat(seen.has(field.getKey()))
                        .as(field.getKey() + " in " + seen + " of " + where)
                        .isTrue();
                assertShown(where, field.getValue(), seen.get(field.getKey()));
            });
        } else if (shown.isArray()) {
            assertThat(seen.size()).as(where).isEqualTo(shown.size());
            for (int i = 0; i < shown.size(); i++) {
                assertShown(where, shown.get(i), seen.get(i));
            }
        } else if (!shown.asText().equals(ANYTHING)) {
            assertThat(seen).as(where).isEqualTo(shown);
        }
    }
}
