/** The JSON of stored documents, without reflection. What a document holds is known by its own codec. */
@NullMarked
package dev.tenon.core.json;

import org.jspecify.annotations.NullMarked;
