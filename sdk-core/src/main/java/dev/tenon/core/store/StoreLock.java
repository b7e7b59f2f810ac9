package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a database file for one store of one process. The operating system gives the lock back when the process ends, however it
 * ends, so a lock file left behind means nothing; what it says is only to name the holder.
 */
final class StoreLock implements AutoCloseable {
    // POSIX gives up a process's lock on a file when the process closes any descriptor of it. So a second store of this
    // process must
    // be refused before it opens the lock file.
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path key;
    private final FileChannel channel;

    private StoreLock(Path key, FileChannel channel) {
        this.key = key;
        this.channel = channel;
    }

    /** Takes the lock of a database file, whose directory exists. */
    static StoreLock take(Path database) throws IOException {
        Path directory = database.toAbsolutePath().getParent();
        Path key = (directory == null ? database.toAbsolutePath() : directory.toRealPath())
                .resolve(database.getFileName() + ".lock");
        if (!HELD_HERE.add(key)) {
            throw locked(database, "this process (" + ProcessHandle.current().pid() + ") itself");
        }
        boolean taken = false;
        FileChannel channel = null;
        try {
            channel = open(key);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                throw locked(database, holder(channel));
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            taken = true;
            return new StoreLock(key, channel);
        } finally {
            if (!taken) {
                HELD_HERE.remove(key);
                if (channel != null) {
                    channel.close();
                }
            }
        }
    }

    private static FileChannel open(Path file) throws IOException {
        Set<OpenOption> options = Set.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        return FileChannel.open(file, options, PrivateFiles.ownerOnly(file));
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // held by this process through another class loader
        }
    }

    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(32);
        channel.read(text, 0);
        String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).trim();
        return pid.isEmpty() ? "another process" : "process " + pid;
    }

    private static ProviderException locked(Path database, String holder) {
        return new ProviderException(
                ErrorCode.STORE_LOCKED,
                "the store " + database + " is held by " + holder
                        + "; close that one, choose another directory, or use a store that several may share");
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            HELD_HERE.remove(key);
        }
    }
}
