package dev.tenon.baremetal;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.tukaani.xz.XZInputStream;

/** Archives in the form that hosts unpack: every host has gzip, few have xz. Each is recoded once. */
final class Uploads implements AutoCloseable {
    private final Path directory;
    private final Map<String, Upload> ready = new HashMap<>();

    /** A file to send, what it must hash to and how long it is. */
    record Upload(Path file, String sha256, long size) {}

    Uploads(Path directory) {
        this.directory = directory;
    }

    synchronized Upload of(SoftwareShelf.Build build, SoftwareShelf.Origin.Archive archive) {
        Upload known = ready.get(build.key());
        if (known != null) {
            return known;
        }
        try {
            Disk.makeDirectories(directory, 0700);
            Path file = directory.resolve(build.key() + ".tgz");
            MessageDigest digest = TreeManifest.sha256();
            try (InputStream tar = new XZInputStream(new BufferedInputStream(SoftwareShelf.open(archive), 1 << 16));
                    OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest);
                    GZIPOutputStream gzip = new Fast(out)) {
                tar.transferTo(gzip);
            }
            Upload upload = new Upload(file, HexFormat.of().formatHex(digest.digest()), Files.size(file));
            ready.put(build.key(), upload);
            return upload;
        } catch (IOException e) {
            throw Failures.io("recoding " + archive.url(), e);
        }
    }

    private static final class Fast extends GZIPOutputStream {
        Fast(OutputStream out) throws IOException {
            super(out, 1 << 16);
            def.setLevel(Deflater.BEST_SPEED);
        }
    }

    @Override
    public synchronized void close() {
        try {
            Disk.deleteTree(directory);
        } catch (IOException e) {
            throw Failures.io("removing " + directory, e);
        }
    }
}
