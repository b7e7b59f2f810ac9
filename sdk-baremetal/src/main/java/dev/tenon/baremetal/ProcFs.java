package dev.tenon.baremetal;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads Linux's process file system. */
final class ProcFs {
    /** Fixed by the kernel's interface to programs on every architecture that Java runs on. */
    private static final long TICKS_PER_SECOND = 100;

    /** How an IPv4 address looks in {@code net/tcp6}: servers that speak both families listen there. */
    private static final String MAPPED = "0000000000000000FFFF0000";

    private final Path proc;
    private final String bootId;

    ProcFs(Path proc) {
        this.proc = proc;
        this.bootId = readBootId(proc);
    }

    /** What {@code /proc/pid/stat} says. Times are in clock ticks, {@code started} since boot. */
    record Stat(long pid, char state, long parent, long cpuTicks, long started, long residentPages) {
        /** Reads the line; the program's name in it may hold blanks and brackets. */
        static Optional<Stat> parse(String line) {
            int open = line.indexOf('(');
            int close = line.lastIndexOf(')');
            if (open < 1 || close < open) {
                return Optional.empty();
            }
            String[] rest = line.substring(close + 1).trim().split(" ");
            if (rest.length < 22) {
                return Optional.empty();
            }
            try {
                return Optional.of(new Stat(
                        Long.parseLong(line.substring(0, open).trim()),
                        rest[0].charAt(0),
                        Long.parseLong(rest[1]),
                        Long.parseLong(rest[11]) + Long.parseLong(rest[12]),
                        Long.parseLong(rest[19]),
                        Long.parseLong(rest[21])));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        }

        /** Whether it has ended and only waits for its parent to notice. */
        boolean zombie() {
            return state == 'Z' || state == 'X';
        }
    }

    /** Who listens: the socket's inode leads to the process. */
    record Listener(int port, boolean wildcard, String addressHex, long inode) {}

    /** Returns what identifies this run of the kernel, or an empty text where it cannot tell. */
    String bootId() {
        return bootId;
    }

