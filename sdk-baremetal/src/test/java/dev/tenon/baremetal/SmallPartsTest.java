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
