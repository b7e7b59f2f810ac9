package dev.tenon.spi.store;

import java.time.Instant;

/**
 * A lease by the store's clock.
 *
 * @param name what is leased
 * @param holder who has it
 * @param epoch raised with every change of the holder
 * @param until when it runs out unless renewed
 */
public record Lease(String name, String holder, long epoch, Instant until) {}
