/** The reference server. */
@NullMarked
package dev.tenon.server;

import org.jspecify.annotations.NullMarked;
