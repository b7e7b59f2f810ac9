package dev.tenon.api;

/**
 * A user and its password.
 *
 * @param user the name
 * @param password the password
 */
public record Credential(String user, Secret password) {}
