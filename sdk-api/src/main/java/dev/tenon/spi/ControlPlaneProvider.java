package dev.tenon.spi;

import dev.tenon.api.Tenon;

/** Starts a control plane; found through {@link java.util.ServiceLoader}. Implemented by {@code tenon-core}. */
@FunctionalInterface
public interface ControlPlaneProvider {
    /** Starts a control plane. */
    Tenon start(ControlPlaneSettings settings);
}
