package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/** What may fill a directory: plain files and directories, nothing outside of it. */
final class Filling {
    private static final int BUFFER = 1 << 17;
    private static final Path ROOT = Path.of("/");

    private Filling() {}

    /** Takes what an archive holds, in its order. */
    private interface Into {
        /** @param path relative; empty for the directory that is filled */
        void directory(Path path) throws IOException;

        OutputStream file(Path path, int mode, long size) throws IOException;
    }

    /** Lays an archive out in a directory that does not exist yet, as files of the run-as user. */
    static void unpack(InputStream archive, Path into, RunAs runAs) throws IOException {
        make(into, runAs);
        read(archive, new Into() {
            @Override
            public void directory(Path path) throws IOException {
                makeAll(into.resolve(path).normalize());
            }

            @Override
            public OutputStream file(Path path, int mode, long size) throws IOException {
                Path target = into.resolve(path);
                makeAll(Objects.requireNonNull(target.getParent()));
                FileChannel out = FileChannel.open(
                        target,
                        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                        Disk.mode(mode | 0600));
                runAs.own(target);
                return Channels.newOutputStream(out);
            }

            private void makeAll(Path directory) throws IOException {
                if (!Files.isDirectory(directory)) {
                    makeAll(Objects.requireNonNull(directory.getParent()));
                    make(directory, runAs);
                }
            }
        });
    }

    private static void make(Path directory, RunAs runAs) throws IOException {
        Files.createDirectory(directory, Disk.mode(0700));
        runAs.own(directory);
    }

    /** Writes an archive that holds only what is allowed, for whoever unpacks it elsewhere. */
    static void copy(InputStream archive, OutputStream out) throws IOException {
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out);
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
        read(archive, new Into() {
            @Override
            public void directory(Path path) throws IOException {
                if (!path.toString().isEmpty()) {
                    TarArchiveEntry entry = new TarArchiveEntry(path + "/");
                    entry.setMode(0700);
                    tar.putArchiveEntry(entry);
                    tar.closeArchiveEntry();
                }
            }

            @Override
            public OutputStream file(Path path, int mode, long size) throws IOException {
                TarArchiveEntry entry = new TarArchiveEntry(path.toString());
                entry.setMode(mode | 0600);
                entry.setSize(size);
                tar.putArchiveEntry(entry);
                return new java.io.FilterOutputStream(tar) {
                    @Override
                    public void write(byte[] bytes, int offset, int length) throws IOException {
                        tar.write(bytes, offset, length);
                    }

                    @Override
                    public void close() throws IOException {
                        tar.closeArchiveEntry();
                    }
                };
            }
        });
        tar.finish();
        out.flush();
    }

    /**
     * Reads an archive to its very end, where its maker has checked it.
     *
     * @throws UncheckedIOException if it cannot be read
     * @throws IOException if what it holds cannot be written
     */
    private static void read(InputStream archive, Into into) throws IOException {
        byte[] buffer = new byte[BUFFER];
        TarArchiveInputStream tar = new TarArchiveInputStream(archive);
        for (TarArchiveEntry entry = next(tar); entry != null; entry = next(tar)) {
            Path path = relative(entry);
            if (entry.isDirectory()) {
                into.directory(path);
            } else {
                try (OutputStream out = into.file(path, entry.getMode() & 0700, entry.getSize())) {
                    for (int n = read(tar, buffer); n >= 0; n = read(tar, buffer)) {
                        if (Thread.currentThread().isInterrupted()) {
                            throw Failures.interrupted();
                        }
                        out.write(buffer, 0, n);
                    }
                }
            }
        }
        while (read(archive, buffer) >= 0) {
            // What follows the end of the archive is padding.
        }
    }

    private static Path relative(TarArchiveEntry entry) {
        Path path = Path.of(entry.getName());
        Path inside = ROOT.relativize(ROOT.resolve(path).normalize());
        // Not isFile(), which also says yes to links.
        boolean plain = entry.getLinkFlag() == TarConstants.LF_NORMAL || entry.getLinkFlag() == TarConstants.LF_OLDNORM;
        boolean allowed = entry.isDirectory() || plain && !inside.toString().isEmpty();
        if (!allowed || path.isAbsolute() || path.normalize().startsWith("..")) {
            throw Failures.of(
                    ErrorCode.PROVIDER_FAILED,
                    "the archive holds " + entry.getName() + "; expected plain files and directories below its root");
        }
        return inside;
    }

    private static @Nullable TarArchiveEntry next(TarArchiveInputStream tar) {
        try {
            return tar.getNextEntry();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int read(InputStream in, byte[] buffer) {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
