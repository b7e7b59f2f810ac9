/** Events: how they are written into the outbox, and who hears of them. */
@NullMarked
package dev.tenon.core.event;

import org.jspecify.annotations.NullMarked;
