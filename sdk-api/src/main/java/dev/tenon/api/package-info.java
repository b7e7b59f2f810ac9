/**
 * What applications call: tenants, instances, operations, events, and the values and errors they speak in.
 *
 * <p>Start at {@link dev.tenon.api.Tenon}. Nothing here names an engine's or a delivery's own type; those implement
 * {@code dev.tenon.spi}.
 */
@NullMarked
package dev.tenon.api;

import org.jspecify.annotations.NullMarked;
