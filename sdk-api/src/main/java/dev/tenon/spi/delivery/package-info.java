/**
 * What a place implements: making a member's workload true, observing it, and taking it away.
 */
@NullMarked
package dev.tenon.spi.delivery;

import org.jspecify.annotations.NullMarked;
