package dev.tenon.api;

/**
 * A size class (规格) from the catalogue.
 *
 * @param name 1 to 40 characters of {@code a-z0-9-}
 * @param resources what each member gets
 */
public record Plan(String name, Resources resources) {}
