package dev.tenon.engine.postgresql;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The PostgreSQL programs the tests run: 15 as installed, the others from the archives that the build copied to
 * {@code target/postgresql}. Unpacked once per JVM where the unprivileged user can read them, removed when it ends.
 */
final class TestSoftware {
    private static final Path ROOT = root();
    private static final Map<String, Path> HOMES = new ConcurrentHashMap<>();

    private TestSoftware() {}

    /** Returns the versions this machine can run, oldest first. */
    static Stream<String> versions() {
        return Stream.of("14", "15", "16", "17", "18")
                .filter(version -> installed(version) || archive(version) != null);
    }

    static Path home(String version) {
        return HOMES.computeIfAbsent(version, v -> installed(v) ? installation(v) : unpack(v));
    }

    static Path newDirectory(String prefix) {
        try {
            Path directory = Files.createTempDirectory(ROOT, prefix);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path directory) {
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean installed(String version) {
        return Files.isExecutable(installation(version).resolve("bin/initdb"));
    }

    private static Path installation(String version) {
        return Path.of("/usr/lib/postgresql", version);
    }

    private static @Nullable Path archive(String version) {
        Path directory = Path.of("target/postgresql");
        if (!Files.isDirectory(directory)) {
            return null;
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches(".*-" + version + "\\.[0-9.]+\\.jar"))
                    .findFirst()
                    .orElse(null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path unpack(String version) {
        Path home = newDirectory("pg" + version + "-");
        try (ZipFile jar = new ZipFile(Objects.requireNonNull(archive(version)).toFile())) {
            ZipEntry packed = jar.stream()
                    .filter(entry -> entry.getName().endsWith(".txz"))
                    .findFirst()
                    .orElseThrow();
            try (InputStream in = jar.getInputStream(packed);
                    TarArchiveInputStream tar = new TarArchiveInputStream(new XZCompressorInputStream(in))) {
                for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    write(home, entry, tar);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return home;
    }

    private static void write(Path home, TarArchiveEntry entry, InputStream content) throws IOException {
        Path path = home.resolve(entry.getName()).normalize();
        if (!path.startsWith(home)) {
            throw new IOException("the archive leaves its directory");
        }
        if (entry.isDirectory()) {
            Files.createDirectories(path);
        } else if (entry.isSymbolicLink()) {
            Files.createDirectories(Objects.requireNonNull(path.getParent()));
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else {
            Files.createDirectories(Objects.requireNonNull(path.getParent()));
            Files.copy(content, path);
            Files.setPosixFilePermissions(
                    path, PosixFilePermissions.fromString((entry.getMode() & 0100) != 0 ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    private static Path root() {
        try {
            Path root = Files.createTempDirectory("tenon-pg");
            Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(root), "tenon-test-cleanup"));
            return root;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
