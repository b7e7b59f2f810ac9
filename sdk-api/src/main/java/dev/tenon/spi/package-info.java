/**
 * What backends implement: engines, deliveries and stores. Engines know databases, deliveries know places, and neither knows
 * the other; they meet in {@code dev.tenon.spi.workload}. No package here names {@code dev.tenon.core}.
 */
@NullMarked
package dev.tenon.spi;

import org.jspecify.annotations.NullMarked;
