package dev.tenon.spi.delivery;

/**
 * The lease epoch under which a control plane acts. A delivery remembers, durably, the highest epoch it has seen for a member
 * and refuses a lower one with {@code FENCED}.
 *
 * @param value grows with every change of the lease's holder; at least 1
 */
public record Epoch(long value) {}
