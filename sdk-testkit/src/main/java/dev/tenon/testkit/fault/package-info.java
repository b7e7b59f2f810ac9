/** Faults before and after the effect of any call to a delivery, an engine or a store, by seed; and crashes of a control plane. */
@NullMarked
package dev.tenon.testkit.fault;

import org.jspecify.annotations.NullMarked;
