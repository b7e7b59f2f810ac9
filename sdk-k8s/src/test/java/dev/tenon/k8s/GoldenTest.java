package dev.tenon.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Topology;
import dev.tenon.spi.workload.MemberWorkload;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole renderings, as files a reader can look at. Written anew with {@code -Dtenon.golden=DIRECTORY}. */
class GoldenTest {
    static Stream<Arguments> members() {
        return Stream.concat(recorded(), Stream.of(Arguments.of("postgresql-single", Instances.postgresql(), "m-1")));
    }

    /** Not PostgreSQL, whose arguments are still being tuned; WorkloadRendererTest looks at what matters of it. */
    static Stream<Arguments> recorded() {
        return Stream.of(
                Arguments.of("dm8-single", Instances.dm8(Topology.single()), "m-1"),
                Arguments.of("dm8-guarded", Instances.dm8(Topology.primaryStandby(1)), "m-2"),
                Arguments.of("dm8-monitor", Instances.dm8(Topology.primaryStandby(1)), "monitor"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recorded")
    void rendering_ofAMember_isTheRecordedOne(String name, List<MemberWorkload> members, String member)
            throws IOException {
        String yaml = yaml(Instances.render(members, member));
        String directory = System.getProperty("tenon.golden");
        if (directory != null) {
            Files.writeString(Path.of(directory, name + ".yaml"), yaml);
        }
        try (InputStream recorded = GoldenTest.class.getResourceAsStream(name + ".yaml")) {
            assertThat(recorded).as(name + ".yaml").isNotNull();
            assertThat(yaml).isEqualTo(new String(recorded.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("members")
    void rendering_writtenAndReadBack_isEqual(String name, List<MemberWorkload> members, String member) {
        for (HasMetadata object : Instances.render(members, member)) {
            assertThat(Serialization.<HasMetadata>unmarshal(Serialization.asYaml(object)))
                    .as(object.getKind())
                    .isEqualTo(object);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("members")
    void rendering_twice_isEqual(String name, List<MemberWorkload> members, String member) {
        assertThat(Instances.render(members, member)).isEqualTo(Instances.render(members, member));
    }

    /** Without file contents: those are the engines' to test, and would make this fail with each of their changes. */
    private static String yaml(List<HasMetadata> objects) {
        return objects.stream()
                .filter(object -> !(object instanceof ConfigMap) && !(object instanceof Secret))
                .map(Serialization::asYaml)
                .collect(Collectors.joining());
    }
}
