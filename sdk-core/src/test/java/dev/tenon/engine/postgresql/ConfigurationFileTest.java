package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.TenonException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationFileTest {
    @Test
    void write_valuesWithQuotes_areOneLineEach() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("work_mem", "4MB");
        settings.put("log_line_prefix", "%m 'x' \\ # $(id) `id` ${env} {{x}} !!javax ");
        settings.put("my.option", "");

        assertThat(ConfigurationFile.write(settings)).isEqualTo("""
                        # Written by Tenon; what is changed here by hand is lost.
                        work_mem = '4MB'
                        log_line_prefix = '%m ''x'' \\\\ # $(id) `id` ${env} {{x}} !!javax '
                        my.option = ''
                        """);
        assertThat(ConfigurationFile.read(ConfigurationFile.write(settings))).isEqualTo(settings);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "on'\nshared_preload_libraries='x",
                "x\r\ny",
                "x\u0000y",
                "x\ty",
                "x\u001by",
                "x\u007fy",
            })
    void write_valueWithAControlCharacter_isRefused(String value) {
        assertThatThrownBy(() -> ConfigurationFile.write(Map.of("work_mem", value)))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a b",
                "a=b",
                "include",
                "INCLUDE_IF_EXISTS",
                "a'",
                "a\nb",
                "a.b.c",
                "1a",
                "a-b",
                "include_dir 'x'"
            })
    void write_nameThatIsNone_isRefused(String name) {
        assertThatThrownBy(() -> ConfigurationFile.write(Map.of(name, "x")))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PARAMETER_INVALID));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void read_ofWrite_isTheSame(long seed) {
        Random random = new Random(seed);
        String alphabet = "'\\\"=#% abc;$,\u00e9\u4e2d";
        for (int i = 0; i < 2_000; i++) {
            Map<String, String> settings = new LinkedHashMap<>();
            for (int k = 0; k < 3; k++) {
                StringBuilder value = new StringBuilder();
                for (int n = random.nextInt(8); n > 0; n--) {
                    value.append(alphabet.charAt(random.nextInt(alphabet.length())));
                }
                settings.put("name_" + k, value.toString());
            }
            assertThat(ConfigurationFile.read(ConfigurationFile.write(settings)))
                    .isEqualTo(settings);
        }
    }
}
