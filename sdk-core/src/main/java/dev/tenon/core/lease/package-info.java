/** Which control plane works on which instances, and under which epoch. */
@NullMarked
package dev.tenon.core.lease;

import org.jspecify.annotations.NullMarked;
