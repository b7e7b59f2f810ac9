package dev.tenon.spi.engine;

import java.util.List;

/** Runs one of the engine's own programs where the software is, and returns what it printed. */
@FunctionalInterface
public interface SoftwareTool {
    /**
     * Runs the program to its end, at most 30 seconds.
     *
     * @param argv program in the software's {@code bin}, then its arguments
     * @return standard output
     * @throws dev.tenon.api.ProviderException {@code SOFTWARE_MISSING}, or {@code PROVIDER_FAILED} if it ends with another
     *     code than 0
     */
    String run(List<String> argv);
}
