/**
 * What a database engine implements: its workloads, its parameters, and administration through a session.
 */
@NullMarked
package dev.tenon.spi.engine;

import org.jspecify.annotations.NullMarked;
