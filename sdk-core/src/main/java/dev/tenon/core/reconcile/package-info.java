/**
 * Carries operations out and keeps instances as they shall be: the queue of instances that need a look, the pass over one of them,
 * the steps, and the sweep over all.
 */
@NullMarked
package dev.tenon.core.reconcile;

import org.jspecify.annotations.NullMarked;
