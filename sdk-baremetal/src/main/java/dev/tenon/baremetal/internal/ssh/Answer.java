package dev.tenon.baremetal.internal.ssh;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * What came back from a command.
 *
 * @param exit its exit status; empty if the connection was lost before it came, so that the outcome is not known
 * @param output what it printed
 * @param complaint what it printed to its error stream, at most 64 KiB
 */
public record Answer(OptionalInt exit, byte[] output, String complaint) {
    /** Returns the output as text. */
    public String text() {
        return new String(output, StandardCharsets.UTF_8);
    }
}
