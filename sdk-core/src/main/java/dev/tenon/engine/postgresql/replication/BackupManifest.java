package dev.tenon.engine.postgresql.replication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/**
 * The server's own list of what a base backup holds.
 *
 * @see <a href="https://www.postgresql.org/docs/current/backup-manifest-format.html">PostgreSQL: manifest format</a>
 */
final class BackupManifest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final byte[] OWN_CHECKSUM = "\"Manifest-Checksum\"".getBytes(StandardCharsets.US_ASCII);

    private BackupManifest() {}

    /**
     * Checks the manifest by its own checksum, then the files by the manifest.
     *
     * @throws IOException naming the first file that is missing, too many or different
     */
    static void check(byte[] manifest, Map<String, ArchiveDigest.Seen> files) throws IOException {
        JsonNode root = MAPPER.readTree(manifest);
        if (!own(manifest).equals(root.path("Manifest-Checksum").asText())) {
            throw new IOException("the server's manifest does not match its own checksum");
        }
        int known = 0;
        for (JsonNode file : root.path("Files")) {
            String path = file.has("Path")
                    ? file.path("Path").asText()
                    : new String(
                            HexFormat.of().parseHex(file.path("Encoded-Path").asText()), StandardCharsets.UTF_8);
            ArchiveDigest.Seen seen = files.get(path);
            if (seen == null) {
                throw new IOException("the backup lacks " + path);
            }
            if (seen.size() != file.path("Size").asLong(-1)
                    || !hex(seen.crc()).equals(file.path("Checksum").asText())) {
                throw new IOException("the backup's " + path + " is not what the server's manifest says");
            }
            known++;
        }
        if (known == 0 || known != files.size()) {
            throw new IOException("the backup holds " + files.size() + " files, the server's manifest " + known);
        }
    }

    /** Covers everything up to the line with the checksum itself. */
    private static String own(byte[] manifest) throws IOException {
        int end = manifest.length;
        do {
            end--;
        } while (end >= 0 && !startsAt(manifest, end));
        if (end < 0) {
            throw new IOException("the server's manifest has no checksum of its own");
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(manifest, 0, end);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static boolean startsAt(byte[] text, int at) {
        if (text.length - at < OWN_CHECKSUM.length) {
            return false;
        }
        for (int i = 0; i < OWN_CHECKSUM.length; i++) {
            if (text[at + i] != OWN_CHECKSUM[i]) {
                return false;
            }
        }
        return true;
    }

    /** The server prints the bytes as they lie in its memory, which is little-endian wherever it is delivered. */
    static String hex(int crc) {
        return HexFormat.of()
                .formatHex(ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(crc)
                        .array());
    }
}
