package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a real process that runs a control plane at the boundaries of an automatic fail-over, while sessions open to every member
 * write on. Whatever the next control plane finds half done, nothing that was acknowledged is missing, no two members acknowledged
 * at once, and all three are back.
 */
final class KilledFailoverIT {
    private static final LongSupplier NANOS = System::nanoTime;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Beyond all of them. */
    private static final int MOST = 1_000;
    /** Odd, so that both ways to lose a primary are met. {@code -Dtenon.boundaries=1} takes them all, in some minutes. */
    private static final int EACH = Integer.getInteger("tenon.boundaries", 17);

    private static final long SEED = Long.getLong("tenon.seed", new SplittableRandom().nextLong());

    @TempDir
    Path directory;

    @BeforeEach
    void passable() throws IOException {
        // The members' unprivileged user must pass through what JUnit makes for its owner alone.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @Test
    void process_killedAtBoundaries_isTakenOverAndNothingIsLost() throws Exception {
        int killed = 0;
        boolean more = true;
        for (int boundary = new SplittableRandom(SEED).nextInt(EACH); more; boundary += EACH) {
            assertThat(boundary).as("boundaries of a fail-over").isLessThan(MOST);
            more = killed(boundary);
            killed += more ? 1 : 0;
        }
        System.out.println("fail-over: killed at " + killed + " boundaries, each " + EACH + ", seed " + SEED);
        assertThat(killed).as("boundaries of a fail-over").isPositive();
        assertThat(MortalProcess.start(directory, "remove", MOST).killed()).isFalse();
    }

    private boolean killed(int boundary) throws Exception {
        Files.deleteIfExists(directory.resolve(MortalControlPlane.CLIENTS));
        MortalProcess process = MortalProcess.start(directory, "failover", boundary);
        try (NodeWriters writers = new NodeWriters(NodeWriters.Target.read(clients(process)))) {
            boolean killed = process.killed();
            MortalProcess next = MortalProcess.start(directory, "after-failover", MOST);
            assertThat(next.killed()).isFalse();
            try {
                writers.awaitMore(20);
                writers.awaitNothingLost(PATIENCE);
                writers.assertNoOverlap();
            } catch (AssertionError e) {
                throw new AssertionError("boundary " + boundary + ": " + process.said() + next.said(), e);
            }
            return killed;
        }
    }

    private Path clients(MortalProcess process) throws IOException, InterruptedException {
        Path clients = directory.resolve(MortalControlPlane.CLIENTS);
        long end = NANOS.getAsLong() + PATIENCE.toNanos();
        CountDownLatch pause = new CountDownLatch(1);
        while (!Files.exists(clients)) {
            assertThat(process.alive() && NANOS.getAsLong() < end)
                    .as("a cluster is made: %s", process.said())
                    .isTrue();
            pause.await(20, TimeUnit.MILLISECONDS);
        }
        return clients;
    }
}
