package dev.tenon.spi.workload;

import dev.tenon.api.EngineId;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An engine's programs, resolved by the place: an unpacked archive, an install directory, an image, a package.
 *
 * @param engine the engine
 * @param version what the user asked for, such as {@code 17} or {@code 8}; the place picks the build
 */
public record Software(EngineId engine, String version) {
    // As in EngineId: a new JVM's first instance meets these.

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Software software && engine.equals(software.engine) && version.equals(software.version);
    }

    @Override
    public int hashCode() {
        return Objects.hash(engine, version);
    }
}
