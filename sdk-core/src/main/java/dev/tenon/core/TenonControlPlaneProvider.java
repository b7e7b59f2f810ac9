package dev.tenon.core;

import dev.tenon.api.Actor;
import dev.tenon.api.Tenon;
import dev.tenon.core.change.Caller;
import dev.tenon.spi.ControlPlaneProvider;
import dev.tenon.spi.ControlPlaneSettings;
import java.util.Optional;

/** Starts the control plane; public only for the service loader. */
public final class TenonControlPlaneProvider implements ControlPlaneProvider {
    /** For the service loader. */
    public TenonControlPlaneProvider() {}

    @Override
    public Tenon start(ControlPlaneSettings settings) {
        return new TenonHandle(ControlPlane.start(settings), new Caller(Actor.PROGRAM, Optional.empty()));
    }
}
