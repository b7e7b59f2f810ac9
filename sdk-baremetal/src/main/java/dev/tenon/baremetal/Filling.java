package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** Lays out a directory from an archive: plain files and directories of the run-as user, nothing outside of it. */
final class Filling {
    private static final int BUFFER = 1 << 17;

    private final RunAs runAs;

    Filling(RunAs runAs) {
        this.runAs = runAs;
    }

    /** Unpacks into a directory that does not exist yet, and reads the archive to its very end, where its maker has checked it. */
    void unpack(InputStream archive, Path into) throws IOException {
        make(into);
        byte[] buffer = new byte[BUFFER];
        TarArchiveInputStream tar = new TarArchiveInputStream(archive);
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Path target = into.resolve(entry.getName()).normalize();
            if (!target.startsWith(into) || !entry.isDirectory() && (!entry.isFile() || target.equals(into))) {
                throw Failures.of(
                        ErrorCode.PROVIDER_FAILED,
                        "the archive holds " + entry.getName()
                                + "; expected plain files and directories below its root");
            }
            if (entry.isDirectory()) {
                makeAll(into, target);
            } else {
                makeAll(into, java.util.Objects.requireNonNull(target.getParent()));
                write(tar, target, entry.getMode() & 0700, buffer);
            }
        }
        archive.transferTo(OutputStream.nullOutputStream());
    }

    private void write(InputStream in, Path target, int mode, byte[] buffer) throws IOException {
        try (FileChannel out = FileChannel.open(
                target, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), Disk.mode(mode | 0600))) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (Thread.currentThread().isInterrupted()) {
                    throw Failures.interrupted();
                }
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            }
        }
        runAs.own(target);
    }

    private void makeAll(Path root, Path directory) throws IOException {
        if (!directory.equals(root) && !Files.isDirectory(directory)) {
            makeAll(root, java.util.Objects.requireNonNull(directory.getParent()));
            make(directory);
        }
    }

    private void make(Path directory) throws IOException {
        Files.createDirectory(directory, Disk.mode(0700));
        runAs.own(directory);
    }
}
