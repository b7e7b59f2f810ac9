package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A block of IPv4 or IPv6 addresses, written {@code 10.1.0.0/16} or {@code fd00::/8}. A bare address is a block of one. Host
 * names are refused: what they mean can change after the check.
 *
 * @param address the first address in canonical text form; bits below the prefix are zero
 * @param prefixLength 0 to 32 for IPv4, 0 to 128 for IPv6
 */
public record Cidr(String address, int prefixLength) {
    private static final Pattern OCTETS = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})");

    /** Normalises the address. */
    public Cidr {
        byte[] raw = bytes(address);
        if (prefixLength < 0 || prefixLength > raw.length * 8) {
            throw invalid("prefix length " + prefixLength + "; expected 0 to " + raw.length * 8);
        }
        BigInteger value = new BigInteger(1, raw);
        BigInteger network = value.shiftRight(raw.length * 8 - prefixLength).shiftLeft(raw.length * 8 - prefixLength);
        if (!network.equals(value)) {
            throw invalid("the address has bits set below the prefix length " + prefixLength);
        }
        address = text(raw);
    }

    /**
     * Reads an address or a block.
     *
     * @throws InvalidSpecException {@code CIDR_INVALID} if the text is neither, or has bits set below the prefix
     */
    @JsonCreator
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return new Cidr(text, bytes(text).length * 8);
        }
        String length = text.substring(slash + 1);
        if (!length.matches("\\d{1,3}")) {
            throw invalid("the prefix length is not a number");
        }
        return new Cidr(text.substring(0, slash), Integer.parseInt(length));
    }

    /** Returns whether the block is IPv6. */
    public boolean ipv6() {
        return address.indexOf(':') >= 0;
    }

    /** Returns whether the block holds every address of its family: {@code 0.0.0.0/0} or {@code ::/0}. */
    public boolean wideOpen() {
        return prefixLength == 0;
    }

    @Override
    @JsonValue
    public String toString() {
        return address + "/" + prefixLength;
    }

    private static byte[] bytes(String text) {
        Matcher v4 = OCTETS.matcher(text);
        if (v4.matches()) {
            byte[] raw = new byte[4];
            for (int i = 0; i < 4; i++) {
                int octet = Integer.parseInt(v4.group(i + 1));
                if (octet > 255
                        || (v4.group(i + 1).length() > 1 && v4.group(i + 1).charAt(0) == '0')) {
                    throw invalid("not an IPv4 address");
                }
                raw[i] = (byte) octet;
            }
            return raw;
        }
        return ipv6Bytes(text);
    }

    private static byte[] ipv6Bytes(String text) {
        int gap = text.indexOf("::");
        if (text.length() > 39 || (gap >= 0 && text.indexOf("::", gap + 1) > gap)) {
            throw invalid("not an IP address");
        }
        String[] head = groups(gap < 0 ? text : text.substring(0, gap));
        String[] tail = gap < 0 ? new String[0] : groups(text.substring(gap + 2));
        int known = head.length + tail.length;
        if (gap < 0 ? known != 8 : known > 7) {
            throw invalid("not an IP address");
        }
        byte[] raw = new byte[16];
        put(head, raw, 0);
        put(tail, raw, 16 - 2 * tail.length);
        return raw;
    }

    private static String[] groups(String text) {
        return text.isEmpty() ? new String[0] : text.split(":", -1);
    }

    private static void put(String[] groups, byte[] raw, int at) {
        int offset = at;
        for (String group : groups) {
            if (!group.matches("[0-9a-fA-F]{1,4}")) {
                throw invalid("not an IP address");
            }
            int value = Integer.parseInt(group, 16);
            raw[offset++] = (byte) (value >> 8);
            raw[offset++] = (byte) value;
        }
    }

    /** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups shortened. */
    private static String text(byte[] raw) {
        StringBuilder out = new StringBuilder();
        if (raw.length == 4) {
            for (int i = 0; i < 4; i++) {
                out.append(i == 0 ? "" : ".").append(raw[i] & 0xff);
            }
            return out.toString();
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = ((raw[2 * i] & 0xff) << 8) | (raw[2 * i + 1] & 0xff);
        }
        int start = -1;
        int length = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > length) {
                start = i;
                length = end - i;
            }
        }
        for (int i = 0; i < 8; i++) {
            if (i == start) {
                out.append("::");
                i += length - 1;
            } else {
                out.append(out.isEmpty() || out.charAt(out.length() - 1) == ':' ? "" : ":")
                        .append(Integer.toHexString(groups[i]));
            }
        }
        return out.toString();
    }

    private static InvalidSpecException invalid(String message) {
        return new InvalidSpecException(
                ErrorCode.CIDR_INVALID, "whitelist", message + "; expected an address or a block such as 10.1.0.0/16");
    }
}
