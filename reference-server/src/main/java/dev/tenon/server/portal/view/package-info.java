/**
 * What the portal's templates read: values, words in the reader's language, and pure functions that say how things look. Public
 * because templates are compiled into a package of their own; nothing else uses it.
 */
@NullMarked
package dev.tenon.server.portal.view;

import org.jspecify.annotations.NullMarked;
