package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.InvalidSpecException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    @Test
    void parse_everything_isUnderstood() {
        Options options =
                parse("--directory /d --port 0 --host ::1 --software /a --software /b --demo --history P7D --hosts /h");

        assertThat(options.task()).isEqualTo(Options.Task.SERVE);
        assertThat(options.settings().directory()).isEqualTo(Path.of("/d"));
        assertThat(options.settings().port()).isZero();
        assertThat(options.settings().software()).containsExactly(Path.of("/a"), Path.of("/b"));
        assertThat(options.settings().demo()).isTrue();
        assertThat(options.settings().history()).contains(Duration.ofDays(7));
        assertThat(options.settings().hosts()).contains(Path.of("/h"));
        assertThat(options.settings().tls()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "--directory",
                "--directory /d --port x",
                "--directory /d --history 90",
                "--directory /d --hosts",
                "--directory /d --colour red",
                "--directory /d --tls-cert /c",
                "--directory /d --https --tls-cert /c --tls-key /k",
                "--directory /d --host-name tenon.example",
                "--directory /d --port 65536",
                "--directory /d --port -1",
                "--directory /d --port 5432,22"
            })
    void parse_nonsense_isRefused(String words) {
        assertThatThrownBy(() -> parse(words)).isInstanceOf(InvalidSpecException.class);
    }

    @Test
    void parse_reachableAddressInTheClear_isRefusedUnlessAskedFor() {
        assertThatThrownBy(() -> parse("--directory /d --host 0.0.0.0"))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("--https")
                .hasMessageContaining("--insecure-http");
        assertThat(parse("--directory /d --host 0.0.0.0 --insecure-http")
                        .settings()
                        .insecureHttp())
                .isTrue();
        assertThat(parse("--directory /d --host 0.0.0.0 --https").settings().tls())
                .contains(new ServerSettings.Tls.Own());
    }

    private static Options parse(String words) {
        return Options.parse(words.isEmpty() ? List.of() : List.of(words.split(" ")));
    }
}
