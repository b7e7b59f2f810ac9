package dev.tenon.core;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The directory of an installation: one that is kept, or a temporary one that goes with the control plane. */
final class Installation implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Installation.class);
    private static final String ROOT = "root";

    private final Path directory;
    private final boolean kept;

    private Installation(Path directory, boolean kept) {
        this.directory = directory;
        this.kept = kept;
    }

    static Installation open(Optional<Path> wanted) {
        try {
            if (wanted.isEmpty()) {
                Path temporary = Files.createTempDirectory("tenon-");
                Files.setPosixFilePermissions(temporary, mode());
                return new Installation(temporary, false);
            }
            Path directory = wanted.get().toAbsolutePath().normalize();
            Files.createDirectories(directory);
            requireOwn(directory);
            Files.setPosixFilePermissions(directory, mode());
            return new Installation(directory, true);
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    "the directory " + wanted.map(Path::toString).orElse("for temporary files") + " cannot be used: "
                            + e,
                    e);
        }
    }

    private static void requireOwn(Path directory) throws IOException {
        Path ourselves = Path.of("/proc/self");
        String owner = Files.getOwner(directory).getName();
        String us = System.getProperty("user.name", "");
        // By number where the system tells it: in a container a user may have no name.
        boolean own = Files.exists(ourselves)
                ? Files.getAttribute(directory, "unix:uid").equals(Files.getAttribute(ourselves, "unix:uid"))
                : owner.equals(us);
        if (!own) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    directory + " belongs to " + owner + ", but this process runs as " + us + "; give it to " + us
                            + " or choose another directory");
        }
    }

    /**
     * Only its owner may look into it. Root's servers run as another user, who must be able to pass through to their data; all that
     * is secret lies in directories of mode 0700 below.
     */
    private static Set<PosixFilePermission> mode() {
        return PosixFilePermissions.fromString(
                ROOT.equals(System.getProperty("user.name")) ? "rwx--x--x" : "rwx------");
    }

    boolean kept() {
        return kept;
    }

    Path directory() {
        return directory;
    }

    Path keys() {
        return directory.resolve("keys");
    }

    Path store() {
        return directory.resolve("store").resolve("tenon.db");
    }

    Path delivery(String id) {
        return directory.resolve("places").resolve(id);
    }

    @Override
    public void close() {
        if (kept) {
            return;
        }
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
                        throws IOException {
                    Files.delete(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException | UncheckedIOException e) {
            log.warn("the temporary directory {} could not be removed", directory, e);
        }
    }
}
