package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file system of its own that the test's database lies on, so that it can be full while nothing else is. Mounting takes root. The
 * log of the server stays where it was: a full disk there would end the server instead of failing a statement.
 */
final class SmallVolume implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int MIB = 1 << 20;
    /** Beside what the database has already. */
    private static final long ROOM = 64L * MIB;

    private static final String FILLER = "filler";

    private final Path mount;
    private final FileChannel lock;

    private SmallVolume(Path mount, FileChannel lock) {
        this.mount = mount;
        this.lock = lock;
    }

    /** Moves the test's database onto a new volume; the server restarts. */
    static SmallVolume under(TestServer server) {
        try {
            Path base = DaemonStarter.base();
            sweep(base);
            Path data = Path.of(
                            Objects.requireNonNull(server.instance().settings().get("data_directory")))
                    .resolve("base")
                    .resolve(Long.toString(server.databaseNumber()));
            long size = ROOM + server.databaseSize();
            Path mount = Files.createTempDirectory(base, "volume-");
            FileChannel lock = FileChannel.open(lockFile(mount), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            lock.lock();
            SmallVolume volume = new SmallVolume(mount, lock);
            try {
                Shell.run(
                        ErrorCode.UNSUPPORTED,
                        "mount",
                        "-t",
                        "tmpfs",
                        "-o",
                        "mode=0711,size=" + size,
                        "tenon-testkit",
                        mount.toString());
                volume.move(server, data);
                server.enter();
                return volume;
            } catch (RuntimeException e) {
                volume.close();
                throw e;
            }
        } catch (IOException e) {
            throw failed("make a small volume", e);
        }
    }

    private void move(TestServer server, Path data) {
        server.instance().stop().await(PATIENCE);
        try {
            Path there = mount.resolve("data");
            Shell.run(ErrorCode.PROVIDER_FAILED, "cp", "-a", data.toString(), there.toString());
            Shell.run(ErrorCode.PROVIDER_FAILED, "rm", "-r", data.toString());
            Files.createSymbolicLink(data, there);
        } catch (IOException e) {
            throw failed("move the database to the small volume", e);
        } finally {
            server.instance().start().await(PATIENCE);
        }
    }

    /** Volumes of JVMs that were killed: nobody holds their locks. */
    private static void sweep(Path base) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(base, "volume-*.lock")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                Path mount = base.resolve(name.substring(0, name.length() - ".lock".length()));
                FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock taken = tryLock(channel);
                if (taken == null) {
                    channel.close();
                } else {
                    new SmallVolume(mount, channel).close();
                }
            }
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (java.nio.channels.OverlappingFileLockException e) {
            // Another test of this JVM holds it.
            return null;
        }
    }

    private static Path lockFile(Path mount) {
        return mount.resolveSibling(mount.getFileName() + ".lock");
    }

    /** Writes until not one byte more fits. */
    void fill() {
        try (FileChannel filler =
                FileChannel.open(mount.resolve(FILLER), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (int size = MIB; size > 0; size /= 2) {
                while (write(filler, size)) {
                    // Goes on with smaller pieces once these do not fit.
                }
            }
        } catch (IOException e) {
            throw failed("fill the small volume", e);
        }
    }

    private static boolean write(FileChannel filler, int size) {
        ByteBuffer piece = ByteBuffer.allocate(size);
        try {
            while (piece.hasRemaining()) {
                filler.write(piece);
            }
            return true;
        } catch (IOException full) {
            return false;
        }
    }

    void free() {
        try {
            Files.deleteIfExists(mount.resolve(FILLER));
        } catch (IOException e) {
            throw failed("free the small volume", e);
        }
    }

    /** The server may still have files open there: the volume goes when the last is closed. */
    @Override
    public void close() {
        try {
            if (!Files.getFileStore(mount).equals(Files.getFileStore(mount.getParent()))) {
                Shell.run(ErrorCode.PROVIDER_FAILED, "umount", "--lazy", mount.toString());
            }
            Files.deleteIfExists(mount);
            Files.deleteIfExists(lockFile(mount));
            lock.close();
        } catch (IOException e) {
            throw failed("remove the small volume", e);
        }
    }

    private static ProviderException failed(String what, IOException e) {
        return new ProviderException(ErrorCode.PROVIDER_FAILED, "the testkit could not " + what + ": " + e, e);
    }
}
