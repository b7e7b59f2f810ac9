/**
 * Carries the fail-over protocol out: asks the members of an instance what they are, lets
 * {@link dev.tenon.core.failover.FailoverPlanner} decide, writes what is to be recorded and carries its orders to the members. What
 * is decided lives in {@link dev.tenon.core.failover}, when a pass is made in the reconciler. The reasons are in decision 0016.
 */
@NullMarked
package dev.tenon.core.cluster;

import org.jspecify.annotations.NullMarked;
