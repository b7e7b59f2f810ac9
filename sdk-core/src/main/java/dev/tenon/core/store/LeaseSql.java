package dev.tenon.core.store;

import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.CommitRefusedException.Condition;
import dev.tenon.spi.store.Lease;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Leases, within a transaction that the caller ends. The row is locked before the time is asked, so waiting for it costs no truth. */
final class LeaseSql {
    private static final String SELECT = "SELECT name, holder, epoch, until_us FROM tenon_lease WHERE name = ?";
    private static final String INSERT = "INSERT INTO tenon_lease (name, holder, epoch, until_us) VALUES (?, ?, 1, ?)"
            + " ON CONFLICT (name) DO NOTHING";
    private static final String TAKE = "UPDATE tenon_lease SET holder = ?, epoch = ?, until_us = ? WHERE name = ?";
    private static final String RENEW =
            "UPDATE tenon_lease SET until_us = ?" + " WHERE name = ? AND holder = ? AND epoch = ? AND until_us > ?";
    // The row stays, or the epoch would begin again and an old holder's acts would pass for a new one's.
    private static final String RELEASE =
            "UPDATE tenon_lease SET until_us = ?" + " WHERE name = ? AND holder = ? AND epoch = ? AND until_us > ?";
    private static final String LIST =
            "SELECT name, holder, epoch, until_us FROM tenon_lease" + " WHERE name >= ? AND name < ? ORDER BY name";
    private static final String FORGET = "DELETE FROM tenon_lease WHERE name >= ? AND name < ? AND until_us < ?";
    private static final String BEYOND_ANY_TEXT = Character.toString(Character.MAX_CODE_POINT);

    private final Dialect dialect;
    private final StoreClock clock;

    LeaseSql(Dialect dialect, StoreClock clock) {
        this.dialect = dialect;
        this.clock = clock;
    }

    void requireHeld(Session session, Lease lease) throws SQLException {
        Optional<Lease> seen = session.first(SELECT + dialect.forShare(), LeaseSql::read, lease.name());
        long now = clock.now(session);
        boolean held = seen.isPresent()
                && seen.get().holder().equals(lease.holder())
                && seen.get().epoch() == lease.epoch()
                && StoreTime.micros(seen.get().until()) > now;
        if (!held) {
            throw new CommitRefusedException(
                    Condition.LEASE, lease.name(), seen.map(Lease::epoch).orElse(0L));
        }
    }

    Optional<Lease> acquire(Session session, String name, String holder, Duration ttl) throws SQLException {
        for (int attempt = 0; attempt < 2; attempt++) {
            Optional<Lease> seen = session.first(SELECT + dialect.forUpdate(), LeaseSql::read, name);
            long now = clock.now(session);
            long until = now + ttl.toNanos() / 1_000;
            if (seen.isEmpty()) {
                if (session.update(INSERT, name, holder, until) == 1) {
                    return Optional.of(new Lease(name, holder, 1, StoreTime.instant(until)));
                }
                continue; // another control plane made it in between: look at what it made
            }
            boolean live = StoreTime.micros(seen.get().until()) > now;
            boolean ours = seen.get().holder().equals(holder);
            if (live && !ours) {
                return Optional.empty();
            }
            long epoch = live ? seen.get().epoch() : seen.get().epoch() + 1;
            session.update(TAKE, holder, epoch, until, name);
            return Optional.of(new Lease(name, holder, epoch, StoreTime.instant(until)));
        }
        return Optional.empty();
    }

    List<Lease> renew(Session session, List<Lease> leases, Duration ttl) throws SQLException {
        if (leases.isEmpty()) {
            return List.of();
        }
        long now = clock.now(session);
        long until = now + ttl.toNanos() / 1_000;
        // In order of names, so that two who renew the same leases do not wait for each other in a circle.
        List<Lease> ordered =
                leases.stream().sorted(Comparator.comparing(Lease::name)).toList();
        List<Object[]> rows = new ArrayList<>(ordered.size());
        for (Lease lease : ordered) {
            rows.add(new Object[] {until, lease.name(), lease.holder(), lease.epoch(), now});
        }
        int[] renewed = session.updateAll(RENEW, rows);
        List<Lease> kept = new ArrayList<>(ordered.size());
        for (int i = 0; i < renewed.length; i++) {
            if (renewed[i] == 1) {
                Lease lease = ordered.get(i);
                kept.add(new Lease(lease.name(), lease.holder(), lease.epoch(), StoreTime.instant(until)));
            }
        }
        return List.copyOf(kept);
    }

    boolean release(Session session, Lease lease) throws SQLException {
        long now = clock.now(session);
        return session.update(RELEASE, now, lease.name(), lease.holder(), lease.epoch(), now) == 1;
    }

    static List<Lease> list(Session session, String prefix) throws SQLException {
        return session.list(LIST, LeaseSql::read, prefix, prefix + BEYOND_ANY_TEXT);
    }

    static int forget(Session session, String prefix, Instant before) throws SQLException {
        return session.update(FORGET, prefix, prefix + BEYOND_ANY_TEXT, StoreTime.micros(before));
    }

    private static Lease read(ResultSet row) throws SQLException {
        return new Lease(row.getString(1), row.getString(2), row.getLong(3), StoreTime.instant(row.getLong(4)));
    }
}
