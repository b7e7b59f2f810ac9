package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of bytes, at least zero. Text form is a decimal number and a binary unit: {@code 512MiB}, {@code 1.5GiB}.
 *
 * @param bytes the amount
 */
public record DataSize(long bytes) implements Comparable<DataSize> {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,6})?)(B|KiB|MiB|GiB|TiB)");
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

    /** Checks the amount. */
    public DataSize {
        if (bytes < 0) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "size", bytes + " bytes; expected at least 0");
        }
    }

    /** Returns {@code n} bytes. */
    public static DataSize bytes(long n) {
        return new DataSize(n);
    }

    /** Returns {@code n} times 2^20 bytes. */
    public static DataSize mib(long n) {
        return scaled(n, 20);
    }

    /** Returns {@code n} times 2^30 bytes. */
    public static DataSize gib(long n) {
        return scaled(n, 30);
    }

    /**
     * Reads the text form. A number without a unit is refused: nobody can tell bytes from megabytes later.
     *
     * @throws InvalidSpecException {@code SIZE_INVALID} if the text has no unit, is no number, is not a whole number of
     *     bytes, or does not fit 63 bits
     */
    @JsonCreator
    public static DataSize parse(String text) {
        Matcher m = TEXT.matcher(text);
        if (!m.matches()) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID,
                    "size",
                    "not a size; expected a number and one of B, KiB, MiB, GiB, TiB, such as 512MiB or 1.5GiB");
        }
        int shift = 0;
        while (!UNITS[shift].equals(m.group(2))) {
            shift++;
        }
        try {
            return new DataSize(new BigDecimal(m.group(1))
                    .multiply(BigDecimal.valueOf(1L << (10 * shift)))
                    .longValueExact());
        } catch (ArithmeticException e) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID, "size", text + " is not a whole number of bytes below 2^63");
        }
    }

    private static DataSize scaled(long n, int shift) {
        if (n < 0 || n > (Long.MAX_VALUE >> shift)) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "size", n + " is out of range");
        }
        return new DataSize(n << shift);
    }

    /** Returns the sum. */
    public DataSize plus(DataSize other) {
        return new DataSize(Math.addExact(bytes, other.bytes));
    }

    /** Returns the amount in whole MiB, rounded down. */
    public long toMib() {
        return bytes >> 20;
    }

    @Override
    public int compareTo(DataSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** Returns the text form with the largest unit that divides the amount. */
    @Override
    @JsonValue
    public String toString() {
        int unit = 0;
        long n = bytes;
        while (n != 0 && n % 1024 == 0 && unit < UNITS.length - 1) {
            n /= 1024;
            unit++;
        }
        return n + UNITS[unit];
    }
}
