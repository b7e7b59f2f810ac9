package dev.tenon.server.portal.view;

import dev.tenon.api.EngineId;

/** Engines' names for people. */
public final class Engines {
    private Engines() {}

    /** Returns a name for people. */
    public static String name(EngineId engine) {
        return switch (engine.value()) {
            case "postgresql" -> "PostgreSQL";
            case "dm8" -> "DM8";
            default -> engine.value();
        };
    }
}
