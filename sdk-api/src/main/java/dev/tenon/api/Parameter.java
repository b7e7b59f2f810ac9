package dev.tenon.api;

import java.util.List;
import java.util.Optional;

/**
 * One parameter of an engine, as the server itself describes it.
 *
 * @param name the engine's name for it
 * @param type what values look like
 * @param unit the unit of a bare number, if it has one: {@code kB}, {@code 8kB}, {@code ms}, …
 * @param min least value in {@code unit}, for numbers
 * @param max greatest value in {@code unit}, for numbers
 * @param allowed the allowed words, for enumerations
 * @param defaultValue the built-in default
 * @param restart whether a change needs a restart
 * @param access who may set it
 * @param category the engine's own grouping
 * @param description the engine's own words
 */
public record Parameter(
        String name,
        Type type,
        Optional<String> unit,
        Optional<String> min,
        Optional<String> max,
        List<String> allowed,
        String defaultValue,
        boolean restart,
        Access access,
        String category,
        String description) {
    /** What values look like. */
    public enum Type {
        /** on or off. */
        BOOLEAN,
        /** A whole number, perhaps with a unit. */
        INTEGER,
        /** A number with a fraction, perhaps with a unit. */
        REAL,
        /** One of some words. */
        ENUM,
        /** Any text. */
        STRING
    }

    /** Who may set a parameter. */
    public enum Access {
        /** Tenants. */
        TENANT,
        /** Nobody but the platform: it would break isolation, or the platform manages it. */
        FORBIDDEN
    }
}
