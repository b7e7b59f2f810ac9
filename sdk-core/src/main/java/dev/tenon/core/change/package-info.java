/** What a change means: checked, resolved and laid out in steps, before anything is stored or done. */
@NullMarked
package dev.tenon.core.change;

import org.jspecify.annotations.NullMarked;
