/** What is stored and known of instances: their documents, and the copy of them in memory. */
@NullMarked
package dev.tenon.core.instance;

import org.jspecify.annotations.NullMarked;
