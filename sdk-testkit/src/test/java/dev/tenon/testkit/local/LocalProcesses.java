package dev.tenon.testkit.local;

import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What this machine has of members, found without any driver. */
final class LocalProcesses {
    /** A process of a member, as others on this machine see it. */
    record Seen(long pid, long parent, String arguments, String environment) {}

    private LocalProcesses() {}

    /** Lets the unprivileged user that members run as pass through directories that JUnit makes for their owner alone. */
    static void passable(Path... directories) {
        for (Path directory : directories) {
            try {
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Returns the processes whose arguments or working directory name the text. */
    static List<Seen> naming(String text) {
        List<Seen> found = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            for (Path process : all.filter(p -> p.getFileName().toString().matches("[0-9]+"))
                    .toList()) {
                String arguments = read(process.resolve("cmdline"));
                if ((arguments + " " + link(process.resolve("cwd"))).contains(text)) {
                    String[] stat = read(process.resolve("stat"))
                            .replaceFirst("^.*\\) ", "")
                            .split(" ", -1);
                    if (stat.length > 2 && !stat[0].equals("Z")) {
                        found.add(new Seen(
                                Long.parseLong(process.getFileName().toString()),
                                Long.parseLong(stat[1]),
                                arguments,
                                read(process.resolve("environ"))));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    /** Returns the main processes among those that name a text: whose parent does not. */
    static List<Seen> mainOf(String text) {
        List<Seen> all = naming(text);
        List<Long> pids = all.stream().map(Seen::pid).toList();
        return all.stream().filter(p -> !pids.contains(p.parent())).toList();
    }

    /** Returns processes and paths that are left of a member. */
    static List<String> residue(MemberRef ref, Path... roots) {
        List<String> left = new ArrayList<>();
        naming(ref.externalName()).forEach(p -> left.add("process " + p.pid() + " " + p.arguments()));
        for (Path root : roots) {
            if (Files.exists(root)) {
                try (Stream<Path> all = Files.walk(root, 5)) {
                    all.filter(p -> p.getFileName()
                                    .toString()
                                    .contains(ref.instance().value()))
                            .forEach(p -> left.add("path " + p));
                } catch (IOException | UncheckedIOException e) {
                    left.add("unreadable " + root + ": " + e.getMessage());
                }
            }
        }
        return left;
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).replace('\0', ' ');
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            // A process that ends while it is read answers with ESRCH.
            return "";
        }
    }

    private static String link(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException e) {
            return "";
        }
    }
}
