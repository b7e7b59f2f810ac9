package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Parameter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One setting of a server and how the server reads its values: units, rounding and bounds as in {@code parse_int},
 * {@code parse_real} and {@code parse_bool} of guc.c.
 *
 * @param name the server's name for it
 * @param context the server's word for when it can change: {@code postmaster}, {@code sighup}, {@code user}, …
 * @param type what values look like
 * @param unit of a bare number, empty where there is none
 * @param min least number in {@code unit}, empty for other types
 * @param max greatest number in {@code unit}, empty for other types
 * @param words the words of an enumeration
 * @param builtIn the default in {@code unit}
 * @see <a href="https://www.postgresql.org/docs/current/config-setting.html">PostgreSQL: parameter names and values</a>
 */
record ServerSetting(
        String name,
        String context,
        Parameter.Type type,
        String unit,
        String min,
        String max,
        List<String> words,
        String builtIn) {
    private static final Pattern NUMBER = Pattern.compile(
            "\\s*([+-]?(?:0[xX][0-9a-fA-F]{1,16}|(?:\\d{1,30}(?:\\.\\d{0,30})?|\\.\\d{1,30})(?:[eE][+-]?\\d{1,3})?))\\s*([A-Za-z]{0,3})\\s*");
    private static final List<String> MEMORY = List.of("TB", "GB", "MB", "kB", "B");
    private static final List<String> TIME = List.of("d", "h", "min", "s", "ms", "us");

    /** Copies the list. */
    ServerSetting {
        words = List.copyOf(words);
    }

    boolean restart() {
        return context.equals("postmaster");
    }

    /**
     * Returns the value as the server would show it.
     *
     * @throws InvalidSpecException {@code PARAMETER_INVALID} if the server would refuse it; nothing is clamped
     */
    String canonical(String value) {
        ConfigurationFile.checkValue(name, value);
        return switch (type) {
            case BOOLEAN -> canonicalBoolean(value);
            case INTEGER -> show(number(value));
            case REAL -> show(number(value));
            case ENUM ->
                words.stream()
                        .filter(word -> word.equalsIgnoreCase(value))
                        .findFirst()
                        .orElseThrow(() -> invalid("not one of its words"));
            case STRING -> value;
        };
    }

    /** Returns a numeric value in {@link #unit()}, rounded and checked as the server does. */
    double number(String value) {
        Matcher matcher = NUMBER.matcher(value);
        if (!matcher.matches()) {
            throw invalid("not a number with an optional unit");
        }
        double number = magnitude(matcher.group(1));
        String given = matcher.group(2);
        if (!given.isEmpty()) {
            number = toBase(number, given);
        }
        if (type == Parameter.Type.INTEGER) {
            number = Math.rint(number);
        }
        if (!Double.isFinite(number)
                || number < new BigDecimal(min).doubleValue()
                || number > new BigDecimal(max).doubleValue()) {
            throw invalid("out of range");
        }
        return number;
    }

    /** Returns a value that says an amount of memory, in bytes. */
    long bytes(String value) {
        return (long) (number(value) * size(unit));
    }

    Parameter describe(boolean forbidden, String category, String description) {
        return new Parameter(
                name,
                type,
                text(unit),
                text(min),
                text(max),
                words,
                numeric() && !builtIn.isEmpty() ? show(new BigDecimal(builtIn).doubleValue()) : builtIn,
                restart(),
                forbidden ? Parameter.Access.FORBIDDEN : Parameter.Access.TENANT,
                category,
                description);
    }

    private boolean numeric() {
        return type == Parameter.Type.INTEGER || type == Parameter.Type.REAL;
    }

    private static Optional<String> text(String value) {
        return value.isEmpty() ? Optional.empty() : Optional.of(value);
    }

    /** As C does: a leading 0x is hexadecimal and, for whole numbers, a leading 0 octal. */
    private double magnitude(String digits) {
        String unsigned = digits.startsWith("-") || digits.startsWith("+") ? digits.substring(1) : digits;
        double sign = digits.startsWith("-") ? -1 : 1;
        if (unsigned.startsWith("0x") || unsigned.startsWith("0X")) {
            return sign * new BigInteger(unsigned.substring(2), 16).doubleValue();
        }
        if (type == Parameter.Type.INTEGER && unsigned.matches("0[0-7]+")) {
            return sign * new BigInteger(unsigned, 8).doubleValue();
        }
        if (type == Parameter.Type.INTEGER && unsigned.matches("0\\d+")) {
            throw invalid("not a number with an optional unit");
        }
        return sign * Double.parseDouble(unsigned);
    }

    private double toBase(double number, String given) {
        List<String> units = unit.isEmpty() ? List.of() : size(unit) > 0 ? MEMORY : TIME;
        int at = units.indexOf(given);
        if (at < 0) {
            throw invalid(units.isEmpty() ? "takes no unit" : "not a unit it takes");
        }
        double factor = scale(given) / scale(unit);
        double converted = number * factor;
        // A fraction is rounded to the next smaller unit, so that 30.1GB is a whole number of MB.
        if (at + 1 < units.size()) {
            double next = scale(units.get(at + 1)) / scale(unit);
            converted = Math.rint(converted / next) * next;
        }
        return converted;
    }

    /** With the greatest unit that leaves a whole number, as SHOW does. */
    private String show(double number) {
        if (!unit.isEmpty() && number > 0) {
            for (String candidate : size(unit) > 0 ? MEMORY : TIME) {
                double shown = number * scale(unit) / scale(candidate);
                if (shown >= 1 && shown == Math.rint(shown)) {
                    return plain(shown) + candidate;
                }
            }
        }
        return plain(number);
    }

    private static String plain(double number) {
        if (Math.abs(number) >= 1e15) {
            return new BigDecimal(number)
                    .round(new MathContext(6))
                    .stripTrailingZeros()
                    .toString()
                    .toLowerCase(Locale.ROOT);
        }
        return number == Math.rint(number)
                ? Long.toString((long) number)
                : BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
    }

    /** Bytes or microseconds. */
    private static double scale(String unit) {
        long size = size(unit);
        return size > 0
                ? size
                : switch (unit) {
                    case "us" -> 1;
                    case "ms" -> 1e3;
                    case "s" -> 1e6;
                    case "min" -> 60e6;
                    case "h" -> 3600e6;
                    case "d" -> 86400e6;
                    default -> throw new IllegalStateException("unit " + unit);
                };
    }

    private static long size(String unit) {
        return switch (unit) {
            case "B" -> 1;
            case "kB" -> 1L << 10;
            case "8kB" -> 8L << 10;
            case "MB" -> 1L << 20;
            case "GB" -> 1L << 30;
            case "TB" -> 1L << 40;
            default -> 0;
        };
    }

    private String canonicalBoolean(String value) {
        String word = value.toLowerCase(Locale.ROOT);
        if (!word.isEmpty()) {
            if ("true".startsWith(word) || "yes".startsWith(word) || word.equals("on") || word.equals("1")) {
                return "on";
            }
            if ("false".startsWith(word)
                    || "no".startsWith(word)
                    || word.equals("off")
                    || word.equals("of")
                    || word.equals("0")) {
                return "off";
            }
        }
        throw invalid("not a truth value");
    }

    private InvalidSpecException invalid(String problem) {
        String allowed =
                switch (type) {
                    case BOOLEAN -> "on or off";
                    case INTEGER, REAL ->
                        min + " to " + max
                                + (unit.isEmpty()
                                        ? ""
                                        : ", in " + unit + " or with one of "
                                                + String.join(", ", size(unit) > 0 ? MEMORY : TIME));
                    case ENUM -> String.join(", ", words);
                    case STRING -> "one line of text";
                };
        return new InvalidSpecException(
                ErrorCode.PARAMETER_INVALID, "parameters." + name, problem + "; expected " + allowed);
    }
}
