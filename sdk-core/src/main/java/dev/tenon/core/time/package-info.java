/** Elapsed time as a thing that can be given: real, or moved by a test. */
@NullMarked
package dev.tenon.core.time;

import org.jspecify.annotations.NullMarked;
