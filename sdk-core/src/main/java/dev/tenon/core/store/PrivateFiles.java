package dev.tenon.core.store;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/** Files and directories that only their owner may read, where the file system knows owners. */
final class PrivateFiles {
    private PrivateFiles() {}

    /** Returns the attributes of a new file: mode 0600. */
    static FileAttribute<?>[] ownerOnly(Path file) {
        return mode(file, "rw-------");
    }

    /** Makes a file unless it is there. SQLite gives its side files the mode of the database. */
    static void create(Path file) throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (directory != null) {
            Files.createDirectories(directory, mode(directory, "rwx------"));
        }
        if (!Files.exists(file)) {
            try {
                Files.createFile(file, ownerOnly(file));
            } catch (FileAlreadyExistsException e) {
                // Another process was faster; which of the two may use it is for the lock to say.
                return;
            }
        }
    }

    private static FileAttribute<?>[] mode(Path file, String mode) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))}
                : new FileAttribute<?>[0];
    }
}
