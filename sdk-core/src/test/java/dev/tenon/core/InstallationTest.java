package dev.tenon.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InstallationTest {
    @TempDir
    Path below;

    /** As a process that was killed leaves it: the lock went with the process. */
    private Path directory(String name, String file) throws IOException {
        Path directory = Files.createDirectories(below.resolve(name).resolve("places"));
        Files.createFile(below.resolve(name).resolve(file));
        return directory.getParent();
    }

    @Test
    void temporary_leftoverOfAKilledProcess_isRemoved() throws IOException {
        Path leftover = directory("tenon-1", "lock-1");

        try (Installation fresh = Installation.temporary(below)) {
            assertThat(leftover).doesNotExist();
            assertThat(fresh.directory()).isDirectory();
            assertThat(fresh.kept()).isFalse();
        }
        assertThat(below).isEmptyDirectory();
    }

    @Test
    void temporary_directoriesInUseOrOfOthers_stay() throws IOException {
        Path strange = directory("tenon-mine", "notes");

        try (Installation first = Installation.temporary(below);
                Installation second = Installation.temporary(below)) {
            assertThat(first.directory()).isDirectory().isNotEqualTo(second.directory());
        }
        assertThat(strange).isDirectory();
    }
}
