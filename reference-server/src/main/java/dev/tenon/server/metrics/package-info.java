/** What the server counts, in the text format that Prometheus reads. */
@NullMarked
package dev.tenon.server.metrics;

import org.jspecify.annotations.NullMarked;
