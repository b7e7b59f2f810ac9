package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.TenonException;
import dev.tenon.engine.postgresql.replication.BackupStream;
import dev.tenon.spi.delivery.AdminAddress;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BackupStreamIT {
    static Stream<String> versions() {
        return TestSoftware.versions();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void read_runningServer_isTheWholeDataDirectory(String version) throws Exception {
        try (TestServer server = TestServer.start(new PostgresqlEngine()
                        .workloads(Requests.durable(version).build())
                        .get(0));
                BackupStream stream = BackupStream.open(server.admin(), AccessFiles.PLATFORM_ROLE, "test")) {
            Map<String, byte[]> files = untar(stream);

            assertThat(stream.start()).matches("[0-9A-F]+/[0-9A-F]+");
            assertThat(stream.read()).as("the end is checked and stays the end").isEqualTo(-1);
            assertThat(files).containsKeys("backup_label", "global/pg_control", "base/1/PG_VERSION");
            assertThat(files.keySet()).noneMatch(name -> name.matches("pg_wal/[0-9A-F]{24}"));
            assertThat(files.get("PG_VERSION"))
                    .isEqualTo(Files.readAllBytes(server.directory("data").resolve("PG_VERSION")));
        }
    }

    @Test
    void open_overTcp_isRefused() {
        assertThatThrownBy(() -> BackupStream.open(new AdminAddress.Tcp("localhost", 1), "role", "test"))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    }

    @Test
    void open_nobodyListens_saysSo() {
        assertThatThrownBy(() -> BackupStream.open(new AdminAddress.Unix(Path.of("/nowhere/socket")), "role", "test"))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE));
    }

    private static Map<String, byte[]> untar(InputStream stream) throws Exception {
        Map<String, byte[]> files = new HashMap<>();
        TarArchiveInputStream tar = new TarArchiveInputStream(stream);
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            if (entry.isFile()) {
                files.put(entry.getName(), tar.readAllBytes());
            }
        }
        return files;
    }
}
