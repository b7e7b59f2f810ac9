package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeManifestTest {
    @TempDir
    Path root;

    private TreeManifest sample(TreeManifest.Hashing hashing) throws Exception {
        Files.createDirectories(root.resolve("a/empty"));
        Files.writeString(root.resolve("a/file with blanks"), "content");
        Files.createSymbolicLink(root.resolve("link"), Path.of("a"));
        return TreeManifest.of(root, hashing);
    }

    @Test
    void text_anyTree_readsBackEqual() throws Exception {
        TreeManifest manifest = sample(TreeManifest.Hashing.SHA256);
        assertThat(TreeManifest.parse(manifest.text())).contains(manifest);
    }

    @Test
    void text_cutAnywhere_isRefused() throws Exception {
        String text = sample(TreeManifest.Hashing.CRC32C).text();
        for (int length = 0; length < text.length() - 1; length++) {
            assertThat(TreeManifest.parse(text.substring(0, length))).isEmpty();
        }
    }

    @Test
    void check_changedContentOfTheSameSize_isFoundOnlyByContent() throws Exception {
        TreeManifest manifest = sample(TreeManifest.Hashing.CRC32C);
        assertThat(manifest.firstWrongContent(root)).isEmpty();
        Files.writeString(root.resolve("a/file with blanks"), "Content");
        assertThat(manifest.firstWrongSize(root, e -> true)).isEmpty();
        assertThat(manifest.firstWrongContent(root))
                .hasValueSatisfying(w -> assertThat(w).contains("a/file"));
    }

    @Test
    void check_missingFile_isFoundBySize() throws Exception {
        TreeManifest manifest = sample(TreeManifest.Hashing.CRC32C);
        Files.delete(root.resolve("a/file with blanks"));
        assertThat(manifest.firstWrongSize(root, e -> true)).isPresent();
    }
}
