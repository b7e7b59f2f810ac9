/**
 * A simulated place and a simulated engine: in memory, no processes, no files, thousands of members in little memory. For proofs
 * about the control plane, which sees the same promises as from a real place.
 */
@NullMarked
package dev.tenon.testkit.sim;

import org.jspecify.annotations.NullMarked;
