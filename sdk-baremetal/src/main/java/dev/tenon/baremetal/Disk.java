package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** File operations that are atomic, private or thorough where {@link Files} is not. */
final class Disk {
    private static final PosixFilePermission[] BITS = PosixFilePermission.values();

    private static final AtomicLong COUNTER = new AtomicLong();

    private Disk() {}

    static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        for (int i = 0; i < BITS.length; i++) {
            if ((mode & (0400 >> i)) != 0) {
                set.add(BITS[i]);
            }
        }
        return set;
    }

    static FileAttribute<Set<PosixFilePermission>> mode(int mode) {
        return PosixFilePermissions.asFileAttribute(permissions(mode));
    }

    /** Makes a directory and those above it; ours get the mode, whatever the umask. */
    static void makeDirectories(Path directory, int mode) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = directory.getParent();
        if (parent != null) {
            makeDirectories(parent, mode);
        }
        try {
            Files.createDirectory(directory);
            Files.setPosixFilePermissions(directory, permissions(mode));
        } catch (java.nio.file.FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
        }
    }

    /** Replaces a file by one rename, so that readers see the old content or the new one; {@code user} becomes its owner. */
    static void replace(Path file, byte[] content, int mode, boolean sync, RunAs user, boolean theirs)
            throws IOException {
        // Of a name of its own: two processes may write the same file at the same time, and the last one wins.
        Path fresh = file.resolveSibling(
                file.getFileName() + "." + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + ".new");
        try {
            try (FileChannel out = FileChannel.open(
                    fresh,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                    mode(mode))) {
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                if (sync) {
                    out.force(true);
                }
            }
            if ((mode & 0777 & ~0700) != 0) {
                Files.setPosixFilePermissions(fresh, permissions(mode));
            }
            if (theirs) {
                user.own(fresh);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        if (sync) {
            syncDirectory(file.getParent());
        }
    }

    /** Makes the names in a directory survive a power failure. */
    static void syncDirectory(@Nullable Path directory) throws IOException {
        if (directory != null) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /** Makes a directory and all in it survive a power failure. */
    static void syncTree(Path root) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            for (Iterator<Path> paths = all.iterator(); paths.hasNext(); ) {
                syncDirectory(paths.next());
            }
        }
    }

    /** Removes a directory and all in it; what is not there is no failure. Never follows links. */
    static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.deleteIfExists(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Returns whether something can be moved from one directory to the other by a rename. */
    static boolean sameFileSystem(Path a, Path b) throws IOException {
        return Files.getAttribute(a, "unix:dev").equals(Files.getAttribute(b, "unix:dev"));
    }
}
