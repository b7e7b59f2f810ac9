/**
 * What is stored of an operation, which operation is legal when, and who waits for it. Nothing here carries an operation out.
 */
@NullMarked
package dev.tenon.core.operation;

import org.jspecify.annotations.NullMarked;
