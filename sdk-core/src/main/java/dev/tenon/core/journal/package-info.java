/** The one way to write: documents, quota, operations' bound, secrets and events of a change in one commit. */
@NullMarked
package dev.tenon.core.journal;

import org.jspecify.annotations.NullMarked;
