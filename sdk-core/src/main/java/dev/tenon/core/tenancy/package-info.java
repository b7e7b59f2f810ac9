/** Tenants and what they may have. */
@NullMarked
package dev.tenon.core.tenancy;

import org.jspecify.annotations.NullMarked;
