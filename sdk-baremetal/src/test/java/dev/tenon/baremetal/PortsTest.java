package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PortsTest {
    @TempDir
    Path root;

    private Ports ports() {
        return new Ports(root.resolve("claims"), 20_000, 20_001);
    }

    @BeforeEach
    void makeHomes() throws Exception {
        for (String home : new String[] {"a", "b", "c"}) {
            Files.createDirectory(root.resolve(home));
        }
    }

    @Test
    void claim_twoMembers_getDifferentNumbersOfTheRange() {
        int a = ports().claim(root.resolve("a"), "db");
        int b = ports().claim(root.resolve("b"), "db");
        assertThat(a).isNotEqualTo(b).isBetween(20_000, 20_001);
    }

    @Test
    void claim_repeatedAfterACrash_findsTheSameNumber() {
        int first = ports().claim(root.resolve("a"), "db");
        assertThat(ports().claim(root.resolve("a"), "db")).isEqualTo(first);
    }

    @Test
    void claim_rangeFull_saysSo() {
        ports().claim(root.resolve("a"), "db");
        ports().claim(root.resolve("b"), "db");
        assertThatThrownBy(() -> ports().claim(root.resolve("c"), "db"))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CAPACITY_EXCEEDED));
    }

    @Test
    void claim_ofAMemberThatIsGone_isTakenOver() throws Exception {
        ports().claim(root.resolve("a"), "db");
        ports().claim(root.resolve("b"), "db");
        Files.delete(root.resolve("a"));
        assertThat(ports().claim(root.resolve("c"), "db")).isBetween(20_000, 20_001);
    }

    @Test
    void release_byAnother_changesNothing() {
        int a = ports().claim(root.resolve("a"), "db");
        ports().release(a, root.resolve("b"));
        assertThat(root.resolve("claims").resolve(Integer.toString(a))).exists();
        ports().release(a, root.resolve("a"));
        assertThat(root.resolve("claims").resolve(Integer.toString(a))).doesNotExist();
    }
}
