package dev.tenon.testkit;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.atomic.AtomicLong;

/** How much test servers may take of a file system in memory. Thread-safe. */
final class MemoryShare {
    private final Path directory;
    private final DataSize most;
    private final FileStore store;
    /** What would be free there without us, as far as we know. */
    private final AtomicLong without;

    /** @param directory the servers' own, before there are any */
    MemoryShare(Path directory, DataSize most) throws IOException {
        this.directory = directory;
        this.most = most;
        this.store = Files.getFileStore(directory);
        this.without = new AtomicLong(store.getUnallocatedSpace());
    }

    DataSize most() {
        return most;
    }

    /** One question to the kernel; only if the answer seems to be too much, which others may have written, are our files counted. */
    boolean exceeded() {
        try {
            if (without.get() - store.getUnallocatedSpace() <= most.bytes()) {
                return false;
            }
            long ours = bytes();
            without.set(store.getUnallocatedSpace() + ours);
            return ours > most.bytes();
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the test servers' data cannot be counted: " + e, e);
        }
    }

    private long bytes() throws IOException {
        AtomicLong sum = new AtomicLong();
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                sum.addAndGet(attributes.size());
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                // Files come and go.
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException e) {
                return FileVisitResult.CONTINUE;
            }
        });
        return sum.get();
    }
}
