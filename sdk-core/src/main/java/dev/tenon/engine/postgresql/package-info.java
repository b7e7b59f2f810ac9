/**
 * PostgreSQL: what a member is made of, which settings fit a size, and administration through JDBC. Knows no place; where a
 * server runs and how it is reached comes in as a workload's holes and an address.
 */
@NullMarked
package dev.tenon.engine.postgresql;

import org.jspecify.annotations.NullMarked;
