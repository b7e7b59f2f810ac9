package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.TenonException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

final class UnpackerTest {
    private final ExecutorService pumps = Executors.newCachedThreadPool();
    private final Unpacker unpacker = new Unpacker(pumps, Optional.empty());

    @TempDir
    Path into;

    @AfterEach
    void close() {
        pumps.shutdownNow();
    }

    @FunctionalInterface
    private interface Content {
        void to(TarArchiveOutputStream tar) throws IOException;
    }

    private static byte[] archive(Content content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new XZOutputStream(out, new LZMA2Options(1)))) {
            content.to(tar);
        }
        return out.toByteArray();
    }

    private static void file(TarArchiveOutputStream tar, String name, int mode, byte[] content) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setMode(mode);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    private static void link(TarArchiveOutputStream tar, String name, String target) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
        entry.setLinkName(target);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private TreeManifest unpack(byte[] archive) throws IOException {
        return unpacker.unpack(new ByteArrayInputStream(archive), into);
    }

    @Test
    void unpack_programsLibrariesAndLinks_areThereAndInTheManifest() throws IOException {
        byte[] program = new byte[1_000_000];
        new Random(7).nextBytes(program);
        byte[] text = "CREATE FUNCTION".getBytes(StandardCharsets.UTF_8);
        TreeManifest manifest = unpack(archive(tar -> {
            file(tar, "bin/server", 0775, program);
            file(tar, "share/empty.sql", 0600, new byte[0]);
            file(tar, "share/some.sql", 0640, text);
            file(tar, "lib/libserver.a", 0644, text);
            link(tar, "bin/alias", "server");
        }));

        assertThat(into.resolve("bin/server")).hasBinaryContent(program);
        assertThat(Files.getPosixFilePermissions(into.resolve("bin/server")))
                .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(Files.getPosixFilePermissions(into.resolve("share/some.sql")))
                .isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(into.resolve("share/empty.sql")).isEmptyFile();
        assertThat(into.resolve("lib/libserver.a")).doesNotExist();
        assertThat(Files.readSymbolicLink(into.resolve("bin/alias"))).isEqualTo(Path.of("server"));
        assertThat(manifest.entries())
                .extracting(TreeManifest.Entry::path)
                .containsExactly("bin/alias", "bin/server", "share/empty.sql", "share/some.sql");
        assertThat(TreeManifest.parse(manifest.text())).contains(manifest);
        assertThat(manifest.firstWrongContent(into)).isEmpty();
    }

    @Test
    void unpack_oneByteChangedLater_isNoticed() throws IOException {
        byte[] program = new byte[100_000];
        TreeManifest manifest = unpack(archive(tar -> file(tar, "bin/server", 0755, program)));
        program[50_000] = 1;
        Files.write(into.resolve("bin/server"), program);
        assertThat(manifest.firstWrongContent(into))
                .hasValueSatisfying(wrong -> assertThat(wrong).startsWith("bin/server"));
    }

    @Test
    void unpack_namesAndLinksThatLeadOut_areRefused() throws IOException {
        byte[] name = archive(tar -> file(tar, "bin/../../outside", 0644, new byte[1]));
        byte[] link = archive(tar -> link(tar, "bin/alias", "../../outside"));
        for (byte[] archive : new byte[][] {name, link}) {
            assertThatThrownBy(() -> unpack(archive))
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SOFTWARE_CORRUPT));
        }
        assertThat(into.resolveSibling("outside")).doesNotExist();
    }

    @Test
    void unpack_archiveCutShort_fails() throws IOException {
        byte[] content = new byte[300_000];
        new Random(7).nextBytes(content);
        byte[] whole = archive(tar -> file(tar, "bin/server", 0755, content));
        assertThatThrownBy(() -> unpack(Arrays.copyOf(whole, whole.length / 2))).isInstanceOf(IOException.class);
    }
}
