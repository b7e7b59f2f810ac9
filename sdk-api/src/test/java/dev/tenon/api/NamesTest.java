package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"a", "orders", "a-b", "0", "x012345678901234567890123456789012345678901234567890123456789ab"})
    void label_ofAllowedForm_passes(String name) {
        assertThat(Names.label("name", name)).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "a.b",
                "-a",
                "a-",
                "A_b",
                "Orders",
                "a/b",
                "..",
                "a\\b",
                "a\0",
                "a\r",
                "a\nb",
                "a\tb",
                "a\u001b[1m",
                "订单",
                "a\u202eb",
                "a\u200db",
                "😀",
                "x012345678901234567890123456789012345678901234567890123456789abc"
            })
    void label_ofOtherForm_isRefused(String name) {
        assertRefused(() -> Names.label("name", name), ErrorCode.NAME_INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "kube-system", "postgres", "template0", "sys", "sysdba"})
    void label_reserved_isRefused(String name) {
        assertRefused(() -> Names.label("name", name), ErrorCode.RESERVED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\"b", "a'b", "a;b", "a\\b", "a\r\nb", "Abc", "1a", "a-b", "é", ""})
    void databaseObject_ofOtherForm_isRefused(String name) {
        assertRefused(() -> Names.databaseObject("account", name), ErrorCode.NAME_INVALID);
    }

    @Test
    void databaseObject_of64Bytes_isRefused() {
        assertThat(Names.databaseObject("account", "a".repeat(63))).hasSize(63);
        assertRefused(() -> Names.databaseObject("account", "a".repeat(64)), ErrorCode.NAME_INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pg_read_server_files", "pg_x", "postgres", "replicator", "tenon_platform", "public"})
    void databaseObject_reserved_isRefused(String name) {
        assertRefused(() -> Names.databaseObject("account", name), ErrorCode.RESERVED);
    }

    @Test
    void display_decomposedText_isComposed() {
        assertThat(Names.display("displayName", "e\u0301te\u0301 订单 😀", 20)).isEqualTo("\u00e9t\u00e9 订单 😀");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a\u202eb", "a\u200bb", "a\nb", "a\0", "\ud800", "\ue000"})
    void display_invisibleCharacters_areRefused(String text) {
        assertRefused(() -> Names.display("displayName", text, 20), ErrorCode.NAME_INVALID);
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, ErrorCode code) {
        assertThatThrownBy(call).isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }
}
