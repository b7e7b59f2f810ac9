package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock that all threads of all processes of this machine respect, held through a file; the kernel lets go of it when its
 * process dies, however it dies.
 */
final class MachineLock implements AutoCloseable {
    /** File locks belong to the whole JVM, so its threads need their own lock in front. */
    private static final ConcurrentHashMap<Path, ReentrantLock> IN_THIS_JVM = new ConcurrentHashMap<>();

    /**
     * Files held by {@link #tryTake}: opening and closing such a file again, even to look, would drop the lock, because the
     * kernel keeps one per process and file.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Optional<ReentrantLock> local;
    private final Path file;
    private final FileChannel channel;

    private MachineLock(Optional<ReentrantLock> local, Path file, FileChannel channel) {
        this.local = local;
        this.file = file;
        this.channel = channel;
    }

    /** Waits for the lock. */
    static MachineLock take(Path file) throws IOException {
        ReentrantLock local = IN_THIS_JVM.computeIfAbsent(file.toAbsolutePath().normalize(), f -> new ReentrantLock());
        try {
            local.lockInterruptibly();
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        }
        try {
            FileChannel channel = open(file);
            try {
                channel.lock();
            } catch (FileLockInterruptionException | ClosedByInterruptException e) {
                channel.close();
                throw Failures.interrupted();
            }
            return new MachineLock(Optional.of(local), file, channel);
        } catch (IOException | RuntimeException e) {
            local.unlock();
            throw e;
        }
    }

    /** Takes the lock if nobody holds it, for as long as the caller likes; may be released by another thread. */
    static Optional<MachineLock> tryTake(Path file) throws IOException {
        Path key = file.toAbsolutePath().normalize();
        if (!HELD.add(key)) {
            return Optional.empty();
        }
        boolean taken = false;
        FileChannel channel = open(file);
        try {
            taken = channel.tryLock() != null;
            return taken ? Optional.of(new MachineLock(Optional.empty(), key, channel)) : Optional.empty();
        } finally {
            if (!taken) {
                HELD.remove(key);
                channel.close();
            }
        }
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), Disk.mode(0600));
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            local.ifPresentOrElse(ReentrantLock::unlock, () -> HELD.remove(file));
        }
    }
}
