package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StoredEvent;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The reads. Each is one statement, so each sees one state of the store. */
final class ReadSql {
    private static final String COLUMNS =
            "SELECT kind, id, tenant, parent, state, shard, version, updated_us, body FROM tenon_document";
    private static final String FIND = COLUMNS + " WHERE kind = ? AND id = ?";
    private static final String CREATED = "SELECT created_us FROM tenon_document WHERE kind = ? AND id = ?";
    private static final String OWNER = "SELECT owner FROM tenon_claim WHERE scope = ? AND name = ?";
    private static final String COUNTER = "SELECT value FROM tenon_counter WHERE scope = ? AND name = ?";
    private static final String EVENTS = "SELECT sequence, at_us, tenant, subject, type, body FROM tenon_event";
    private static final String TRIM = "DELETE FROM tenon_event WHERE sequence < ?";

    private ReadSql() {}

    static Optional<Document> find(Session session, String kind, String id) throws SQLException {
        return session.first(FIND, ReadSql::document, kind, id);
    }

    static List<Document> list(Session session, Query query) throws SQLException {
        Limits.page(query.limit(), 10_000);
        List<Object> arguments = new ArrayList<>();
        StringBuilder sql = new StringBuilder(COLUMNS);
        where(query, sql, arguments);
        if (query.after().isPresent()) {
            String after = query.after().get();
            switch (query.order()) {
                case ID -> {
                    sql.append(" AND id > ?");
                    arguments.add(after);
                }
                case NEWEST -> {
                    long created = session.first(CREATED, row -> row.getLong(1), query.kind(), after)
                            .orElseThrow(() -> new InvalidSpecException(
                                    ErrorCode.PAGE_INVALID, "after", "no longer there; begin at the first page"));
                    sql.append(" AND created_us <= ? AND (created_us < ? OR id > ?)");
                    arguments.add(created);
                    arguments.add(created);
                    arguments.add(after);
                }
            }
        }
        sql.append(
                switch (query.order()) {
                    case ID -> " ORDER BY id LIMIT ?";
                    case NEWEST -> " ORDER BY created_us DESC, id LIMIT ?";
                });
        arguments.add(query.limit());
        return session.list(sql.toString(), ReadSql::document, arguments.toArray());
    }

    static long count(Session session, Query query) throws SQLException {
        List<Object> arguments = new ArrayList<>();
        StringBuilder sql = new StringBuilder("SELECT count(*) FROM tenon_document");
        where(query, sql, arguments);
        return session.first(sql.toString(), row -> row.getLong(1), arguments.toArray())
                .orElse(0L);
    }

    private static void where(Query query, StringBuilder sql, List<Object> arguments) {
        sql.append(" WHERE kind = ?");
        arguments.add(query.kind());
        if (query.tenant().isPresent()) {
            sql.append(" AND tenant = ?");
            arguments.add(query.tenant().get());
        }
        if (query.parent().isPresent()) {
            // The index has no entries for documents without a parent; saying so again lets the planner use it.
            sql.append(query.parent().get().isEmpty() ? " AND parent = ?" : " AND parent = ? AND parent <> ''");
            arguments.add(query.parent().get());
        }
        in("state", query.states(), sql, arguments);
        in("shard", query.shards(), sql, arguments);
    }

    private static void in(String column, Collection<?> values, StringBuilder sql, List<Object> arguments) {
        if (values.isEmpty()) {
            return;
        }
        // The list is filled up to a power of two with its last value: few different statements, all of them kept
        // prepared.
        int places = Integer.highestOneBit(2 * values.size() - 1);
        sql.append(" AND ")
                .append(column)
                .append(" IN (?")
                .append(", ?".repeat(places - 1))
                .append(')');
        Object last = "";
        for (Object value : values) {
            arguments.add(value);
            last = value;
        }
        for (int i = values.size(); i < places; i++) {
            arguments.add(last);
        }
    }

    static Optional<String> owner(Session session, String scope, String key) throws SQLException {
        return session.first(OWNER, row -> row.getString(1), scope, key);
    }

    static long counter(Session session, String scope, String name) throws SQLException {
        return session.first(COUNTER, row -> row.getLong(1), scope, name).orElse(0L);
    }

    static List<StoredEvent> events(
            Session session, Optional<String> tenant, Optional<String> subject, long after, int limit)
            throws SQLException {
        return events(session, " WHERE sequence > ?", " ORDER BY sequence", tenant, subject, after, limit);
    }

    static List<StoredEvent> eventsBefore(
            Session session, Optional<String> tenant, Optional<String> subject, long before, int limit)
            throws SQLException {
        return events(session, " WHERE sequence < ?", " ORDER BY sequence DESC", tenant, subject, before, limit);
    }

    private static List<StoredEvent> events(
            Session session,
            String where,
            String order,
            Optional<String> tenant,
            Optional<String> subject,
            long bound,
            int limit)
            throws SQLException {
        Limits.page(limit, 1_000);
        List<Object> arguments = new ArrayList<>();
        StringBuilder sql = new StringBuilder(EVENTS).append(where);
        arguments.add(bound);
        if (tenant.isPresent()) {
            sql.append(" AND tenant = ?");
            arguments.add(tenant.get());
        }
        if (subject.isPresent()) {
            sql.append(" AND subject = ?");
            arguments.add(subject.get());
        }
        sql.append(order).append(" LIMIT ?");
        arguments.add(limit);
        return session.list(sql.toString(), ReadSql::event, arguments.toArray());
    }

    static int trimEvents(Session session, long before) throws SQLException {
        return session.update(TRIM, before);
    }

    private static Document document(ResultSet row) throws SQLException {
        return new Document(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getInt(6),
                row.getLong(7),
                StoreTime.instant(row.getLong(8)),
                row.getString(9));
    }

    private static StoredEvent event(ResultSet row) throws SQLException {
        return new StoredEvent(
                row.getLong(1),
                StoreTime.instant(row.getLong(2)),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getString(6));
    }
}
