/** Tests of the local delivery; those with real processes end in {@code IT}. */
@NullMarked
package dev.tenon.baremetal;

import org.jspecify.annotations.NullMarked;
