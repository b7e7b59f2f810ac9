package dev.tenon.api;

/**
 * A database in an instance.
 *
 * @param name its name
 * @param owner the account that owns it
 * @param size bytes it takes
 */
public record Database(String name, String owner, DataSize size) {}
