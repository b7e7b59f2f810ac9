package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processor and memory limits by control groups, version 2 or 1, where this process may make them. What works is found out by
 * making one, not by guessing.
 */
final class Cgroups {
    private static final Logger log = LoggerFactory.getLogger(Cgroups.class);
    private static final long PERIOD_MICROS = 100_000;

    private final Optional<Controller> cpu;
    private final Optional<Controller> memory;

    /** Where one resource is limited. */
    record Controller(Path parent, boolean v2) {}

    private Cgroups(Optional<Controller> cpu, Optional<Controller> memory) {
        this.cpu = cpu;
        this.memory = memory;
    }

    static Cgroups none() {
        return new Cgroups(Optional.empty(), Optional.empty());
    }

    /**
     * Finds out what works.
     *
     * @param root where control groups are mounted
     * @param self the text of {@code /proc/self/cgroup}
     * @param name of the directory that holds the groups of all members
     */
    static Cgroups detect(Path root, String self, String name) {
        Map<String, String> own = new HashMap<>();
        for (String line : self.split("\n")) {
            String[] f = line.split(":", 3);
            if (f.length == 3) {
                for (String controller : f[1].split(",")) {
                    own.put(controller, f[2]);
                }
            }
        }
        return new Cgroups(find(root, own, "cpu", name), find(root, own, "memory", name));
    }

    private static Optional<Controller> find(Path root, Map<String, String> own, String controller, String name) {
        List<Controller> candidates = new ArrayList<>();
        if (own.containsKey(controller)) {
            candidates.add(new Controller(
                    below(root.resolve(controller), own.get(controller)).resolve(name), false));
        } else if (own.containsKey("")) {
            for (Path mount : List.of(root, root.resolve("unified"))) {
                Path here = below(mount, own.get(""));
                candidates.add(new Controller(here.resolve(name), true));
                Path above = here.getParent();
                if (!here.equals(mount) && above != null) {
                    // A group that holds processes, as ours does, cannot share out its resources; the one above it may.
                    candidates.add(new Controller(above.resolve(name), true));
                }
            }
        }
        return candidates.stream().filter(c -> works(c, controller)).findFirst();
    }

    private static Path below(Path mount, String path) {
        return path.equals("/") ? mount : mount.resolve(path.substring(1));
    }

    private static boolean works(Controller c, String controller) {
        Path probe = c.parent().resolve("probe-" + ProcessHandle.current().pid());
        try {
            if (!Files.isDirectory(Objects.requireNonNull(c.parent().getParent()))) {
                return false;
            }
            if (!Files.isDirectory(c.parent())) {
                Files.createDirectory(c.parent());
            }
            if (c.v2()) {
                Files.writeString(c.parent().resolve("cgroup.subtree_control"), "+" + controller);
            }
            Files.createDirectory(probe);
            if (controller.equals("cpu")) {
                limitCpu(c, probe, 1000);
            } else {
                limitMemory(c, probe, 64L << 20);
            }
            return true;
        } catch (IOException e) {
            log.debug("No {} limits below {}: {}", controller, c.parent(), e.toString());
            return false;
        } finally {
            removeIfEmpty(probe);
            removeIfEmpty(c.parent());
        }
    }

    /**
     * Returns how many bytes this process and its neighbours may still take before one of the groups above them is full; a very
     * large number where none is limited.
     *
     * @param root where control groups are mounted
     * @param self the text of {@code /proc/self/cgroup}
     */
    static long headroom(Path root, String self) throws IOException {
        long least = Long.MAX_VALUE;
        for (String line : self.split("\n")) {
            String[] f = line.split(":", 3);
            if (f.length == 3 && (f[1].isEmpty() || List.of(f[1].split(",")).contains("memory"))) {
                boolean v2 = f[1].isEmpty();
                Path mount = v2 ? root : root.resolve("memory");
                // In a container the path may be the host's; then the mount itself is our group.
                for (Path group = below(mount, f[2]);
                        group != null && group.startsWith(mount);
                        group = group.getParent()) {
                    least = Math.min(least, headroom(group, v2));
                }
            }
        }
        return least;
    }

    private static long headroom(Path group, boolean v2) throws IOException {
        Optional<Long> limit = number(group.resolve(v2 ? "memory.max" : "memory.limit_in_bytes"));
        Optional<Long> used = number(group.resolve(v2 ? "memory.current" : "memory.usage_in_bytes"));
        if (limit.isEmpty() || used.isEmpty()) {
            return Long.MAX_VALUE;
        }
        // Files that were read once and can be read again.
        String cached = (v2 ? "" : "total_") + "inactive_file ";
        long reclaimable = Files.readAllLines(group.resolve("memory.stat")).stream()
                .filter(line -> line.startsWith(cached))
                .mapToLong(line -> Long.parseLong(line.substring(cached.length())))
                .findFirst()
                .orElse(0);
        return limit.get() - used.get() + reclaimable;
    }

