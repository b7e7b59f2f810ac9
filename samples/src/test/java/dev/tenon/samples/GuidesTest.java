package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pages show code that is compiled, and point at what exists. */
class GuidesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern CODE =
            Pattern.compile("<!-- (samples/\\S+\\.java) -->\n```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\((?!https?:)([^)#]+)");

    static List<Path> pages() throws IOException {
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            return docs.filter(path -> path.toString().endsWith(".md")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void page_code_isTheSamples(Path page) throws IOException {
        Matcher shown = CODE.matcher(Files.readString(page));
        while (shown.find()) {
            assertThat(shown.group(2))
                    .as(page + " of " + shown.group(1))
                    .isEqualTo(region(ROOT.resolve(shown.group(1))));
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void page_links_leadSomewhere(Path page) throws IOException {
        Matcher link = LINK.matcher(Files.readString(page));
        while (link.find()) {
            assertThat(page.resolveSibling(link.group(1)).normalize()).exists();
        }
    }

    @Test
    void samples_areAllShown() throws IOException {
        String all = "";
        for (Path page : pages()) {
            all += Files.readString(page);
        }
        try (Stream<Path> sources = Files.list(ROOT.resolve("samples/src/main/java/dev/tenon/samples"))) {
            for (Path source : sources.toList()) {
                if (!source.endsWith("package-info.java")) {
                    assertThat(all).contains(ROOT.relativize(source).toString());
                }
            }
        }
    }

    /** Returns what lies between the marks, moved to the left. */
    private static String region(Path source) throws IOException {
        List<String> lines = Files.readAllLines(source);
        List<String> trimmed = lines.stream().map(String::strip).toList();
        List<String> region = lines.subList(trimmed.indexOf("// begin") + 1, trimmed.indexOf("// end"));
        return region.stream().collect(Collectors.joining("\n")).stripIndent() + "\n";
    }
}
