package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kills a real process that runs a control plane with its store in a file, local delivery and PostgreSQL: at the boundaries of each
 * operation, one after the other on the same directory. Each next process finds what was begun finished or undone, and nothing
 * orphaned on this machine, before it is killed in its turn.
 */
final class KilledControlPlaneIT {
    /** Beyond all of them; passes over members that wait for each other have as many as there is to look at. */
    private static final int MOST = 1_000;
    /**
     * Each boundary takes seconds, so that one run takes some of them, each time others; {@code -Dtenon.boundaries=1} takes them all, in
     * many minutes. The simulated ones are all taken.
     */
    private static final int EACH = Integer.getInteger("tenon.boundaries", 3);

    /** With standbys there are more of them, of which many only look. */
    private static final int EACH_OF_PAIRS = Integer.getInteger("tenon.boundaries", 17);

    private static final Set<String> PAIRS = Set.of(
            "create-pair",
            "add-standby",
            "rebuild-standby",
            "switchover",
            "restart-pair",
            "resize-pair",
            "remove-standby");
    private static final long SEED = Long.getLong("tenon.seed", new SplittableRandom().nextLong());

    @TempDir
    Path directory;

    @BeforeEach
    void passable() throws IOException {
        // The members' unprivileged user must pass through what JUnit makes for its owner alone.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "create",
                "stop",
                "start",
                "restart",
                "resize",
                "account",
                "delete",
                "recover",
                "purge",
                "create-pair",
                "add-standby",
                "rebuild-standby",
                "switchover",
                "restart-pair",
                "resize-pair",
                "remove-standby"
            })
    void process_killedAtBoundaries_isTakenOverInOrder(String operation) throws Exception {
        int step = PAIRS.contains(operation) ? EACH_OF_PAIRS : EACH;
        int boundary = new SplittableRandom(SEED).nextInt(step);
        int killed = 0;
        while (run(operation, boundary)) {
            killed++;
            boundary += step;
            assertThat(boundary).as("boundaries of " + operation).isLessThan(MOST);
        }
        assertThat(killed).as("boundaries of " + operation).isPositive();
        System.out.println(operation + ": killed at " + killed + " boundaries, each " + step + ", seed " + SEED);
        tidy();
    }

    /** Leaves nothing running: the members of this test are durable. */
    private void tidy() throws Exception {
        assertThat(run("remove", MOST)).as("killed while removing").isFalse();
    }

    /** Runs one process; returns whether it was killed. */
    private boolean run(String operation, int boundary) throws Exception {
        return MortalProcess.start(directory, operation, boundary).killed();
    }
}
