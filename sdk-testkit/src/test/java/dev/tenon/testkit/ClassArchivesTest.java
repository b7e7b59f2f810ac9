package dev.tenon.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

class ClassArchivesTest {
    private static final byte[] FINISHED = {0x0f, 0, 0, 1, 2};
    private static final byte[] UNFINISHED = {0, 0, 0, 0, 2};

    @TempDir
    private Path cache;

    private Path jar;

    @BeforeEach
    void makeJar() throws IOException {
        jar = Files.writeString(cache.resolve("a.jar"), "a");
    }

    private Path archive() throws IOException {
        List<String> options = new ClassArchives(cache).options(List.of(jar.toString()));
        return Path.of(options.get(options.size() - 1).replaceAll("^[^=]*=\"|\"$", ""));
    }

    private List<String> options() throws IOException {
        return new ClassArchives(cache).options(List.of(jar.toString()));
    }

    @Test
    void options_withADirectoryOnTheClassPath_areNone() throws IOException {
        assertThat(new ClassArchives(cache).options(List.of(jar.toString(), cache.toString())))
                .isEmpty();
    }

    @Test
    void archive_ofAJarThatChanged_isAnother() throws IOException {
        Path before = archive();
        assertThat(archive()).isEqualTo(before);

        Files.writeString(jar, "longer");

        assertThat(archive()).isNotEqualTo(before);
    }

    @Test
    @EnabledForJreRange(max = JRE.JAVA_18)
    void archive_isWrittenOnce_thenUsed() throws IOException {
        assertThat(options()).last().asString().startsWith("-XX:ArchiveClassesAtExit=");

        Files.write(archive(), FINISHED);

        assertThat(options()).last().asString().startsWith("-XX:SharedArchiveFile=");
    }

    @Test
    @EnabledForJreRange(max = JRE.JAVA_18)
    void archive_whoseWriterWasKilled_isWrittenAgain() throws IOException {
        for (byte[] half : List.of(UNFINISHED, new byte[0])) {
            Path archive = Files.write(archive(), half);

            assertThat(options()).last().asString().startsWith("-XX:ArchiveClassesAtExit=");
            assertThat(archive).doesNotExist();
        }
    }

    @Test
    void archives_ofOtherClassPaths_goWhenThereAreMany_oldestFirst() throws IOException {
        Path directory = Files.createDirectories(archive().getParent());
        for (int i = 0; i < 6; i++) {
            Path old = Files.write(directory.resolve("other-" + i + ".jsa"), FINISHED);
            Files.setLastModifiedTime(old, FileTime.fromMillis(1_000_000L * i));
        }
        Path wanted = Files.write(archive(), FINISHED);

        options();

        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left)
                    .containsExactlyInAnyOrder(
                            wanted,
                            directory.resolve("other-3.jsa"),
                            directory.resolve("other-4.jsa"),
                            directory.resolve("other-5.jsa"));
        }
    }
}
