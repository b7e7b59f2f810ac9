/** The web portal, rendered on the server. */
@NullMarked
package dev.tenon.server.portal;

import org.jspecify.annotations.NullMarked;
