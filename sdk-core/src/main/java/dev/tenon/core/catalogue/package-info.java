/** What can be ordered: engines, their versions and parameters, the places that carry them, and sizes. */
@NullMarked
package dev.tenon.core.catalogue;

import org.jspecify.annotations.NullMarked;
