package dev.tenon.engine.postgresql.replication;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class BackupManifestTest {
    private static final byte[] CONTENT = "17\n".getBytes(StandardCharsets.UTF_8);

    private final ArchiveDigest.Seen seen = new ArchiveDigest.Seen(CONTENT.length, crc(CONTENT));

    @Test
    void check_sameFiles_passes() {
        assertThatCode(() -> BackupManifest.check(manifest(""), Map.of("PG_VERSION", seen)))
                .doesNotThrowAnyException();
    }

    @Test
    void check_otherContent_namesTheFile() {
        var other = new ArchiveDigest.Seen(CONTENT.length, seen.crc() ^ 1);

        assertThatThrownBy(() -> BackupManifest.check(manifest(""), Map.of("PG_VERSION", other)))
                .hasMessageContaining("PG_VERSION is not what");
    }

    @Test
    void check_missingOrAdditionalFile_isRefused() {
        assertThatThrownBy(() -> BackupManifest.check(manifest(""), Map.of())).hasMessageContaining("lacks PG_VERSION");
        assertThatThrownBy(() -> BackupManifest.check(manifest(""), Map.of("PG_VERSION", seen, "more", seen)))
                .hasMessageContaining("holds 2 files");
    }

    @Test
    void check_damagedManifest_isRefused() {
        assertThatThrownBy(() -> BackupManifest.check(manifest(" "), Map.of("PG_VERSION", seen)))
                .hasMessageContaining("own checksum");
    }

    @Test
    void digest_anyPartition_seesTheSame() throws Exception {
        byte[] header = new byte[512];
        new org.apache.commons.compress.archivers.tar.TarArchiveEntry("PG_VERSION") {
            {
                setSize(CONTENT.length);
            }
        }.writeEntryHeader(header);
        byte[] archive = new byte[512 * 4];
        System.arraycopy(header, 0, archive, 0, 512);
        System.arraycopy(CONTENT, 0, archive, 512, CONTENT.length);
        for (int part : new int[] {1, 3, 511, 513, archive.length}) {
            ArchiveDigest digest = new ArchiveDigest();
            for (int at = 0; at < archive.length; at += part) {
                digest.update(archive, at, Math.min(part, archive.length - at));
            }
            assertThatCode(() -> BackupManifest.check(manifest(""), digest.finished()))
                    .doesNotThrowAnyException();
        }
    }

    private byte[] manifest(String damage) throws Exception {
        String head =
                "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n{ \"Path\": \"PG_VERSION\", \"Size\": 3, "
                        + "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"" + BackupManifest.hex(crc(CONTENT))
                        + "\" }\n],\n";
        String own = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(head.getBytes(StandardCharsets.UTF_8)));
        return (damage + head + "\"Manifest-Checksum\": \"" + own + "\"}\n").getBytes(StandardCharsets.UTF_8);
    }

    private static int crc(byte[] content) {
        CRC32C crc = new CRC32C();
        crc.update(content);
        return (int) crc.getValue();
    }
}
