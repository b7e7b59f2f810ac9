/** How specifications and changes are written into documents, and in which one form they are compared. */
@NullMarked
package dev.tenon.core.spec;

import org.jspecify.annotations.NullMarked;
