package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a host said of itself.
 *
 * @param system name and version of its operating system
 * @param kernel its kernel
 * @param architecture as the kernel names it: {@code x86_64}, {@code aarch64}, {@code loongarch64}
 * @param cores processors online
 * @param memory in all
 * @param disk the file system that members lie on
 * @param systemd whether systemd runs there
 * @param units whether members run there as units of systemd, which limit their processors and memory; else they are plain processes
 * @param clockOffset how far its clock is ahead of ours; exact to about the time of one exchange
 * @param bootId changes with every start of the machine
 * @param installed databases that its own packages brought
 * @param missing programs that members need and it lacks
 */
public record HostFacts(
        String system,
        String kernel,
        String architecture,
        int cores,
        DataSize memory,
        Disk disk,
        boolean systemd,
        boolean units,
        Duration clockOffset,
        String bootId,
        List<Installed> installed,
        List<String> missing) {
    private static final List<String> ARCHITECTURES = List.of("x86_64", "aarch64", "loongarch64");
    private static final DataSize LEAST_MEMORY = DataSize.mib(256);

    /**
     * A file system.
     *
     * @param type such as {@code ext4}
     * @param size in all
     * @param free for new data
     * @param mount where it is mounted
     */
    public record Disk(String type, DataSize size, DataSize free, String mount) {}

    /**
     * A database that the distribution installed.
     *
     * @param home its directory
     * @param version what its server printed
     */
    public record Installed(String home, String version) {}

    /** Copies the lists. */
    public HostFacts {
        installed = List.copyOf(installed);
        missing = List.copyOf(missing);
    }

    /** Returns what makes the host unfit, for people; empty if it can carry members. */
    List<String> lacks() {
        List<String> lacks = new ArrayList<>();
        if (!ARCHITECTURES.contains(architecture)) {
            lacks.add("a known architecture (it is " + architecture + "; expected one of " + ARCHITECTURES + ")");
        }
        if (cores < 1) {
            lacks.add("processors (it counts " + cores + ")");
        }
        if (memory.compareTo(LEAST_MEMORY) < 0) {
            lacks.add("memory (it has " + memory + "; expected " + LEAST_MEMORY + " or more)");
        }
        missing.forEach(program -> lacks.add("the program " + program));
        return lacks;
    }

    /**
     * Reads what the host printed.
     *
     * @param asked our clock when it was asked, in milliseconds
     * @param answered our clock when the answer came
     */
    static HostFacts parse(String printed, long asked, long answered) {
        String system = "unknown";
        String kernel = "unknown";
        String architecture = "unknown";
        String boot = "";
        int cores = 0;
        long memory = 0;
        boolean systemd = false;
        boolean units = false;
        Duration offset = Duration.ZERO;
        Optional<Disk> disk = Optional.empty();
        List<Installed> installed = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (String line : printed.split("\n")) {
            int blank = line.indexOf(' ');
            String value = line.substring(blank + 1);
            switch (blank < 0 ? "" : line.substring(0, blank)) {
                case "os" -> system = value;
                case "kernel" -> kernel = value;
                case "arch" -> architecture = value;
                case "boot" -> boot = value;
                case "cores" -> cores = Integer.parseInt(value);
                case "memory" -> memory = Long.parseLong(value) * 1024;
                case "systemd" -> systemd = value.equals("yes");
                case "units" -> units = value.equals("yes");
                case "clock" -> offset = Duration.ofMillis(Long.parseLong(value) - (asked + answered) / 2);
                case "lacks" -> missing.add(value);
                case "disk" -> {
                    String[] f = value.split(" ", 4);
                    disk = Optional.of(new Disk(
                            f[0],
                            DataSize.bytes(Long.parseLong(f[1]) * 1024),
                            DataSize.bytes(Long.parseLong(f[2]) * 1024),
                            f[3]));
                }
                case "package" -> {
                    String[] f = value.split(" ", 2);
                    installed.add(new Installed(f[0], f[1]));
                }
                default -> {
                    // A newer script may say more.
                }
            }
        }
        return new HostFacts(
                system,
                kernel,
                architecture,
                cores,
                DataSize.bytes(memory),
                disk.orElse(new Disk("unknown", DataSize.bytes(0), DataSize.bytes(0), "")),
                systemd,
                units,
                offset,
                boot,
                installed,
                missing);
    }
}
