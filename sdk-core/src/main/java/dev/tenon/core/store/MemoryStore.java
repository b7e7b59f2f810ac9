package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.CommitRefusedException.Condition;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A store in the memory of this process, gone when it is closed: for control planes that keep nothing. No database stands behind it,
 * as loading one would take as long as all the rest of such a control plane's start.
 */
public final class MemoryStore implements StateStore {
    private record Stored(Document document, long created) {}

    private record Name(String scope, String name) {}

    private final Clock clock;
    private final Map<String, NavigableMap<String, Stored>> documents = new HashMap<>();
    private final Map<Name, String> owners = new HashMap<>();
    private final Map<Name, Long> counters = new HashMap<>();
    private final NavigableMap<String, Lease> leases = new TreeMap<>();
    private final NavigableMap<Long, StoredEvent> events = new TreeMap<>();
    private long sequence;
    private boolean open;

    /** Creates an empty store whose time is that of {@code clock}. */
    public MemoryStore(Clock clock) {
        this.clock = clock;
    }

    @Override
    public synchronized void open() {
        if (open) {
            throw new ProviderException(ErrorCode.STORE_LOCKED, "the store is open already");
        }
        open = true;
    }

    @Override
    public Instant now() {
        return StoreTime.instant(StoreTime.now(clock));
    }

    @Override
    public boolean shared() {
        return false;
    }

    @Override
    public synchronized Optional<Document> find(String kind, String id) {
        return Optional.ofNullable(ofKind(kind).get(id)).map(Stored::document);
    }

    @Override
    public synchronized List<Document> list(Query query) {
        Limits.page(query.limit(), 10_000);
        NavigableMap<String, Stored> all = ofKind(query.kind());
        Stream<Stored> found =
                switch (query.order()) {
                    case ID -> query.after().map(id -> all.tailMap(id, false)).orElse(all).values().stream();
                    case NEWEST -> newest(all, query.after());
                };
        return found.filter(matching(query))
                .limit(query.limit())
                .map(Stored::document)
                .toList();
    }

    private static Stream<Stored> newest(NavigableMap<String, Stored> all, Optional<String> after) {
        Comparator<Stored> order = Comparator.comparingLong(Stored::created)
                .reversed()
                .thenComparing(stored -> stored.document().id());
        Stream<Stored> ordered = all.values().stream().sorted(order);
        if (after.isEmpty()) {
            return ordered;
        }
        Stored last = all.get(after.get());
        if (last == null) {
            throw new InvalidSpecException(ErrorCode.PAGE_INVALID, "after", "no longer there; begin at the first page");
        }
        return ordered.filter(stored -> order.compare(stored, last) > 0);
    }

    private static Predicate<Stored> matching(Query query) {
        return stored -> {
            Document document = stored.document();
            return query.tenant().map(document.tenant()::equals).orElse(true)
                    && query.parent().map(document.parent()::equals).orElse(true)
                    && (query.states().isEmpty() || query.states().contains(document.state()))
                    && (query.shards().isEmpty() || query.shards().contains(document.shard()));
        };
    }

    @Override
    public synchronized long count(Query query) {
        return ofKind(query.kind()).values().stream().filter(matching(query)).count();
    }

    @Override
    public synchronized Optional<String> owner(String scope, String key) {
        requireOpen();
        return Optional.ofNullable(owners.get(new Name(scope, key)));
    }

    @Override
    public synchronized long counter(String scope, String name) {
        requireOpen();
        return counters.getOrDefault(new Name(scope, name), 0L);
    }

