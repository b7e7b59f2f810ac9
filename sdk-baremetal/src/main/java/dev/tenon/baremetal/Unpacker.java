package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks a {@code .txz}. Decoding is the slow part and cannot be shared out (the archives are one block), so that it has one
 * processor for itself, in the machine's own {@code xz} if it has one; writing and hashing use the others.
 */
final class Unpacker {
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

    private TreeManifest untar(InputStream in, Path into) throws IOException {
        List<TreeManifest.Entry> entries = new ArrayList<>();
        List<Future<TreeManifest.Entry>> writing = new ArrayList<>();
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
                byte[] content = tar.readNBytes(Math.toIntExact(e.getSize()));
                int mode = (e.getMode() & 0111) != 0 ? 0755 : 0644;
                writing.add(pumps.submit(() -> write(target, path, content, mode)));
            }
        }
        for (Future<TreeManifest.Entry> file : writing) {
            entries.add(join(file));
        }
        entries.sort(Comparator.comparing(TreeManifest.Entry::path));
        return new TreeManifest(TreeManifest.Hashing.SHA256, entries);
    }

    private static TreeManifest.Entry write(Path target, String path, byte[] content, int mode) {
        try {
            Files.write(target, content);
            Files.setPosixFilePermissions(target, Disk.permissions(mode));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String hash = HexFormat.of().formatHex(TreeManifest.sha256().digest(content));
        return new TreeManifest.Entry(TreeManifest.Kind.FILE, path, mode, content.length, hash);
    }

    private static TreeManifest.Entry join(Future<TreeManifest.Entry> file) throws IOException {
        try {
            return file.get();
        } catch (InterruptedException e) {
            throw Failures.interrupted();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UncheckedIOException io) {
                throw io.getCause();
            }
            throw new IOException("unpacking", e);
        }
    }

    private static Path parent(Path path) {
        return Objects.requireNonNull(path.getParent());
    }
}
