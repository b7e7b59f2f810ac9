/** Small programs that show the SDK's use. */
@NullMarked
package dev.tenon.samples;

import org.jspecify.annotations.NullMarked;