    @Override
    public synchronized CommitResult commit(Commit commit) {
        Limits.check(commit);
        requireOpen();
        long now = StoreTime.now(clock);
        Deque<Runnable> undo = new ArrayDeque<>();
        try {
            commit.guard().ifPresent(lease -> requireHeld(lease, now));
            for (Commit.Check check : commit.checks()) {
                requireVersion(check.kind(), check.id(), check.expectedVersion());
            }
            List<Long> versions = new ArrayList<>(commit.puts().size());
            for (Commit.Put put : commit.puts()) {
                requireVersion(put.kind(), put.id(), put.expectedVersion());
                versions.add(put.expectedVersion() + 1);
                write(put, now, undo);
            }
            for (Commit.Delete delete : commit.deletes()) {
                if (delete.expectedVersion() != -1) {
                    requireVersion(delete.kind(), delete.id(), delete.expectedVersion());
                }
                set(ofKind(delete.kind()), delete.id(), null, undo);
            }
            for (Commit.Unclaim unclaim : commit.unclaims()) {
                Name name = new Name(unclaim.scope(), unclaim.key());
                if (unclaim.owner().equals(owners.get(name))) {
                    set(owners, name, null, undo);
                }
            }
            for (Commit.Claim claim : commit.claims()) {
                Name name = new Name(claim.scope(), claim.key());
                if (!owners.getOrDefault(name, claim.owner()).equals(claim.owner())) {
                    throw new CommitRefusedException(Condition.CLAIM, claim.scope() + "/" + claim.key(), 0);
                }
                set(owners, name, claim.owner(), undo);
            }
            for (Commit.Add add : commit.adds()) {
                Name name = new Name(add.scope(), add.name());
                long value = counters.getOrDefault(name, 0L);
                if (add.delta() > 0 && value + add.delta() > add.max()) {
                    throw new CommitRefusedException(Condition.COUNTER, add.scope() + "/" + add.name(), value);
                }
                set(counters, name, value + add.delta(), undo);
            }
            return new CommitResult(List.copyOf(versions), append(commit.events(), now), StoreTime.instant(now));
        } catch (CommitRefusedException e) {
            undo.forEach(Runnable::run);
            throw e;
        }
    }

    private void requireHeld(Lease lease, long now) {
        Optional<Lease> seen = Optional.ofNullable(leases.get(lease.name()));
        if (seen.filter(held -> same(held, lease) && live(held, now)).isEmpty()) {
            throw new CommitRefusedException(
                    Condition.LEASE, lease.name(), seen.map(Lease::epoch).orElse(0L));
        }
    }

    private static boolean same(Lease one, Lease other) {
        return one.holder().equals(other.holder()) && one.epoch() == other.epoch();
    }

    private static boolean live(Lease lease, long now) {
        return StoreTime.micros(lease.until()) > now;
    }

    private void requireVersion(String kind, String id, long expected) {
        long seen = find(kind, id).map(Document::version).orElse(0L);
        if (seen != expected) {
            throw new CommitRefusedException(Condition.VERSION, kind + "/" + id, seen);
        }
    }

    private void write(Commit.Put put, long now, Deque<Runnable> undo) {
        NavigableMap<String, Stored> all = ofKind(put.kind());
        Stored before = all.get(put.id());
        Document document = new Document(
                put.kind(),
                put.id(),
                put.tenant(),
                put.parent(),
                put.state(),
                put.shard(),
                put.expectedVersion() + 1,
                StoreTime.instant(now),
                put.body());
        set(all, put.id(), new Stored(document, before == null ? now : before.created()), undo);
    }

    /** Changes one entry, no value meaning none, and notes what puts it back; the last change is put back first. */
    private static <K, V> void set(Map<K, V> map, K key, @Nullable V value, Deque<Runnable> undo) {
        V before = value == null ? map.remove(key) : map.put(key, value);
        undo.push(before == null ? () -> map.remove(key) : () -> map.put(key, before));
    }

    private List<Long> append(List<Commit.Event> added, long now) {
        List<Long> sequences = new ArrayList<>(added.size());
        for (Commit.Event event : added) {
            sequence++;
            sequences.add(sequence);
            events.put(
                    sequence,
                    new StoredEvent(
                            sequence,
                            StoreTime.instant(now),
                            event.tenant(),
                            event.subject(),
                            event.type(),
                            event.body()));
        }
        return List.copyOf(sequences);
    }

