package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SmallPartsTest {
    @TempDir
    Path root;

    @Test
    void printedVersion_ofReleasesAndBetas_isRead() {
        assertThat(SoftwareShelf.version("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"))
                .hasValueSatisfying(v -> assertThat(v).containsExactly(15, 20));
        assertThat(SoftwareShelf.version("postgres (PostgreSQL) 19beta1"))
                .hasValueSatisfying(v -> assertThat(v).containsExactly(19, 0));
        assertThat(SoftwareShelf.version("mysqld  Ver 8")).isEmpty();
    }

    @Test
    void memoryOfGroups_ofBothVersions_isWhatTheTightestLeaves() throws Exception {
        Path inner = Files.createDirectories(root.resolve("user/job"));
        Files.writeString(inner.resolve("memory.max"), "max\n");
        Files.writeString(inner.resolve("memory.current"), "700\n");
        Files.writeString(root.resolve("user/memory.max"), "1000\n");
        Files.writeString(root.resolve("user/memory.current"), "900\n");
        Files.writeString(root.resolve("user/memory.stat"), "anon 600\ninactive_file 250\n");
        assertThat(Cgroups.headroom(root, "0::/user/job\n")).isEqualTo(350);

        // A container sees its own group as the mount, and may be told the path that the host knows.
        Path mount = Files.createDirectories(root.resolve("memory"));
        Files.writeString(mount.resolve("memory.limit_in_bytes"), "5000\n");
        Files.writeString(mount.resolve("memory.usage_in_bytes"), "4000\n");
        Files.writeString(mount.resolve("memory.stat"), "inactive_file 1\ntotal_inactive_file 500\n");
        assertThat(Cgroups.headroom(root, "4:memory:/docker/abc\n1:cpu:/\n")).isEqualTo(1_500);

        assertThat(Cgroups.headroom(root.resolve("user/job"), "0::/\n")).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void log_beyondItsCap_keepsItsEndInASecondFile() throws Exception {
        Path log = root.resolve("x.out");
        Files.writeString(log, "first\n" + "y".repeat((int) MemberLog.CAP) + "\nlast\n");
        MemberLog.cap(log);
        assertThat(log).isEmptyFile();
        assertThat(MemberLog.tail(List.of(root.resolve("x.out.1"), log), 1)).containsExactly("last");
    }

    @Test
    void replace_existingFile_hasNewContentAndMode() throws Exception {
        Path file = root.resolve("f");
        RunAs ourselves = RunAs.resolve(java.util.Optional.empty(), Path.of("/etc/passwd"), java.util.Optional.empty());
        Disk.replace(file, "old".getBytes(java.nio.charset.StandardCharsets.UTF_8), 0600, true, ourselves, false);
        Disk.replace(file, "new".getBytes(java.nio.charset.StandardCharsets.UTF_8), 0644, false, ourselves, false);
        assertThat(file).hasContent("new");
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Disk.permissions(0644));
        try (java.util.stream.Stream<Path> all = Files.list(root)) {
            assertThat(all).containsExactly(file);
        }
    }

    @Test
    void failures_wordsOfTheKernel_haveTheirCodes() {
        assertThat(Failures.io("x", new IOException("No space left on device")).code())
                .isEqualTo(ErrorCode.DISK_FULL);
        assertThat(Failures.io("x", new java.nio.file.AccessDeniedException("/p"))
                        .code())
                .isEqualTo(ErrorCode.WRONG_OWNER);
        assertThat(Failures.io("x", new IOException("other")).code()).isEqualTo(ErrorCode.PROVIDER_FAILED);
        assertThat(Failures.io("copying", new java.nio.file.FileAlreadyExistsException("/p")))
                .hasMessage("copying: FileAlreadyExistsException /p")
                .hasCauseInstanceOf(java.nio.file.FileAlreadyExistsException.class);
    }

    @Test
    void passwd_brokenLines_areSkipped() throws Exception {
        Path passwd = root.resolve("passwd");
        Files.writeString(passwd, "tenon:x:999:998::/:/bin/false\nbroken\nx:y:z:w\n");
        assertThat(RunAs.read(passwd)).containsExactly(new RunAs.User("tenon", 999, 998));
    }

    @Test
    void builder_badValues_areRefused() {
        assertThatThrownBy(() -> LocalDelivery.builder().ports(80, 90)).isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> LocalDelivery.builder().ports(3000, 2000)).isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> LocalDelivery.builder().id("Not a name")).isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> LocalDelivery.builder().spares(17)).isInstanceOf(InvalidSpecException.class);
    }

    @Test
    void lock_heldByThisJvm_isTakenForEverybody() throws Exception {
        Path file = root.resolve("lock");
        try (MachineLock held = MachineLock.tryTake(file).orElseThrow()) {
            assertThat(MachineLock.tryTake(file)).isEmpty();
        }
        try (MachineLock again = MachineLock.tryTake(file).orElseThrow()) {
            assertThat(again).isNotNull();
        }
    }
}
