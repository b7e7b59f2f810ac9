package dev.tenon.spi.delivery;

/**
 * The lease epoch under which a control plane acts. A delivery remembers, durably, the highest epoch it has seen for a member
 * and refuses a lower one with {@code FENCED}; for at least a day also after a durable member was destroyed wholly, so that whoever
 * was only slow does not make it again.
 *
 * @param value grows with every change of the lease's holder; at least 1
 */
public record Epoch(long value) {}
