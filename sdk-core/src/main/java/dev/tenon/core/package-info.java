/** The control plane. */
@NullMarked
package dev.tenon.core;

import org.jspecify.annotations.NullMarked;
