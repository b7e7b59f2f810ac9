package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Probe;
import dev.tenon.spi.workload.Software;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the contract cannot ask of every place: steps with commands of its own choice. */
final class ProcessDeliveryTest {
    private static final Epoch EPOCH = new Epoch(1);
    private static final Software SOFTWARE = new Software(new EngineId("any"), "1");
    private static final MemberRef REF =
            new MemberRef(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), "m-1");

    @TempDir
    Path directory;

    /** Its command sees its directory as {@code $1} and another one as {@code $2}. */
    private static InitialiseStep step(String creates, String script, FileSpec... inputs) {
        return new InitialiseStep(
                creates,
                new Command(
                        List.of(
                                Template.text("/bin/sh"),
                                Template.text("-c"),
                                Template.text(script),
                                Template.text("step"),
                                Template.of(new Template.DirectoryPath("data")),
                                Template.of(new Template.DirectoryPath("run"))),
                        Map.of(),
                        Optional.empty(),
                        Duration.ofSeconds(20),
                        Optional.of("done")),
                "data",
                creates,
                false,
                List.of(inputs));
    }

    private MemberState prepare(InitialiseStep... steps) {
        return new ProcessDelivery(directory.resolve("members"), Map.of(SOFTWARE, directory))
                .prepare(
                        MemberWorkload.builder()
                                .ref(REF)
                                .software(SOFTWARE)
                                .addDirectories(
                                        new Directory("data", Directory.Purpose.DATA, Optional.empty()),
                                        new Directory("run", Directory.Purpose.RUN, Optional.empty()))
                                .addInitialise(steps)
                                .resources(Resources.of(1, DataSize.mib(256), DataSize.gib(1)))
                                .ready(new Probe.Running())
                                .build(),
                        EPOCH)
                .state();
    }

    private Set<String> files() throws IOException {
        Path content = directory.resolve("members").resolve(REF.externalName()).resolve("content");
        try (Stream<Path> all = Files.walk(content)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> content.relativize(file).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void step_failed_allStepsOfItsDirectoryAreStartedOver() throws Exception {
        InitialiseStep first = step("one", "echo again >> $2/runs; touch $1/one && echo done");
        assertThatThrownBy(() -> prepare(first, step("two", "touch $1/half; echo done; exit 3")))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_FAILED))
                .hasMessageContaining("step two ended with 3");
        assertThat(files()).contains("data/half");

        InitialiseStep second = step("two", "touch $1/two && echo done");
        assertThat(prepare(first, second)).isEqualTo(MemberState.STOPPED);
        prepare(first, second);

        assertThat(files()).containsExactly("data/one", "data/two", "run/runs");
        assertThat(directory.resolve("members").resolve(REF.externalName()).resolve("content/run/runs"))
                .as("twice: once more after the failure, and not when all was there")
                .hasContent("again\nagain");
    }

    @Test
    void step_thatSaysNothingOrMakesNothing_failed() {
        for (String script : List.of("echo done", "touch $1/one")) {
            assertThatThrownBy(() -> prepare(step("one", script)))
                    .as(script)
                    .isInstanceOf(ProviderException.class)
                    .hasMessageContaining("step one ended with 0");
        }
    }

    @Test
    void inputs_existOnlyWhileTheCommandRuns() throws Exception {
        FileSpec input = new FileSpec("run", "secret", Template.text("word"), 0600, true, FileSpec.OnChange.NOTHING);
        prepare(step("one", "cp $2/secret $1/one && echo done", input));
        assertThat(files()).containsExactly("data/one");
    }
}
