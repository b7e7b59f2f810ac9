package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataSizeTest {
    @ParameterizedTest
    @CsvSource({"0B,0", "1KiB,1024", "512MiB,536870912", "1.5GiB,1610612736", "8TiB,8796093022208"})
    void parse_numberWithUnit_isExact(String text, long bytes) {
        assertThat(DataSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "512",
                "1.5Gi",
                "9223372036854775808",
                "9223372036854775808B",
                "1e400",
                "1e3MiB",
                "-1MiB",
                " 1MiB",
                "1 MiB",
                "NaN",
                "Infinity",
                "0.3B",
                "999999999999TiB",
                "1MiB\n"
            })
    void parse_anythingElse_isRefused(String text) {
        assertThatThrownBy(() -> DataSize.parse(text))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SIZE_INVALID));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 1023, 1024, 1025, 1L << 30, (1L << 40) + 1, Long.MAX_VALUE})
    void toString_ofAnySize_parsesBack(long bytes) {
        DataSize size = DataSize.bytes(bytes);

        // 2^63-1 has more digits than a user may write; what we print is still exact.
        if (bytes < 1_000_000_000_000L || bytes % 1024 == 0) {
            assertThat(DataSize.parse(size.toString())).isEqualTo(size);
        } else {
            assertThat(size.toString()).isEqualTo(bytes + "B");
        }
    }

    @Test
    void plus_beyond63Bits_isRefused() {
        assertThatThrownBy(() -> DataSize.bytes(Long.MAX_VALUE).plus(DataSize.bytes(1)))
                .isInstanceOf(ArithmeticException.class);
    }
}
