package dev.tenon.core.store;

import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.CommitRefusedException.Condition;
import dev.tenon.spi.store.CommitResult;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a commit does, within a transaction that the caller ends. Each condition is part of the statement that writes, or locks what it
 * read, so a condition that held still holds when the transaction commits. A refusal leaves it to the caller to roll back.
 */
final class CommitSql {
    private static final String NEXT_BODY = "UPDATE tenon_document SET version = version + 1, updated_us = ?, body = ?"
            + " WHERE kind = ? AND id = ? AND version = ? AND state = ? AND tenant = ? AND parent = ? AND shard = ?";
    private static final String NEXT_VERSION =
            "UPDATE tenon_document SET version = version + 1, updated_us = ?, body = ?, state = ?,"
                    + " tenant = ?, parent = ?, shard = ? WHERE kind = ? AND id = ? AND version = ?";
    private static final String FIRST_VERSION = "INSERT INTO tenon_document"
            + " (kind, id, tenant, parent, state, shard, version, created_us, updated_us, body)"
            + " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT (kind, id) DO NOTHING";
    private static final String VERSION = "SELECT version FROM tenon_document WHERE kind = ? AND id = ?";
    private static final String DELETE = "DELETE FROM tenon_document WHERE kind = ? AND id = ?";
    private static final String DELETE_VERSION = DELETE + " AND version = ?";
    private static final String UNCLAIM = "DELETE FROM tenon_claim WHERE scope = ? AND name = ? AND owner = ?";
    private static final String CLAIM = "INSERT INTO tenon_claim (scope, name, owner) VALUES (?, ?, ?)"
            + " ON CONFLICT (scope, name) DO UPDATE SET owner = excluded.owner WHERE tenon_claim.owner = excluded.owner";
    private static final String ADD_WITHIN =
            "UPDATE tenon_counter SET value = value + ?" + " WHERE scope = ? AND name = ? AND value + ? <= ?";
    private static final String ADD = "UPDATE tenon_counter SET value = value + ? WHERE scope = ? AND name = ?";
    private static final String FIRST_ADD =
            "INSERT INTO tenon_counter (scope, name, value) VALUES (?, ?, ?) ON CONFLICT (scope, name) DO NOTHING";
    private static final String COUNTER = "SELECT value FROM tenon_counter WHERE scope = ? AND name = ?";
    private static final String NEXT_SEQUENCE =
            "UPDATE tenon_event_sequence SET last = last + ? WHERE id = 1 RETURNING last";
    private static final String EVENT =
            "INSERT INTO tenon_event (sequence, at_us, tenant, subject, type, body) VALUES (?, ?, ?, ?, ?, ?)";

    private final Dialect dialect;
    private final StoreClock clock;
    private final LeaseSql leases;

    CommitSql(Dialect dialect, StoreClock clock) {
        this.dialect = dialect;
        this.clock = clock;
        leases = new LeaseSql(dialect, clock);
    }

    LeaseSql leases() {
        return leases;
    }

    CommitResult apply(Session session, Commit commit) throws SQLException {
        if (commit.guard().isPresent()) {
            leases.requireHeld(session, commit.guard().get());
        }
        long now = clock.now(session);
        for (Commit.Check check : commit.checks()) {
            check(session, check);
        }
        List<Long> versions = new ArrayList<>(commit.puts().size());
        for (Commit.Put put : commit.puts()) {
            versions.add(put(session, put, now));
        }
        for (Commit.Delete delete : commit.deletes()) {
            delete(session, delete);
        }
        for (Commit.Unclaim unclaim : commit.unclaims()) {
            session.update(UNCLAIM, unclaim.scope(), unclaim.key(), unclaim.owner());
        }
        for (Commit.Claim claim : commit.claims()) {
            if (session.update(CLAIM, claim.scope(), claim.key(), claim.owner()) == 0) {
                throw new CommitRefusedException(Condition.CLAIM, claim.scope() + "/" + claim.key(), 0);
            }
        }
        for (Commit.Add add : inLockOrder(commit.adds())) {
            add(session, add);
        }
        // Last, because whoever has the event counter keeps all others from appending until its commit is done.
        return new CommitResult(List.copyOf(versions), append(session, commit.events(), now), StoreTime.instant(now));
    }

