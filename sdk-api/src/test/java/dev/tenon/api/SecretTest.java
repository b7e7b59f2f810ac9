package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.InvalidDefinitionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretTest {
    @Test
    void secret_printedOrWritten_showsNothing() {
        Secret secret = Secret.of("correct horse battery");

        assertThat(secret).hasToString("***");
        assertThat(new Credential("app_owner", secret).toString()).doesNotContain("horse");
        assertThatThrownBy(() -> new ObjectMapper().writeValueAsString(secret))
                .isInstanceOf(InvalidDefinitionException.class);
        assertThat(secret.<String>reveal(text -> text)).isEqualTo("correct horse battery");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "short",
                "with\0nul-character",
                "app_owner_xx",
                "APP_OWNER_XX",
                "password1234",
                "md5d41d8cd98f00b204e9800998ecf8427e",
                "SCRAM-SHA-256$4096:c2FsdA==$a:b"
            })
    void password_weakOrHashed_isRefused(String password) {
        assertThatThrownBy(() -> Passwords.check("password", "app_owner_xx", Secret.of(password)))
                .isInstanceOfSatisfying(InvalidSpecException.class, e -> {
                    assertThat(e.code()).isEqualTo(ErrorCode.PASSWORD_POLICY);
                    assertThat(password.isBlank() || !e.getMessage().contains(password))
                            .isTrue();
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"quote'backslash\\dollar$$", "            ", "new\nline and more", "密码密码密码密码密码密码"})
    void password_withOddCharacters_passes(String password) {
        Passwords.check("password", "app_owner", Secret.of(password));

        assertThat(Secret.of(password).<Integer>reveal(String::length)).isEqualTo(password.length());
    }
}
