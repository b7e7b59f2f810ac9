package dev.tenon.core.pki;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** PEM (RFC 7468): the few lines of it that are needed. */
final class Pem {
    private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});

    private Pem() {}

    static String write(String label, byte[] der) {
        return "-----BEGIN " + label + "-----\n" + LINES.encodeToString(der) + "\n-----END " + label + "-----\n";
    }

    /** Returns the first block with the label. */
    static Optional<byte[]> read(String label, String text) {
        String begin = "-----BEGIN " + label + "-----";
        int from = text.indexOf(begin);
        int to = text.indexOf("-----END " + label + "-----", Math.max(from, 0));
        if (from < 0 || to < 0) {
            return Optional.empty();
        }
        try {
            String body = text.substring(from + begin.length(), to);
            return Optional.of(Base64.getMimeDecoder().decode(body.getBytes(StandardCharsets.US_ASCII)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
