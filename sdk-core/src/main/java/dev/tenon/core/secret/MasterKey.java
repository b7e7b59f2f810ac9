package dev.tenon.core.secret;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/**
 * The installation's master key: 32 random bytes in a file that only its owner may read. Several control planes on one shared store
 * need a copy of the same file.
 */
public final class MasterKey {
    private static final int LENGTH = 32;

    private final byte[] bytes;

    private MasterKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Returns a key that is kept nowhere, for a control plane that keeps nothing. */
    public static MasterKey unkept() {
        return new MasterKey(random());
    }

    /**
     * Reads the key, or makes it.
     *
     * @param directory where keys lie; made with mode 0700 if missing
     * @throws ProviderException {@code WRONG_OWNER} if others may read the file or it is damaged
     */
    public static MasterKey open(Path directory) {
        Path file = directory.resolve("master.key");
        try {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            if (!Files.exists(file)) {
                create(directory, file);
            }
            Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
            if (!PosixFilePermissions.fromString("rw-------").containsAll(mode)) {
                throw new ProviderException(
                        ErrorCode.WRONG_OWNER,
                        file + " has mode " + PosixFilePermissions.toString(mode)
                                + ", so others could have read it; make it 0600");
            }
            byte[] bytes = HexFormat.of().parseHex(Files.readString(file).trim());
            if (bytes.length != LENGTH) {
                throw new IllegalArgumentException("it has " + bytes.length + " bytes");
            }
            return new MasterKey(bytes);
        } catch (IllegalArgumentException e) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER, file + " is not a master key of 32 bytes in hexadecimal; restore it", e);
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.WRONG_OWNER, file + " cannot be read or written: " + e.getMessage(), e);
        }
    }

    private static void create(Path directory, Path file) throws IOException {
        Path fresh = Files.createTempFile(directory, "master", ".new"); // mode 0600 by its contract
        try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(
                    (HexFormat.of().formatHex(random()) + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
            // What is encrypted under a key that a power cut takes back would be lost.
            channel.force(true);
        }
        try {
            Files.createLink(file, fresh); // fails if another process was faster: its key is then the one
        } catch (FileAlreadyExistsException e) {
            Files.delete(fresh);
            return;
        } catch (UnsupportedOperationException e) {
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        Files.delete(fresh);
    }

    private static byte[] random() {
        byte[] bytes = new byte[LENGTH];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public String toString() {
        return "MasterKey[***]";
    }
}
