package dev.tenon.core.store;

import java.util.Map;

/** What differs between the two databases; everything else is the same SQL. */
enum Dialect {
    /** One writer at a time, so nothing needs a lock. */
    SQLITE(
            "",
            "",
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
            Map.of("text", "TEXT", "long", "INTEGER", "clustered", "WITHOUT ROWID")),

    /** Transactions run side by side under READ COMMITTED, so what is checked is locked until the commit. */
    POSTGRESQL(
            " FOR SHARE",
            " FOR UPDATE",
            "SELECT count(to_regclass(?))",
            Map.of("text", "TEXT COLLATE \"C\"", "long", "BIGINT", "clustered", "WITH (fillfactor = 80)"));

    private final String forShare;
    private final String forUpdate;
    private final String historyExists;
    private final Map<String, String> placeholders;

    Dialect(String forShare, String forUpdate, String historyExists, Map<String, String> placeholders) {
        this.forShare = forShare;
        this.forUpdate = forUpdate;
        this.historyExists = historyExists;
        this.placeholders = placeholders;
    }

    /** Returns the clause that keeps selected rows as they are until the commit. */
    String forShare() {
        return forShare;
    }

    /** Returns the clause that keeps selected rows for this transaction alone. */
    String forUpdate() {
        return forUpdate;
    }

    /** Returns a query that yields 1 if the table it is given exists, else 0. */
    String historyExists() {
        return historyExists;
    }

    /** Returns what stands for the placeholders of the migration scripts. */
    Map<String, String> placeholders() {
        return placeholders;
    }
}
