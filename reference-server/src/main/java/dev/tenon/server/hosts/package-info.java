/** The hosts that this installation's databases may run on, besides the server's own machine. */
@NullMarked
package dev.tenon.server.hosts;

import org.jspecify.annotations.NullMarked;
