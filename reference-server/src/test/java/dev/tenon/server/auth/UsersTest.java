package dev.tenon.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.server.http.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsersTest {
    private static final User ADMIN = new User("admin", Role.ADMIN, Optional.empty());
    private static final User MEMBER =
            new User("mia", Role.MEMBER, Optional.of(new TenantId("t-aaaaaaaaaaaaaaaaaaaa")));
    private static final Secret PASSWORD = Secret.of("correct horse battery");

    @TempDir
    Path directory;

    @Test
    void users_readAgain_areTheSame() {
        Users users = users();
        users.add(ADMIN, PASSWORD);
        users.add(MEMBER, PASSWORD);

        Users again = users();

        assertThat(again.list()).containsExactly(ADMIN, MEMBER);
        assertThat(again.verify("mia", PASSWORD)).contains(MEMBER);
        assertThat(again.verify("mia", Secret.of("something else"))).isEmpty();
        assertThat(again.verify("nobody", PASSWORD)).isEmpty();
    }

    @Test
    void add_takenName_isRefused() {
        Users users = users();
        users.add(ADMIN, PASSWORD);

        assertCode(() -> users.add(ADMIN, PASSWORD), ErrorCode.NAME_TAKEN);
    }

    @Test
    void remove_lastAdministrator_isRefused() {
        Users users = users();
        users.add(ADMIN, PASSWORD);

        assertCode(() -> users.remove("admin"), ErrorCode.ILLEGAL_STATE);
        assertCode(() -> users.remove("nobody"), ErrorCode.NOT_FOUND);
    }

    @Test
    void read_fileOthersMayRead_isRefused() throws Exception {
        users().add(ADMIN, PASSWORD);
        Files.setPosixFilePermissions(directory.resolve("accounts.json"), PosixFilePermissions.fromString("rw-r--r--"));

        assertCode(this::users, ErrorCode.WRONG_OWNER);
    }

    @Test
    void read_damagedFile_saysWhatToDo() throws Exception {
        users().add(ADMIN, PASSWORD);
        Files.writeString(directory.resolve("accounts.json"), "{");

        assertThatThrownBy(this::users).hasMessageContaining("accounts.json is damaged; restore it");
    }

    @Test
    void user_memberWithoutTenant_isRefused() {
        assertThatThrownBy(() -> new User("mia", Role.MEMBER, Optional.empty()))
                .isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> new User("Mia", Role.ADMIN, Optional.empty()))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NAME_INVALID));
    }

    private Users users() {
        return new Users(directory.resolve("accounts.json"), Json.mapper(), new SecureRandom());
    }

    private static void assertCode(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, ErrorCode code) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }
}
