/**
 * The state stores: one schema ({@code migration/V….sql}) in two dialects, SQLite for one control plane and PostgreSQL for several.
 *
 * <p>{@link dev.tenon.core.store.SqliteStore} puts the commits of many threads into one transaction;
 * {@link dev.tenon.core.store.PostgresStore} gives each its own. What a commit does is written once, in {@code CommitSql}.
 */
@NullMarked
package dev.tenon.core.store;

import org.jspecify.annotations.NullMarked;
