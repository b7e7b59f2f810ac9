package dev.tenon.spi.workload;

import dev.tenon.api.EngineId;

/**
 * An engine's programs, resolved by the place: an unpacked archive, an install directory, an image, a package.
 *
 * @param engine the engine
 * @param version what the user asked for, such as {@code 17} or {@code 8}; the place picks the build
 */
public record Software(EngineId engine, String version) {}
