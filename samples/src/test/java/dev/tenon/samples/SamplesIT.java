package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Instance;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every sample does what the guides say it does. */
class SamplesIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    private Path directory;

    @BeforeEach
    void letTheDatabasesUserIn() throws IOException {
        // As root, databases run as another user, who must be able to reach their directories.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void firstDatabase_runTwice_findsItsData() throws Exception {
        Path kept = directory.resolve("tenon-data");
        try (AutoCloseable cleanup = () -> purge(kept)) {
            assertThat(FirstDatabase.visit(kept)).isEqualTo(1);
            assertThat(FirstDatabase.visit(kept)).isEqualTo(2);
        }
    }

    @Test
    void followAnOperation_seesItToItsEnd() {
        assertThat(FollowAnOperation.follow())
                .contains("CREATE SUCCEEDED 100 %")
                .endsWith("found again: SUCCEEDED");
    }

    @Test
    void previewAndApply_doesIt_once() {
        assertThat(PreviewAndApply.resize())
                .anyMatch(line -> line.startsWith("step: "))
                .contains("restart: true", "a second time: STALE", "memory: 2GiB");
    }

    @Test
    void recycleBin_givesBackWhatWasDeleted() {
        assertThat(RecycleBin.deleteAndRecover(directory.resolve("tenon-bin")))
                .containsExactly("Recycled", "Active", "same port", "gone");
    }

    /** A durable database outlives its program, so that a test has to take it away. */
    private static void purge(Path kept) {
        try (Tenon tenon =
                Tenon.builder().directory(kept).delivery(LocalDelivery.create()).build()) {
            Instance orders = tenon.tenant("shop").instances().find("orders").orElseThrow();
            orders.delete().await(PATIENCE);
            orders.purge().await(PATIENCE);
        }
    }
}