    Optional<Stat> stat(long pid) {
        try {
            return Stat.parse(
                    Files.readString(proc.resolve(Long.toString(pid)).resolve("stat"), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            // Gone: that is the answer, not a failure.
            return Optional.empty();
        }
    }

    /** Returns whether the process that was started at that tick still runs; a later one with its number is another. */
    boolean runs(long pid, long startedTick) {
        return stat(pid).filter(s -> s.started() == startedTick && !s.zombie()).isPresent();
    }

    /** Returns processor time of ticks. */
    static Duration ticks(long count) {
        return Duration.ofMillis(count * 1000 / TICKS_PER_SECOND);
    }

    /** Returns the process and all below it. */
    List<Stat> tree(long root) {
        Map<Long, List<Stat>> children = new HashMap<>();
        Optional<Stat> top = Optional.empty();
        for (Stat stat : all()) {
            if (stat.pid() == root) {
                top = Optional.of(stat);
            }
            children.computeIfAbsent(stat.parent(), p -> new ArrayList<>()).add(stat);
        }
        List<Stat> found = new ArrayList<>();
        top.ifPresent(found::add);
        for (int i = 0; i < found.size(); i++) {
            found.addAll(children.getOrDefault(found.get(i).pid(), List.of()));
        }
        return found;
    }

    private List<Stat> all() {
        List<Stat> all = new ArrayList<>();
        try (DirectoryStream<Path> pids = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path pid : pids) {
                stat(Long.parseLong(pid.getFileName().toString())).ifPresent(all::add);
            }
        } catch (IOException e) {
            throw Failures.io("listing " + proc, e);
        }
        return all;
    }

    /** Returns the machine's memory in bytes. */
    Optional<Long> totalMemory() {
        return memory("MemTotal:");
    }

    /** Returns how much of it programs can still take, in bytes. */
    Optional<Long> availableMemory() {
        return memory("MemAvailable:");
    }

    private Optional<Long> memory(String key) {
        try {
            for (String line : Files.readAllLines(proc.resolve("meminfo"))) {
                if (line.startsWith(key)) {
                    return Optional.of(Long.parseLong(line.replaceAll("\\D", "")) << 10);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Returns the proportional memory of a process in bytes, where the kernel lets us see it. */
    Optional<Long> proportionalMemory(long pid) {
        try {
            for (String line :
                    Files.readAllLines(proc.resolve(Long.toString(pid)).resolve("smaps_rollup"))) {
                if (line.startsWith("Pss:")) {
                    return Optional.of(Long.parseLong(line.replaceAll("\\D", "")) << 10);
                }
            }
        } catch (IOException e) {
            // Not ours to see, or gone; the caller falls back to the resident pages.
            return Optional.empty();
        }
        return Optional.empty();
    }

    /** Returns everybody who listens on TCP. */
    List<Listener> listeners() {
        List<Listener> found = new ArrayList<>();
        for (String table : List.of("net/tcp", "net/tcp6")) {
            try {
                for (String line : Files.readAllLines(proc.resolve(table), StandardCharsets.ISO_8859_1)) {
                    parseListener(line).ifPresent(found::add);
                }
            } catch (IOException e) {
                // A kernel without IPv6 has no tcp6; without tcp we simply know nobody.
                continue;
            }
        }
        return found;
    }

    static Optional<Listener> parseListener(String line) {
        String[] f = line.trim().split("\\s+");
        if (f.length < 10 || !f[3].equals("0A")) {
            return Optional.empty();
        }
        int colon = f[1].indexOf(':');
        String address = f[1].substring(0, colon);
        return Optional.of(new Listener(
                Integer.parseInt(f[1].substring(colon + 1), 16),
                address.chars().allMatch(c -> c == '0'),
                address,
                Long.parseLong(f[9])));
    }

    /** Returns who listens on a port in a way that keeps {@code address} from doing so. */
    Optional<Listener> conflict(String address, int port) {
        String wanted = hex(address);
        return listeners().stream()
                .filter(l -> l.port() == port)
                .filter(l -> l.wildcard()
                        || wanted.isEmpty()
                        || l.addressHex().equals(wanted)
                        || l.addressHex().equals(MAPPED + wanted))
                .findFirst();
    }

    /** Returns the form of an IPv4 address in {@code net/tcp}; empty for the wildcard and for what is not IPv4. */
    static String hex(String address) {
        if (!address.matches("[0-9.]+") || address.equals("0.0.0.0")) {
            return "";
        }
        try {
            byte[] b = InetAddress.getByName(address).getAddress();
            return String.format("%02X%02X%02X%02X", b[3], b[2], b[1], b[0]);
        } catch (java.net.UnknownHostException e) {
            return "";
        }
    }

    /** Returns number and name of the process that holds a socket, as far as we may look. */
    Optional<String> holder(long inode) {
        String wanted = "socket:[" + inode + "]";
        try (DirectoryStream<Path> pids = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path pid : pids) {
                if (holds(pid.resolve("fd"), wanted)) {
                    String name = Files.readString(pid.resolve("comm")).trim();
                    return Optional.of("process " + pid.getFileName() + " (" + name + ")");
                }
            }
        } catch (IOException e) {
            // It ended while we looked, or is not ours to see: the port's number alone must do.
            return Optional.empty();
        }
        return Optional.empty();
    }

    private static boolean holds(Path descriptors, String socket) {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(descriptors)) {
            for (Path fd : all) {
                if (Files.readSymbolicLink(fd).toString().equals(socket)) {
                    return true;
                }
            }
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            // Another user's process, or one that ended: not the one we can name.
            return false;
        }
        return false;
    }

    private static String readBootId(Path proc) {
        try {
            return Files.readString(proc.resolve("sys/kernel/random/boot_id")).trim();
        } catch (IOException e) {
            return "";
        }
    }
}
