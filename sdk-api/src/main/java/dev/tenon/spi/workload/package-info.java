/**
 * What one member needs, as plain data: software, directories, files, commands, processes, ports. Engines write it, deliveries
 * carry it out; comparing it needs no database and no place.
 */
@NullMarked
package dev.tenon.spi.workload;

import org.jspecify.annotations.NullMarked;
