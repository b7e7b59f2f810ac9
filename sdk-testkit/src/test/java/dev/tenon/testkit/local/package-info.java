/** The local delivery with real servers. */
@NullMarked
package dev.tenon.testkit.local;

import org.jspecify.annotations.NullMarked;
