package dev.tenon.baremetal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Copies a directory that a manifest describes. What is read is checked on its way through, so that a damaged template never
 * becomes a member. Few system calls per file: the number of files decides how long it takes, not their size.
 */
final class TreeCopier {
    private static final int BUFFER = 1 << 20;
    private static final ThreadLocal<ByteBuffer> BUFFERS =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BUFFER));

    private final RunAs runAs;

    TreeCopier(RunAs runAs) {
        this.runAs = runAs;
    }

    /** Copies one part of the tree, each {@code parts}-th file; directories must exist if it is not the first part. */
    Optional<String> copyFiles(TreeManifest manifest, Path from, Path to, int part, int parts, Runnable between)
            throws IOException {
        int file = 0;
        for (TreeManifest.Entry e : manifest.entries()) {
            if (e.kind() == TreeManifest.Kind.FILE && file++ % parts == part) {
                between.run();
                if (!copy(from.resolve(e.path()), to.resolve(e.path()), e)) {
                    return Optional.of(e.path() + " is not what it was when the template was made");
                }
            }
        }
        return Optional.empty();
    }

    /** Makes the directories and links, and the root itself, which must not exist. */
    void makeDirectories(TreeManifest manifest, Path to) throws IOException {
        Files.createDirectory(to, Disk.mode(0700));
        runAs.own(to);
        for (TreeManifest.Entry e : manifest.entries()) {
            Path target = to.resolve(e.path());
            if (e.kind() == TreeManifest.Kind.DIRECTORY) {
                Files.createDirectory(target, Disk.mode(e.mode()));
                runAs.own(target);
            } else if (e.kind() == TreeManifest.Kind.LINK) {
                Files.createSymbolicLink(target, Path.of(e.hash()));
            }
        }
    }

    /** Writes a file again, in place; cutting it first would make ext4 flush it. Answers false if the template is damaged. */
    boolean rewrite(Path from, Path to, TreeManifest.Entry entry) throws IOException {
        CRC32C crc = new CRC32C();
        long size;
        try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                FileChannel out = FileChannel.open(to, Set.of(StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS))) {
            size = pump(in, out, crc);
            out.truncate(size);
        }
        return whole(entry, size, crc);
    }

    /** Copies one file to where none is. Answers false if the template is damaged. */
    boolean copy(Path from, Path to, TreeManifest.Entry entry) throws IOException {
        CRC32C crc = new CRC32C();
        long size;
        try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                FileChannel out = FileChannel.open(
                        to, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), Disk.mode(entry.mode()))) {
            size = pump(in, out, crc);
        }
        runAs.own(to);
        return whole(entry, size, crc);
    }

    private static boolean whole(TreeManifest.Entry entry, long size, CRC32C crc) {
        return size == entry.size() && Long.toHexString(crc.getValue()).equals(entry.hash());
    }

    private static long pump(FileChannel in, FileChannel out, CRC32C crc) throws IOException {
        ByteBuffer buffer = BUFFERS.get();
        long size = 0;
        // A read shorter than the buffer is the end of a plain file: no second read to hear so.
        boolean more = true;
        while (more) {
            buffer.clear();
            int n = in.read(buffer);
            more = n == BUFFER;
            if (n > 0) {
                buffer.flip();
                crc.update(buffer.duplicate());
                while (buffer.hasRemaining()) {
                    out.write(buffer);
                }
                size += n;
            }
        }
        return size;
    }
}
