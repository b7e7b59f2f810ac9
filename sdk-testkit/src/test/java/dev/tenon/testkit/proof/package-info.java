/** Proofs about the control plane, made in a simulated world: crashes, faults, bad inputs, strangers. */
@NullMarked
package dev.tenon.testkit.proof;

import org.jspecify.annotations.NullMarked;
