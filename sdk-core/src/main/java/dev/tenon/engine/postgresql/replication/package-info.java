/**
 * PostgreSQL's replication protocol, as far as JDBC has no words for it: a base backup as one stream that is checked against the
 * server's own manifest. Speaks through the administrative route only; knows no workload and no place.
 */
@NullMarked
package dev.tenon.engine.postgresql.replication;

import org.jspecify.annotations.NullMarked;
