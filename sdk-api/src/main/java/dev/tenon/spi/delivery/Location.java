package dev.tenon.spi.delivery;

/**
 * Where a member is.
 *
 * @param zone the zone (可用区)
 * @param host the host within it
 */
public record Location(String zone, String host) {}
