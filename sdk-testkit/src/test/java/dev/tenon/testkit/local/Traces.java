package dev.tenon.testkit.local;

import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a member leaves on this machine, found by looking at the machine and not at the delivery. */
final class Traces {
    private static final List<Path> PLACES = List.of(
            Path.of("/run/tenon"),
            Path.of("/var/lib/tenon"),
            Path.of("/var/cache/tenon/ephemeral"),
            Path.of("/var/cache/tenon/ports"),
            Path.of(System.getProperty("user.home"), ".cache/tenon/ephemeral"),
            Path.of(System.getProperty("user.home"), ".cache/tenon/ports"),
            Path.of("/sys/fs/cgroup"));

    private Traces() {}

    /** Returns processes whose arguments name the member. */
    static List<String> processes(MemberRef ref) {
        return pids(ref).stream().map(p -> "process " + p.getFileName()).toList();
    }

    /** Returns the process whose parent is not one of the member's own. */
    static ProcessHandle mainProcess(MemberRef ref) {
        List<ProcessHandle> all = pids(ref).stream()
                .map(p -> ProcessHandle.of(Long.parseLong(p.getFileName().toString()))
                        .orElseThrow())
                .toList();
        return all.stream()
                .filter(p -> p.parent().filter(all::contains).isEmpty())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no process of " + ref));
    }

    /** Returns arguments and environment of the member's processes. */
    static List<String> publicTexts(MemberRef ref) {
        List<String> texts = new ArrayList<>();
        for (Path pid : pids(ref)) {
            texts.add(read(pid.resolve("cmdline")));
            texts.add(read(pid.resolve("environ")));
        }
        return texts;
    }

    private static List<Path> pids(MemberRef ref) {
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            // The server's children rename themselves, so that only its main process shows where its data lies.
            return all.filter(p -> p.getFileName().toString().matches("\\d+"))
                    .filter(p -> read(p.resolve("cmdline")).contains(ref.externalName() + "/"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** Returns files, directories and control groups that carry the member's name, and port claims that name it. */
    static List<String> files(MemberRef ref, Path directory) {
        List<String> found = new ArrayList<>();
        Stream.concat(PLACES.stream(), Stream.of(directory))
                .filter(Files::isDirectory)
                .forEach(place -> {
                    try {
                        Files.walkFileTree(place, new SimpleFileVisitor<>() {
                            @Override
                            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes a) {
                                if (dir.getFileName().toString().equals("trash")) {
                                    // Destroyed, no longer the member's, and removed late on purpose.
                                    return FileVisitResult.SKIP_SUBTREE;
                                }
                                if (dir.getFileName().toString().endsWith(ref.externalName())) {
                                    found.add(dir.toString());
                                }
                                return FileVisitResult.CONTINUE;
                            }

                            @Override
                            public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
                                Path parent = file.getParent();
                                if (parent != null
                                        && parent.endsWith("ports")
                                        && read(file).contains("/" + ref.externalName() + "\n")) {
                                    found.add("claim " + file);
                                }
                                return FileVisitResult.CONTINUE;
                            }

                            @Override
                            public FileVisitResult visitFileFailed(Path file, IOException e) {
                                return FileVisitResult.CONTINUE;
                            }
                        });
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        return found;
    }
}
