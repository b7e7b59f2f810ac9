/** Secrets at rest: the installation's master key, and what is encrypted under it. */
@NullMarked
package dev.tenon.core.secret;

import org.jspecify.annotations.NullMarked;
