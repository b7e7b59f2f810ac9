package dev.tenon.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PasswordHashTest {
    private static final Secret GOOD = Secret.of("correct horse battery");

    @Test
    void matches_afterWritingAndReading_onlyTheSamePassword() {
        PasswordHash hash = PasswordHash.parse(
                PasswordHash.of("mia", GOOD, new SecureRandom()).text());

        assertThat(hash.matches(GOOD)).isTrue();
        assertThat(hash.matches(Secret.of("correct horse batter"))).isFalse();
    }

    @Test
    void text_twice_differsAndHoldsNoPassword() {
        String one = PasswordHash.of("mia", GOOD, new SecureRandom()).text();
        String two = PasswordHash.of("mia", GOOD, new SecureRandom()).text();

        assertThat(one).isNotEqualTo(two).startsWith("pbkdf2-sha256$600000$").doesNotContain("horse");
    }

    @ParameterizedTest
    @ValueSource(strings = {"short", "quite-a-long-name"})
    void of_weakPassword_isRefused(String password) {
        assertThatThrownBy(() -> PasswordHash.of("quite-a-long-name", Secret.of(password), new SecureRandom()))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PASSWORD_POLICY));
    }
}
