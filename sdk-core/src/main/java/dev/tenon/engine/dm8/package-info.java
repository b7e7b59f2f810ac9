/**
 * Dameng DM8 as values: the workloads of a single server and of a primary with standbys under data watch (数据守护), the steps
 * that join them, and their sizing. Nothing here has met a DM8 server yet; each file and command rests on the manual its test
 * names.
 */
@NullMarked
package dev.tenon.engine.dm8;

import org.jspecify.annotations.NullMarked;
