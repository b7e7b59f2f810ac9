package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The one writer of {@code postgresql.conf}: one key on one line, every value quoted. What it wrote is read back and compared, so
 * that no value can become another setting.
 *
 * @see <a href="https://www.postgresql.org/docs/current/config-setting.html">PostgreSQL: setting parameters</a>
 */
final class ConfigurationFile {
    private static final String HEADER = "# Written by Tenon; what is changed here by hand is lost.\n";
    /** The server reads {@code include = 'x'} as a directive, and no parameter begins so. */
    private static final Pattern NAME =
            Pattern.compile("(?!(?i:include))[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?");

    private static final Pattern LINE = Pattern.compile("([A-Za-z0-9_.]+) = '((?:[^'\\\\]|''|\\\\\\\\)*)'");

    private ConfigurationFile() {}

    static String write(Map<String, String> settings) {
        StringBuilder out = new StringBuilder(HEADER);
        settings.forEach((name, value) -> {
            if (!NAME.matcher(name).matches()) {
                throw new InvalidSpecException(
                        ErrorCode.PARAMETER_INVALID, "parameters", "not the name of a parameter");
            }
            checkValue(name, value);
            out.append(name)
                    .append(" = '")
                    .append(value.replace("\\", "\\\\").replace("'", "''"))
                    .append("'\n");
        });
        String text = out.toString();
        if (!read(text).equals(settings)) {
            throw new IllegalStateException("the configuration file does not say what was meant");
        }
        return text;
    }

    /** Refuses what no line of the file can carry. */
    static void checkValue(String name, String value) {
        if (value.chars().anyMatch(c -> c < 0x20 || c == 0x7F)) {
            throw new InvalidSpecException(
                    ErrorCode.PARAMETER_INVALID,
                    "parameters." + name,
                    "holds a control character such as a line break; expected one line of text");
        }
    }

    /** Reads what {@link #write} wrote, by the server's rules for quoted values. */
    static Map<String, String> read(String text) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String line : text.split("\n", -1)) {
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches()) {
                throw new IllegalStateException("a line is not a setting");
            }
            String value = matcher.group(2).replace("''", "'").replace("\\\\", "\\");
            if (settings.put(matcher.group(1), value) != null) {
                throw new IllegalStateException("a setting is there twice: " + matcher.group(1));
            }
        }
        return settings;
    }
}