    @Override
    public synchronized Optional<Lease> acquire(String name, String holder, Duration ttl) {
        Limits.check(name, holder, ttl);
        requireOpen();
        long now = StoreTime.now(clock);
        Lease seen = leases.get(name);
        long epoch = 1;
        if (seen != null) {
            boolean live = live(seen, now);
            if (live && !seen.holder().equals(holder)) {
                return Optional.empty();
            }
            epoch = live ? seen.epoch() : seen.epoch() + 1;
        }
        Lease taken = new Lease(name, holder, epoch, until(now, ttl));
        leases.put(name, taken);
        return Optional.of(taken);
    }

    private static Instant until(long now, Duration ttl) {
        return StoreTime.instant(now + ttl.toNanos() / 1_000);
    }

    @Override
    public synchronized List<Lease> renew(List<Lease> wanted, Duration ttl) {
        requireOpen();
        long now = StoreTime.now(clock);
        List<Lease> kept = new ArrayList<>(wanted.size());
        for (Lease lease : wanted) {
            Lease seen = leases.get(lease.name());
            if (seen != null && same(seen, lease) && live(seen, now)) {
                Lease renewed = new Lease(lease.name(), lease.holder(), lease.epoch(), until(now, ttl));
                leases.put(lease.name(), renewed);
                kept.add(renewed);
            }
        }
        kept.sort(Comparator.comparing(Lease::name));
        return List.copyOf(kept);
    }

    @Override
    public synchronized void release(Lease lease) {
        requireOpen();
        long now = StoreTime.now(clock);
        Lease seen = leases.get(lease.name());
        if (seen != null && same(seen, lease) && live(seen, now)) {
            // It stays, or the epoch would begin again and an old holder's acts would pass for a new one's.
            leases.put(lease.name(), new Lease(lease.name(), lease.holder(), lease.epoch(), StoreTime.instant(now)));
        }
    }

    @Override
    public synchronized List<Lease> leases(String prefix) {
        requireOpen();
        return leases.tailMap(prefix, true).values().stream()
                .takeWhile(lease -> lease.name().startsWith(prefix))
                .toList();
    }

    @Override
    public synchronized int forgetLeases(String prefix, Instant before) {
        requireOpen();
        List<String> old = leases(prefix).stream()
                .filter(lease -> lease.until().isBefore(before))
                .map(Lease::name)
                .toList();
        old.forEach(leases::remove);
        return old.size();
    }

    @Override
    public synchronized List<StoredEvent> events(
            Optional<String> tenant, Optional<String> subject, long after, int limit) {
        return told(events.tailMap(after, false).values(), tenant, subject, limit);
    }

    @Override
    public synchronized List<StoredEvent> eventsBefore(
            Optional<String> tenant, Optional<String> subject, long before, int limit) {
        return told(events.headMap(before, false).descendingMap().values(), tenant, subject, limit);
    }

    private List<StoredEvent> told(
            Collection<StoredEvent> ordered, Optional<String> tenant, Optional<String> subject, int limit) {
        requireOpen();
        Limits.page(limit, 1_000);
        return ordered.stream()
                .filter(event -> tenant.map(event.tenant()::equals).orElse(true)
                        && subject.map(event.subject()::equals).orElse(true))
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized int trimEvents(long before) {
        requireOpen();
        NavigableMap<Long, StoredEvent> old = events.headMap(before, false);
        int count = old.size();
        old.clear();
        return count;
    }

    private NavigableMap<String, Stored> ofKind(String kind) {
        requireOpen();
        return documents.computeIfAbsent(kind, none -> new TreeMap<>());
    }

    private void requireOpen() {
        if (!open) {
            throw GroupWriter.closed();
        }
    }

    @Override
    public synchronized void close() {
        open = false;
        documents.clear();
        owners.clear();
        counters.clear();
        leases.clear();
        events.clear();
    }
}
