package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks a {@code .txz}. Decoding is the slow part and cannot be shared out (the archives are one block), so that it has one
 * processor for itself, in the machine's own {@code xz} if it has one. What it yields is written as it comes, so that an archive
 * takes a buffer of memory, however large it is.
 */
final class Unpacker {
    private static final int BUFFER = 256 << 10;

    private final ExecutorService pumps;
    private final Optional<Path> xz;

    Unpacker(ExecutorService pumps, Optional<Path> xz) {
        this.pumps = pumps;
        this.xz = xz;
    }

    /** Unpacks into a directory and returns what is now in it. */
    TreeManifest unpack(InputStream archive, Path into) throws IOException {
        if (xz.isEmpty()) {
            try (InputStream tar = new XZInputStream(archive)) {
                return untar(tar, into);
            }
        }
        Process decoder = new ProcessBuilder(xz.get().toString(), "-dc")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            Future<?> fed = pumps.submit(() -> {
                try (OutputStream out = decoder.getOutputStream()) {
                    archive.transferTo(out);
                } catch (IOException e) {
                    // Decoder ended early: its exit code says so below.
                    decoder.destroy();
                }
            });
            TreeManifest manifest;
            try (InputStream tar = new BufferedInputStream(decoder.getInputStream(), 1 << 20)) {
                manifest = untar(tar, into);
                tar.transferTo(OutputStream.nullOutputStream());
            }
            fed.get();
            int exit = decoder.waitFor();
            if (exit != 0) {
                throw new IOException("xz ended with " + exit);
            }
            return manifest;
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        } catch (ExecutionException e) {
            throw new IOException("feeding xz", e);
        } finally {
            decoder.destroyForcibly();
        }
    }

    private static TreeManifest untar(InputStream in, Path into) throws IOException {
        List<TreeManifest.Entry> entries = new ArrayList<>();
        byte[] buffer = new byte[BUFFER];
        TarArchiveInputStream tar = new TarArchiveInputStream(in);
        for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
            Path target = into.resolve(e.getName()).normalize();
            if (target.equals(into)) {
                continue;
            }
            if (!target.startsWith(into) || e.isLink()) {
                throw Failures.of(
                        ErrorCode.SOFTWARE_CORRUPT, "the archive holds " + e.getName() + ", which is not allowed");
            }
            String path = into.relativize(target).toString();
            if (e.isDirectory()) {
                Disk.makeDirectories(target, 0755);
                entries.add(new TreeManifest.Entry(TreeManifest.Kind.DIRECTORY, path, 0755, 0, "-"));
            } else if (e.isSymbolicLink()) {
                Disk.makeDirectories(parent(target), 0755);
                if (Path.of(e.getLinkName()).isAbsolute()
                        || !parent(target).resolve(e.getLinkName()).normalize().startsWith(into)) {
                    throw Failures.of(ErrorCode.SOFTWARE_CORRUPT, "the archive holds a link to " + e.getLinkName());
                }
                Files.createSymbolicLink(target, Path.of(e.getLinkName()));
                entries.add(new TreeManifest.Entry(TreeManifest.Kind.LINK, path, 0777, 0, e.getLinkName()));
            } else if (!path.endsWith(".a")) {
                // Static libraries serve only who compiles; nothing runs them.
                Disk.makeDirectories(parent(target), 0755);
                int mode = (e.getMode() & 0111) != 0 ? 0755 : 0644;
                CRC32C crc = new CRC32C();
                try (OutputStream out = Files.newOutputStream(target)) {
                    for (int n = tar.read(buffer); n >= 0; n = tar.read(buffer)) {
                        crc.update(buffer, 0, n);
                        out.write(buffer, 0, n);
                    }
                }
                Files.setPosixFilePermissions(target, Disk.permissions(mode));
                entries.add(new TreeManifest.Entry(
                        TreeManifest.Kind.FILE, path, mode, e.getSize(), Long.toHexString(crc.getValue())));
            }
        }
        entries.sort(Comparator.comparing(TreeManifest.Entry::path));
        return new TreeManifest(TreeManifest.Hashing.CRC32C, entries);
    }

    private static Path parent(Path path) {
        return Objects.requireNonNull(path.getParent());
    }
}
