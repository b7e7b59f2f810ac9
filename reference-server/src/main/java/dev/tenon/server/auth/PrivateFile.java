package dev.tenon.server.auth;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** A file that only we may read, replaced whole or not at all. */
public final class PrivateFile {
    private static final Set<PosixFilePermission> OURS = PosixFilePermissions.fromString("rw-------");

    private final Path path;

    /** Names the file. */
    public PrivateFile(Path path) {
        this.path = path;
    }

    /**
     * Returns its content, if it is there.
     *
     * @throws ProviderException {@code WRONG_OWNER} if others may read it, or it cannot be read
     */
    public Optional<byte[]> read() {
        try {
            if (Files.notExists(path)) {
                return Optional.empty();
            }
            EnumSet<PosixFilePermission> seen = EnumSet.copyOf(Files.getPosixFilePermissions(path));
            seen.removeAll(OURS);
            if (!seen.isEmpty()) {
                throw new ProviderException(
                        ErrorCode.WRONG_OWNER, "others may read " + path + "; allow nobody but its owner (chmod 600)");
            }
            return Optional.of(Files.readAllBytes(path));
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.WRONG_OWNER, "cannot read " + path + ": " + e, e);
        }
    }

    void write(byte[] content) {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        try {
            Files.deleteIfExists(fresh);
            try (FileChannel channel = FileChannel.open(
                    fresh,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(OURS))) {
                ByteBuffer left = ByteBuffer.wrap(content);
                while (left.hasRemaining()) {
                    channel.write(left);
                }
                channel.force(true);
            }
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            try (FileChannel parent = FileChannel.open(path.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
                parent.force(true);
            }
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "cannot write " + path + ": " + e, e);
        }
    }
}
