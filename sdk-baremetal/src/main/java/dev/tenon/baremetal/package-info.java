/**
 * Hosts as places: the local machine, whose members are child processes, and what SSH hosts will share with it. Holds how
 * software is unpacked, how data directories are copied from a prepared one, and how processes are started, watched and ended.
 * What an engine's files say is not known here.
 */
@NullMarked
package dev.tenon.baremetal;

import org.jspecify.annotations.NullMarked;