    /** Empty where there is no such file, and where it says {@code max}. */
    private static Optional<Long> number(Path file) throws IOException {
        try {
            String text = Files.readString(file).strip();
            return text.equals("max") ? Optional.empty() : Optional.of(Long.parseLong(text));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    boolean limitsCpu() {
        return cpu.isPresent();
    }

    boolean limitsMemory() {
        return memory.isPresent();
    }

    /** Returns the directories of the member's groups, made or not. */
    List<String> directories(String member) {
        return Stream.of(cpu, memory)
                .flatMap(Optional::stream)
                .map(c -> c.parent().resolve(member).toString())
                .distinct()
                .toList();
    }

    /**
     * Returns the file to which a process of one thread writes {@code 0} to come under a group's limits. Where threads can be moved
     * one by one, that is tried first: moving whole processes makes the kernel wait until every processor has taken notice, 8 to
     * 25 ms.
     */
    static String joinFile(String group) {
        Path tasks = Path.of(group, "tasks");
        return Files.exists(tasks) ? tasks.toString() : group + "/cgroup.procs";
    }

    /** Makes the member's groups or changes their limits. */
    void limit(String member, int cpuMillis, long memoryBytes) throws IOException {
        if (cpu.isPresent()) {
            Path group = group(cpu.get(), "cpu", member);
            limitCpu(cpu.get(), group, cpuMillis);
        }
        if (memory.isPresent()) {
            Path group = group(memory.get(), "memory", member);
            limitMemory(memory.get(), group, memoryBytes);
        }
    }

    private static Path group(Controller c, String controller, String member) throws IOException {
        Path group = c.parent().resolve(member);
        if (!Files.isDirectory(group)) {
            // The parent goes when its last member goes; another thread may be doing that right now.
            for (int i = 0; ; i++) {
                try {
                    Disk.makeDirectories(group, 0755);
                    break;
                } catch (NoSuchFileException e) {
                    if (i == 3) {
                        throw e;
                    }
                }
            }
        }
        if (c.v2()) {
            Files.writeString(c.parent().resolve("cgroup.subtree_control"), "+" + controller);
        }
        return group;
    }

    private static void limitCpu(Controller c, Path group, int cpuMillis) throws IOException {
        long quota = cpuMillis * PERIOD_MICROS / 1000;
        if (c.v2()) {
            Files.writeString(group.resolve("cpu.max"), quota + " " + PERIOD_MICROS);
        } else {
            Files.writeString(group.resolve("cpu.cfs_period_us"), Long.toString(PERIOD_MICROS));
            Files.writeString(group.resolve("cpu.cfs_quota_us"), Long.toString(quota));
        }
    }

    private static void limitMemory(Controller c, Path group, long bytes) throws IOException {
        Files.writeString(group.resolve(c.v2() ? "memory.max" : "memory.limit_in_bytes"), Long.toString(bytes));
    }

    /** Returns the numbers of the processes in a group. */
    static List<Long> processes(Path group) throws IOException {
        try {
            return Files.readAllLines(group.resolve("cgroup.procs")).stream()
                    .map(Long::parseLong)
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** Removes a group if nothing is in it any more; returns whether it is gone. */
    static boolean removeIfEmpty(Path group) {
        try {
            Files.deleteIfExists(group);
            return true;
        } catch (IOException e) {
            // Busy: a process in it has not been reaped yet, or another member is there.
            return false;
        }
    }

    /** Removes groups that nobody needs and nothing runs in, and the directory above once nothing is left. */
    void sweep(java.util.function.Predicate<String> unneeded) {
        for (Controller c :
                List.of(cpu, memory).stream().flatMap(Optional::stream).toList()) {
            if (Files.isDirectory(c.parent())) {
                try (DirectoryStream<Path> groups = Files.newDirectoryStream(c.parent(), Files::isDirectory)) {
                    for (Path group : groups) {
                        if (unneeded.test(group.getFileName().toString())) {
                            removeIfEmpty(group);
                        }
                    }
                } catch (IOException e) {
                    log.warn("Cannot look for left-over control groups in {}: {}", c.parent(), e.toString());
                }
                removeIfEmpty(c.parent());
            }
        }
    }
}