    private void check(Session session, Commit.Check check) throws SQLException {
        if (check.expectedVersion() == 0 && dialect == Dialect.POSTGRESQL) {
            // There is no row to lock, so one is made and taken away again: nobody else can make it before this commit
            // is done.
            if (session.update(FIRST_VERSION, check.kind(), check.id(), "", "", "", 0, 0L, 0L, "") == 1) {
                session.update(DELETE, check.kind(), check.id());
                return;
            }
        }
        long seen = session.first(VERSION + dialect.forShare(), row -> row.getLong(1), check.kind(), check.id())
                .orElse(0L);
        if (seen != check.expectedVersion()) {
            throw versionRefused(check.kind(), check.id(), seen);
        }
    }

    private long put(Session session, Commit.Put put, long now) throws SQLException {
        int written;
        if (put.expectedVersion() == 0) {
            written = session.update(
                    FIRST_VERSION,
                    put.kind(),
                    put.id(),
                    put.tenant(),
                    put.parent(),
                    put.state(),
                    put.shard(),
                    now,
                    now,
                    put.body());
        } else {
            // Most changes are of the body alone, and a column that is not named is an index that is not written.
            written = session.update(
                    NEXT_BODY,
                    now,
                    put.body(),
                    put.kind(),
                    put.id(),
                    put.expectedVersion(),
                    put.state(),
                    put.tenant(),
                    put.parent(),
                    put.shard());
            if (written == 0) {
                written = session.update(
                        NEXT_VERSION,
                        now,
                        put.body(),
                        put.state(),
                        put.tenant(),
                        put.parent(),
                        put.shard(),
                        put.kind(),
                        put.id(),
                        put.expectedVersion());
            }
        }
        if (written == 0) {
            throw versionRefused(put.kind(), put.id(), version(session, put.kind(), put.id()));
        }
        return put.expectedVersion() + 1;
    }

    private static void delete(Session session, Commit.Delete delete) throws SQLException {
        if (delete.expectedVersion() == -1) {
            session.update(DELETE, delete.kind(), delete.id());
        } else if (session.update(DELETE_VERSION, delete.kind(), delete.id(), delete.expectedVersion()) == 0) {
            throw versionRefused(delete.kind(), delete.id(), version(session, delete.kind(), delete.id()));
        }
    }

    private static void add(Session session, Commit.Add add) throws SQLException {
        boolean limited = add.delta() > 0;
        for (int attempt = 0; attempt < 2; attempt++) {
            int changed = limited
                    ? session.update(ADD_WITHIN, add.delta(), add.scope(), add.name(), add.delta(), add.max())
                    : session.update(ADD, add.delta(), add.scope(), add.name());
            boolean fitsAlone = !limited || add.delta() <= add.max();
            if (changed == 1 || fitsAlone && session.update(FIRST_ADD, add.scope(), add.name(), add.delta()) == 1) {
                return;
            }
            // Either there was no room, or another transaction made the counter between the two statements: then once
            // more.
        }
        throw new CommitRefusedException(
                Condition.COUNTER,
                add.scope() + "/" + add.name(),
                session.first(COUNTER, row -> row.getLong(1), add.scope(), add.name())
                        .orElse(0L));
    }

    private static List<Long> append(Session session, List<Commit.Event> events, long now) throws SQLException {
        if (events.isEmpty()) {
            return List.of();
        }
        long last = session.first(NEXT_SEQUENCE, row -> row.getLong(1), events.size())
                .orElseThrow(() -> new SQLException("the event counter's row is missing"));
        List<Long> sequences = new ArrayList<>(events.size());
        long sequence = last - events.size();
        for (Commit.Event event : events) {
            sequences.add(++sequence);
            session.update(EVENT, sequence, now, event.tenant(), event.subject(), event.type(), event.body());
        }
        return List.copyOf(sequences);
    }

    /** Returns additions so that two commits lock the counters they share in the same order. */
    private static List<Commit.Add> inLockOrder(List<Commit.Add> adds) {
        return adds.size() < 2
                ? adds
                : adds.stream()
                        .sorted(Comparator.comparing(Commit.Add::scope).thenComparing(Commit.Add::name))
                        .toList();
    }

    private static long version(Session session, String kind, String id) throws SQLException {
        return session.first(VERSION, row -> row.getLong(1), kind, id).orElse(0L);
    }

    private static CommitRefusedException versionRefused(String kind, String id, long seen) {
        return new CommitRefusedException(Condition.VERSION, kind + "/" + id, seen);
    }
}
