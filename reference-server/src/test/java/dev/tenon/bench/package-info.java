/** What {@code ./tenon bench} runs: mains that print a table and, as the last line, one JSON object of medians. */
@NullMarked
package dev.tenon.bench;

import org.jspecify.annotations.NullMarked;
