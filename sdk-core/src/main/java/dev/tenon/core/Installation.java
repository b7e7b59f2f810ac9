package dev.tenon.core;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
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

    /** Held by who made a temporary directory, for as long as its process lives; the rest of its name is the process. */
    private static final String LOCK = "lock-";

    private final Path directory;
    private final Optional<FileChannel> lock;

    private Installation(Path directory, Optional<FileChannel> lock) {
        this.directory = directory;
        this.lock = lock;
    }

    static Installation open(Optional<Path> wanted) {
        try {
            if (wanted.isEmpty()) {
                return temporary(Path.of(System.getProperty("java.io.tmpdir")));
            }
            Path directory = wanted.get().toAbsolutePath().normalize();
            Files.createDirectories(directory);
            requireOwn(directory);
            Files.setPosixFilePermissions(directory, mode());
            return new Installation(directory, Optional.empty());
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    "the directory " + wanted.map(Path::toString).orElse("for temporary files") + " cannot be used: "
                            + e,
                    e);
        }
    }

    /** Makes a temporary directory, and removes those of processes that were killed. */
    static Installation temporary(Path below) throws IOException {
        removeLeftovers(below);
        while (true) {
            Path directory = Files.createTempDirectory(below, "tenon-");
            Files.setPosixFilePermissions(directory, mode());
            Path file = directory.resolve(LOCK + ProcessHandle.current().pid());
            FileChannel lock = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            lock.lock();
            // Somebody who looked for leftovers may have been quicker than the lock.
            if (Files.exists(file)) {
                return new Installation(directory, Optional.of(lock));
            }
            lock.close();
        }
    }

    private static void removeLeftovers(Path below) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(below, "tenon-*")) {
            for (Path directory : all) {
                if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && own(directory)) {
                    removeLeftover(directory);
                }
            }
        }
    }

    private static void removeLeftover(Path directory) {
        try (DirectoryStream<Path> locks = Files.newDirectoryStream(directory, LOCK + "*")) {
            for (Path file : locks) {
                // Closing a file that this very process has locked elsewhere would give that lock up.
                if (!file.endsWith(LOCK + ProcessHandle.current().pid())) {
                    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        if (channel.tryLock() != null) {
                            remove(directory);
                        }
                    }
                }
            }
        } catch (IOException e) {
            // Another process was quicker.
            log.debug("{} is left alone: {}", directory, e.toString());
        }
    }

    private static void requireOwn(Path directory) throws IOException {
        if (!own(directory)) {
            String us = System.getProperty("user.name", "");
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    directory + " belongs to " + Files.getOwner(directory).getName() + ", but this process runs as "
                            + us + "; give it to " + us + " or choose another directory");
        }
    }

    private static boolean own(Path directory) throws IOException {
        Path ourselves = Path.of("/proc/self");
        // By number where the system tells it: in a container a user may have no name.
        return Files.exists(ourselves)
                ? Files.getAttribute(directory, "unix:uid").equals(Files.getAttribute(ourselves, "unix:uid"))
                : Files.getOwner(directory).getName().equals(System.getProperty("user.name", ""));
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
        return lock.isEmpty();
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
        if (lock.isEmpty()) {
            return;
        }
        try {
            remove(directory);
            lock.get().close();
        } catch (IOException e) {
            log.warn("the temporary directory {} could not be removed", directory, e);
        }
    }

    private static void remove(Path directory) throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
