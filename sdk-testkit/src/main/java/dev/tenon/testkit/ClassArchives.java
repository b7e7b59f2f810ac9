package dev.tenon.testkit;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Archives of the classes that the process which looks after the servers loads, so that it starts in half the time. The JVM writes one
 * when it ends in order, checks it against the class path when it starts from it, and goes without one that does not fit or was
 * not finished.
 *
 * @see <a href="https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html">Class data sharing</a>
 */
final class ClassArchives {
    /** Each is one class path of some project; the oldest go. */
    private static final int MOST = 4;
    /** From here on the JVM itself decides when to write the archive anew. */
    private static final int BY_ITSELF = 19;

    private static final String SUFFIX = ".jsa";

    private final Path directory;

    ClassArchives(Path cache) {
        this.directory = cache.resolve("classes");
    }

    /** Returns what the JVM is to be told; nothing where directories are among the class path, of which there can be no archive. */
    List<String> options(List<String> classPath) throws IOException {
        if (classPath.stream().anyMatch(entry -> Files.isDirectory(Path.of(entry)))) {
            return List.of();
        }
        TemplateKey key =
                new TemplateKey().add(System.getProperty("java.home")).add(System.getProperty("java.vm.version"));
        for (String entry : classPath) {
            Path jar = Path.of(entry);
            key.add(entry).add(Files.exists(jar) ? Files.size(jar) + "/" + Files.getLastModifiedTime(jar) : "");
        }
        Files.createDirectories(directory);
        Path archive = directory.resolve(key.text() + SUFFIX);
        removeOld(archive);
        String file = DaemonStarter.quoted(archive.toString());
        if (Runtime.version().feature() >= BY_ITSELF) {
            return List.of(
                    "-XX:+IgnoreUnrecognizedVMOptions",
                    "-XX:+AutoCreateSharedArchive",
                    "-XX:SharedArchiveFile=" + file);
        }
        String option = finished(archive) ? "-XX:SharedArchiveFile=" : "-XX:ArchiveClassesAtExit=";
        return List.of("-XX:+IgnoreUnrecognizedVMOptions", option + file);
    }

    /** The JVM writes the first bytes last. */
    private static boolean finished(Path archive) throws IOException {
        if (Files.notExists(archive)) {
            return false;
        }
        try (DataInputStream in = new DataInputStream(Files.newInputStream(archive))) {
            if (in.available() >= Integer.BYTES && in.readInt() != 0) {
                return true;
            }
        }
        Files.delete(archive);
        return false;
    }

    private void removeOld(Path wanted) throws IOException {
        List<Path> others = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : all) {
                if (!file.equals(wanted)) {
                    others.add(file);
                }
            }
        }
        others.sort(Comparator.comparing(file -> file.toFile().lastModified()));
        for (Path old : others.subList(0, Math.max(0, others.size() - MOST + 1))) {
            Files.deleteIfExists(old);
        }
    }
}
