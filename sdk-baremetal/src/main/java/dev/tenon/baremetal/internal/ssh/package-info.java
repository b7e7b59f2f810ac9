/**
 * The connection to a host: who it must prove to be, sessions, commands, streams. Knows nothing of databases or members; public
 * only because of package borders.
 */
@NullMarked
package dev.tenon.baremetal.internal.ssh;

import org.jspecify.annotations.NullMarked;
