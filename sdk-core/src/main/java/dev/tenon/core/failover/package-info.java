/**
 * How an instance of several members keeps what it acknowledged and changes its primary: the fail-over protocol as pure functions.
 * A {@link dev.tenon.core.failover.FailoverRecord} is what the store holds, {@link dev.tenon.core.failover.Seen} what was observed,
 * and {@link dev.tenon.core.failover.FailoverPlanner} turns both into what to write and what to tell whom. Nothing here does I/O or
 * has a clock; {@link dev.tenon.core.cluster} does, and drives them for every instance with standbys. The reasons are in decision
 * 0013.
 */
@NullMarked
package dev.tenon.core.failover;

import org.jspecify.annotations.NullMarked;
