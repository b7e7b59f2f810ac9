package dev.tenon.engine.postgresql.replication;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;

/** Watches a tar archive pass by and keeps length and checksum of each file. Not thread-safe. */
final class ArchiveDigest {
    /**
     * A file that passed.
     *
     * @param size in bytes
     * @param crc CRC-32C of its content
     */
    record Seen(long size, int crc) {}

    private static final int BLOCK = 512;

    private final Map<String, Seen> files = new LinkedHashMap<>();
    private final byte[] header = new byte[BLOCK];
    private final CRC32C crc = new CRC32C();
    private int headerFilled;
    private String name = "";
    private long size;
    private long contentLeft;
    private long paddingLeft;

    void update(byte[] bytes, int offset, int length) throws IOException {
        int at = offset;
        int end = offset + length;
        while (at < end) {
            if (contentLeft > 0) {
                int part = (int) Math.min(contentLeft, end - at);
                crc.update(bytes, at, part);
                contentLeft -= part;
                at += part;
                if (contentLeft == 0) {
                    files.put(name, new Seen(size, (int) crc.getValue()));
                }
            } else if (paddingLeft > 0) {
                int part = (int) Math.min(paddingLeft, end - at);
                paddingLeft -= part;
                at += part;
            } else {
                int part = Math.min(BLOCK - headerFilled, end - at);
                System.arraycopy(bytes, at, header, headerFilled, part);
                headerFilled += part;
                at += part;
                if (headerFilled == BLOCK) {
                    headerFilled = 0;
                    begin();
                }
            }
        }
    }

    private void begin() throws IOException {
        if (header[0] == 0) {
            return; // the blocks of zeros that end an archive
        }
        TarArchiveEntry entry;
        try {
            entry = new TarArchiveEntry(header);
        } catch (IllegalArgumentException e) {
            throw new IOException("the server's archive holds a header that cannot be read", e);
        }
        if (!entry.isFile() && !entry.isDirectory()) {
            throw new IOException("the server's archive holds " + entry.getName() + ", which is no plain file");
        }
        name = entry.getName();
        size = entry.getSize();
        contentLeft = size;
        paddingLeft = (BLOCK - size % BLOCK) % BLOCK;
        crc.reset();
        if (size == 0 && entry.isFile()) {
            files.put(name, new Seen(0, 0));
        }
    }

    /** Returns all files by path, once the archive is complete. */
    Map<String, Seen> finished() throws IOException {
        if (contentLeft > 0 || paddingLeft > 0 || headerFilled > 0) {
            throw new IOException("the server's archive ended inside " + name);
        }
        return files;
    }
}
