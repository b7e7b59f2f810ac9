package dev.tenon.spi.engine;

import dev.tenon.api.DataSize;
import java.util.List;

/**
 * Settings that fit a size.
 *
 * @param settings in the engine's own names, in writing order
 * @param worstCase the most memory the server can use with them
 * @param proof the terms of {@code worstCase}, for people
 */
public record Sizing(List<Setting> settings, DataSize worstCase, List<String> proof) {
    /**
     * One setting.
     *
     * @param name the engine's name for it
     * @param value in the engine's own form
     * @param reason why, for people
     */
    public record Setting(String name, String value, String reason) {}

    /** Copies the lists. */
    public Sizing {
        settings = List.copyOf(settings);
        proof = List.copyOf(proof);
    }
}
