package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ProviderException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FillingTest {
    private static final String DEEP = "d".repeat(60) + "/" + "e".repeat(60) + "/f";

    @TempDir
    Path root;

    private static byte[] archive(TarArchiveEntry... entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (TarArchiveEntry entry : entries) {
                byte[] content = entry.getName().getBytes(StandardCharsets.UTF_8);
                boolean plain = entry.isFile();
                entry.setSize(plain ? content.length : 0);
                tar.putArchiveEntry(entry);
                if (plain) {
                    tar.write(content);
                }
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    private static TarArchiveEntry link(String name) {
        TarArchiveEntry link = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
        link.setLinkName("/etc");
        return link;
    }

    private static byte[] copied(byte[] archive) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Filling.copy(new ByteArrayInputStream(archive), out);
        return out.toByteArray();
    }

    @Test
    void copy_filesAndDirectories_unpacksToTheSame() throws Exception {
        byte[] archive = archive(
                new TarArchiveEntry("./"),
                new TarArchiveEntry("base/"),
                new TarArchiveEntry("base/1"),
                new TarArchiveEntry(DEEP),
                new TarArchiveEntry("top"));
        RunAs ourselves = RunAs.resolve(Optional.empty(), Path.of("/etc/passwd"), Optional.empty());
        Path into = root.resolve("data");
        Filling.unpack(new ByteArrayInputStream(copied(archive)), into, ourselves);
        for (String name : new String[] {"base/1", DEEP, "top"}) {
            assertThat(into.resolve(name)).hasContent(name);
            assertThat(Files.getPosixFilePermissions(into.resolve(name))).isEqualTo(Disk.permissions(0600));
        }
        assertThat(Files.getPosixFilePermissions(into.resolve("base"))).isEqualTo(Disk.permissions(0700));
    }

    @Test
    void copy_anythingElse_isRefused() throws Exception {
        for (TarArchiveEntry entry : new TarArchiveEntry[] {
            link("base"),
            new TarArchiveEntry("../escaped", true),
            new TarArchiveEntry("base/../../escaped", true),
            new TarArchiveEntry("fifo", TarConstants.LF_FIFO)
        }) {
            byte[] archive = archive(entry);
            assertThatThrownBy(() -> copied(archive))
                    .as(entry.getName())
                    .isInstanceOf(ProviderException.class)
                    .hasMessageContaining("plain files and directories");
        }
    }

    @Test
    void copy_failures_tellWhichSideFailed() throws Exception {
        byte[] archive = archive(new TarArchiveEntry("a"));
        InputStream broken = new SequenceInputStream(new ByteArrayInputStream(archive, 0, 512), new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("broken off");
            }
        });
        assertThatThrownBy(() -> Filling.copy(broken, OutputStream.nullOutputStream()))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("broken off");
        OutputStream full = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("no room");
            }
        };
        assertThatThrownBy(() -> Filling.copy(new ByteArrayInputStream(archive), full))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no room");
        assertThatThrownBy(() -> copied(java.util.Arrays.copyOf(archive, 700)))
                .isInstanceOf(UncheckedIOException.class);
    }

    @Test
    void block_ofAnAddress_isThatAddressOnly() {
        assertThat(Peers.block("192.0.2.7")).isEqualTo("192.0.2.7/32");
        assertThat(Peers.block("2001:db8::7")).isEqualTo("2001:db8::7/128");
        assertThat(Peers.block("db7.example.org")).isEqualTo("db7.example.org");
        assertThatThrownBy(() -> Peers.NONE.address("m-1")).isInstanceOf(ProviderException.class);
    }
}
