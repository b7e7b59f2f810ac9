package dev.tenon.engine.postgresql;

import java.net.IDN;
import java.text.Normalizer;
import java.util.stream.IntStream;

/**
 * SASLprep (RFC 4013) the way PostgreSQL applies it to passwords: pure ASCII stays as it is, and a text that the profile
 * forbids is used unprepared instead of being refused, so that any password works.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sasl-authentication.html">PostgreSQL: SASL authentication</a>
 */
final class SaslPrep {
    private SaslPrep() {}

    static String prepare(String text) {
        if (text.chars().allMatch(c -> c < 0x80)) {
            return text;
        }
        StringBuilder mapped = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (nonAsciiSpace(c)) {
                mapped.append(' ');
            } else if (!mappedToNothing(c)) {
                mapped.appendCodePoint(c);
            }
        });
        String normal = Normalizer.normalize(mapped, Normalizer.Form.NFKC);
        if (normal.isEmpty()
                || normal.codePoints().anyMatch(c -> prohibited(c) || unassigned(c))
                || !bidiRuleKept(normal)) {
            return text;
        }
        return normal;
    }

    /** RFC 3454, table C.1.2. */
    private static boolean nonAsciiSpace(int c) {
        return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || c == 0x202F || c == 0x205F || c == 0x3000;
    }

    /** RFC 3454, table B.1. */
    private static boolean mappedToNothing(int c) {
        return c == 0xAD
                || c == 0x34F
                || c == 0x1806
                || (c >= 0x180B && c <= 0x180D)
                || c == 0x200C
                || c == 0x200D
                || c == 0x2060
                || (c >= 0xFE00 && c <= 0xFE0F)
                || c == 0xFEFF;
    }

    /** RFC 3454, tables C.1.2, C.2.1, C.2.2 and C.3 to C.9. */
    private static boolean prohibited(int c) {
        return nonAsciiSpace(c)
                || c < 0x20
                || (c >= 0x7F && c <= 0x9F)
                || c == 0x6DD
                || c == 0x70F
                || c == 0x180E
                || (c >= 0x200C && c <= 0x200F)
                || (c >= 0x2028 && c <= 0x202E)
                || (c >= 0x2060 && c <= 0x2063)
                || (c >= 0x206A && c <= 0x206F)
                || c == 0x340
                || c == 0x341
                || (c >= 0x2FF0 && c <= 0x2FFB)
                || (c >= 0xD800 && c <= 0xF8FF)
                || (c >= 0xFDD0 && c <= 0xFDEF)
                || c == 0xFEFF
                || (c >= 0xFFF9 && c <= 0xFFFF)
                || (c >= 0x1D173 && c <= 0x1D17A)
                || (c & 0xFFFE) == 0xFFFE
                || (c >= 0xE0000 && c <= 0xE007F)
                || c >= 0xF0000;
    }

    /**
     * RFC 3454, table A.1: code points that Unicode 3.2 does not know. The JDK carries that table in its IDNA 2003 converter, which
     * refuses exactly them unless told to allow them.
     */
    private static boolean unassigned(int c) {
        if (c < 0x80) {
            return false;
        }
        String text = Character.toString(c);
        return !convertible(text, 0) && convertible(text, IDN.ALLOW_UNASSIGNED);
    }

    private static boolean convertible(String text, int flags) {
        try {
            IDN.toASCII(text, flags);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** RFC 3454, section 6: with one right-to-left letter, no left-to-right one, and right-to-left at both ends. */
    private static boolean bidiRuleKept(String text) {
        int[] points = text.codePoints().toArray();
        if (IntStream.of(points).noneMatch(SaslPrep::rightToLeft)) {
            return true;
        }
        return IntStream.of(points)
                        .noneMatch(c -> Character.getDirectionality(c) == Character.DIRECTIONALITY_LEFT_TO_RIGHT)
                && rightToLeft(points[0])
                && rightToLeft(points[points.length - 1]);
    }

    private static boolean rightToLeft(int c) {
        byte direction = Character.getDirectionality(c);
        return direction == Character.DIRECTIONALITY_RIGHT_TO_LEFT
                || direction == Character.DIRECTIONALITY_RIGHT_TO_LEFT_ARABIC;
    }
}
