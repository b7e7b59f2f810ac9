package dev.tenon.testkit.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.store.PostgresStore;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two control planes, each a JVM of its own, on one PostgreSQL store and one machine with real PostgreSQL instances. */
final class TwoControlPlanesE2E {
    private static final int INSTANCES = 8;
    private static final int SHARDS = InstanceDoc.SHARDS;
    /** On top of what is promised: this machine may have other things to do. */
    private static final Duration SLACK = Duration.ofSeconds(6);

    private Path directory;
    private TestPostgres server;
    private StateStore store;

    @BeforeEach
    void startServer() throws Exception {
        directory = Files.createTempDirectory("tenon-two-control-planes");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        server = TestPostgres.start();
    }

    @AfterEach
    void removeAll() throws Exception {
        if (store != null) {
            store.close();
        }
        server.close();
        stopInstances();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Durable instances outlive their control planes, as they shall. */
    private void stopInstances() throws Exception {
        List<ProcessHandle> running = new ArrayList<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file :
                    files.filter(path -> path.endsWith("postmaster.pid")).toList()) {
                ProcessHandle.of(Long.parseLong(Files.readAllLines(file).get(0).trim()))
                        .ifPresent(running::add);
            }
        }
        running.forEach(ProcessHandle::destroy);
        for (ProcessHandle one : running) {
            one.onExit().get(1, TimeUnit.MINUTES);
        }
    }

    @Test
    void controlPlane_killedInTheMiddle_isTakenOverWithinTheLeaseAndNothingRunsTwice() throws Exception {
        String url = server.newSchema();
        Path home = directory.resolve("installation");
        Path journal = directory.resolve("effects");
        store = PostgresStore.connect(url, TestPostgres.USER, server.password());
        store.open();
        try (ControlPlaneProcess a = ControlPlaneProcess.start("a", home, journal, url, server.password());
                ControlPlaneProcess b = ControlPlaneProcess.start("b", home, journal, url, server.password())) {
            until(
                    "both share the work",
                    Duration.ofMinutes(1),
                    () -> shares().size() == 2 && shares().values().stream().allMatch(shards -> shards == SHARDS / 2));
            a.ask("tenant");
            for (int i = 0; i < INSTANCES; i++) {
                (i % 2 == 0 ? a : b).ask("create db" + i);
            }
            until("some are made and some are not", Duration.ofMinutes(2), () -> done().size() >= 2);

            a.kill();
            Set<String> doneBefore = done();
            Files.writeString(journal, "a " + ControlPlaneProcess.KILLED + " - -\n", StandardOpenOption.APPEND);
            Instant killed = store.now();
            assertThat(doneBefore).hasSizeLessThan(INSTANCES);

            until("one has all the work", Duration.ofMinutes(1), () -> shares().size() == 1);
            Duration takenOver = Duration.between(killed, store.now());
            System.out.printf(
                    "killed with %d of %d operations done; all shards taken over after %d ms (lease %d ms)%n",
                    doneBefore.size(), INSTANCES, takenOver.toMillis(), ControlPlaneProcess.LEASE.toMillis());
            // A lease lasts this long after its last renewal, and the other looks for free ones three times in that
            // while.
            assertThat(takenOver)
                    .isLessThan(ControlPlaneProcess.LEASE
                            .plus(ControlPlaneProcess.LEASE.dividedBy(3))
                            .plus(SLACK));

            until("all are made", Duration.ofMinutes(3), () -> done().size() == INSTANCES);
            for (int i = 0; i < INSTANCES; i++) {
                assertThat(b.ask("query db" + i)).as("db%d answers", i).isEqualTo("42");
            }
            assertNothingRanTwice(b.ask("operations"), doneBefore, Files.readAllLines(journal));
        }
    }

    private static void assertNothingRanTwice(String operations, Set<String> doneBefore, List<String> journal) {
        Set<String> repeated = new HashSet<>();
        for (String operation : operations.split(" ")) {
            String[] parts = operation.split(",");
            assertThat(parts[1]).as(operation).isEqualTo("SUCCEEDED");
            if (Integer.parseInt(parts[2]) > 1) {
                repeated.add(parts[0]);
            }
        }
        assertThat(operations.split(" ")).hasSize(INSTANCES);
        assertThat(repeated)
                .as("steps done before the kill are not begun again")
                .doesNotContainAnyElementsOf(doneBefore);
        // Each of the killed one's two workers was in the middle of one step at most.
        assertThat(repeated).hasSizeLessThanOrEqualTo(2);

        Map<String, String> acting = new HashMap<>();
        Map<String, Integer> completed = new HashMap<>();
        Set<String> interrupted = new HashSet<>();
        boolean killed = false;
        for (String line : journal) {
            String[] words = line.split(" ");
            String subject = words[3];
            switch (words[1]) {
                case ControlPlaneProcess.KILLED -> {
                    killed = true;
                    acting.forEach((member, node) -> {
                        if (node.equals("a")) {
                            interrupted.add(member);
                        }
                    });
                    acting.values().removeIf("a"::equals);
                }
                case "begin" -> {
                    assertThat(killed && words[0].equals("a")).as(line).isFalse();
                    String other = acting.put(subject, words[0]);
                    assertThat(Optional.ofNullable(other).orElse(words[0]))
                            .as("nobody else acts on the member: %s", line)
                            .isEqualTo(words[0]);
                }
                default -> {
                    acting.remove(subject);
                    completed.merge(words[2] + " " + subject, 1, Integer::sum);
                }
            }
        }
        Map<String, Integer> twice = completed.entrySet().stream()
                .filter(effect -> effect.getKey().startsWith("prepare ")
                        || effect.getKey().startsWith("start "))
                .filter(effect -> effect.getValue() > 1)
                .filter(effect -> !interrupted.contains(effect.getKey().split(" ")[1]))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        assertThat(completed).hasSizeGreaterThanOrEqualTo(2 * INSTANCES);
        // The answer of an effect that was done may have died with the process before it was recorded: at most one per
        // worker.
        assertThat(twice).hasSizeLessThanOrEqualTo(2);
    }

    /** Returns how many shards each living control plane has. */
    private Map<String, Integer> shares() {
        Instant now = store.now();
        Map<String, Integer> shares = new HashMap<>();
        for (Lease lease : store.leases("shard-")) {
            if (lease.until().isAfter(now)) {
                shares.merge(lease.holder(), 1, Integer::sum);
            }
        }
        return shares.values().stream().mapToInt(Integer::intValue).sum() == SHARDS ? shares : Map.of();
    }

    private Set<String> done() {
        return new HashSet<>(
                store.list(Query.of("operation").addStates("SUCCEEDED").build()).stream()
                        .map(Document::id)
                        .toList());
    }

    private static void until(String what, Duration longest, BooleanSupplier condition) {
        long end = System.nanoTime() + longest.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + longest + ": " + what);
            }
            LockSupport.parkNanos(20_000_000);
        }
    }
}
