package dev.tenon.testkit.sim;

import dev.tenon.api.Resources;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.MemberRef;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One member of a simulated place. Guarded by itself. */
final class SimulatedMember {
    /** A file as it was rendered. */
    record StoredFile(String content, boolean secret, FileSpec.OnChange onChange) {}

    final MemberRef ref;
    long epoch;
    boolean gone;
    boolean prepared;
    boolean running;
    boolean ready;
    boolean fenced;
    boolean ephemeral;
    boolean unreachable;
    boolean silent;
    boolean busy;

    /** Driver instance that made it; only it ends an ephemeral member. */
    @Nullable
    Object madeBy;

    @Nullable
    Location location;

    @Nullable
    Resources resources;

    Map<String, Integer> ports = Map.of();
    Set<String> directories = Set.of();
    String adminPort = "";

    /** What is written, by {@code directory/path}. */
    Map<String, StoredFile> files = Map.of();

    /** What the processes have read. */
    Map<String, StoredFile> loaded = Map.of();

    @Nullable
    SimulatedData data;

    @Nullable
    Instant startedAt;

    long incarnation;

    @Nullable
    String reason;

    SimulatedMember(MemberRef ref) {
        this.ref = ref;
    }

    boolean restartPending() {
        return running
                && files.entrySet().stream()
                        .anyMatch(f -> f.getValue().onChange() == FileSpec.OnChange.RESTART
                                && !f.getValue().equals(loaded.get(f.getKey())));
    }

    void load() {
        loaded = files;
    }

    /** What a reload makes the processes see. */
    void reload() {
        Map<String, StoredFile> next = new TreeMap<>(loaded);
        files.forEach((name, file) -> {
            if (file.onChange() != FileSpec.OnChange.RESTART) {
                next.put(name, file);
            }
        });
        loaded = Map.copyOf(next);
    }

    void processesGone(@Nullable String why) {
        running = false;
        ready = false;
        silent = false;
        busy = false;
        startedAt = null;
        reason = why;
        if (data != null) {
            data.endSessions();
        }
    }
}
