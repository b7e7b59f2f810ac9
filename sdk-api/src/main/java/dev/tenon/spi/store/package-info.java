/**
 * What a store of the control plane implements: documents with compare-and-set, unique keys, counters with limits, leases and
 * the event outbox.
 */
@NullMarked
package dev.tenon.spi.store;

import org.jspecify.annotations.NullMarked;
