package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.store.MemoryStore;
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
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The contract of stores finds stores that break it: each has one promise broken, and the test of that promise fails. */
final class BrokenStoresTest {
    @FunctionalInterface
    private interface Part {
        void test(StateStoreContract contract) throws Exception;
    }

    @Test
    void contract_soundStore_holds() {
        assertThatCode(() -> run(store -> store, StateStoreContract::commit_oneConditionFails_changesNothing))
                .doesNotThrowAnyException();
    }

    @Test
    void contract_storeThatWritesBeforeItChecksCounters_fails() {
        assertFails(HalfWriting::new, StateStoreContract::commit_oneConditionFails_changesNothing);
    }

    @Test
    void contract_storeThatIgnoresTheLease_fails() {
        assertFails(Unguarded::new, StateStoreContract::commit_leaseRanOut_isRefused);
        assertFails(Unguarded::new, StateStoreContract::commit_anotherTookTheLease_isRefusedWithItsEpoch);
    }

    @Test
    void contract_storeThatKeepsTheEpochOfALeaseThatRanOut_fails() {
        assertFails(SameEpoch::new, StateStoreContract::acquire_leaseRanOut_raisesTheEpochForAnyHolder);
    }

    @Test
    void contract_storeThatReadsThenAdds_fails() {
        assertFails(ReadThenAdd::new, StateStoreContract::add_byManyThreads_neverPassesTheMaximum);
    }

    @Test
    void contract_storeThatShowsEventsOutOfOrder_fails() {
        assertFails(LateEvents::new, StateStoreContract::events_followedWhileManyWrite_areSeenOnceEachInOrder);
    }

    private static void assertFails(UnaryOperator<StateStore> breaking, Part part) {
        assertThatThrownBy(() -> run(breaking, part))
                .satisfiesAnyOf(
                        failure -> assertThat(failure).isInstanceOf(AssertionError.class),
                        failure -> assertThat(failure).hasRootCauseInstanceOf(AssertionError.class));
    }

    private static void run(UnaryOperator<StateStore> breaking, Part part) throws Exception {
        AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
        StateStoreContract contract = new StateStoreContract() {
            @Override
            protected StateStore handle() {
                return breaking.apply(new MemoryStore(new Clock() {
                    @Override
                    public Instant instant() {
                        return now.get();
                    }

                    @Override
                    public ZoneId getZone() {
                        return ZoneOffset.UTC;
                    }

                    @Override
                    public Clock withZone(ZoneId zone) {
                        throw new UnsupportedOperationException();
                    }
                }));
            }

            @Override
            protected void passTime(Duration time) {
                now.updateAndGet(instant -> instant.plus(time));
            }
        };
        contract.openStore();
        try {
            part.test(contract);
        } finally {
            contract.closeStores();
        }
    }

    /** Keeps the documents of a commit whose counters refuse. */
    private static final class HalfWriting extends Delegating {
        HalfWriting(StateStore store) {
            super(store);
        }

        @Override
        public CommitResult commit(Commit commit) {
            try {
                return super.commit(commit);
            } catch (CommitRefusedException e) {
                if (e.condition() == Condition.COUNTER) {
                    super.commit(Commit.builder().from(commit).adds(List.of()).build());
                }
                throw e;
            }
        }
    }

    /** Applies commits whoever has the lease. */
    private static final class Unguarded extends Delegating {
        Unguarded(StateStore store) {
            super(store);
        }

        @Override
        public CommitResult commit(Commit commit) {
            return super.commit(
                    Commit.builder().from(commit).guard(Optional.empty()).build());
        }
    }

    /** Lets a holder that comes back have its old epoch. */
    private static final class SameEpoch extends Delegating {
        SameEpoch(StateStore store) {
            super(store);
        }

        @Override
        public Optional<Lease> acquire(String name, String holder, Duration ttl) {
            return super.acquire(name, holder, ttl)
                    .map(lease -> new Lease(lease.name(), lease.holder(), 1, lease.until()));
        }
    }

    /** Looks at a counter first and changes it then. */
    private static final class ReadThenAdd extends Delegating {
        ReadThenAdd(StateStore store) {
            super(store);
        }

        @Override
        public CommitResult commit(Commit commit) {
            List<Commit.Add> unlimited = new ArrayList<>();
            for (Commit.Add add : commit.adds()) {
                long seen = counter(add.scope(), add.name());
                if (seen + add.delta() > add.max()) {
                    throw new CommitRefusedException(Condition.COUNTER, add.scope() + "/" + add.name(), seen);
                }
                unlimited.add(new Commit.Add(add.scope(), add.name(), add.delta(), Long.MAX_VALUE));
            }
            Thread.yield();
            return super.commit(Commit.builder().from(commit).adds(unlimited).build());
        }
    }

    /** Shows each event with an odd number only when a later one is there, as a database sequence would under two transactions. */
    private static final class LateEvents extends Delegating {
        LateEvents(StateStore store) {
            super(store);
        }

        @Override
        public List<StoredEvent> events(Optional<String> tenant, Optional<String> subject, long after, int limit) {
            List<StoredEvent> seen = new ArrayList<>(super.events(tenant, subject, after, limit));
            if (seen.size() > 1) {
                seen.remove(seen.size() - 2);
            }
            return seen;
        }
    }

    private abstract static class Delegating implements StateStore {
        private final StateStore store;

        Delegating(StateStore store) {
            this.store = store;
        }

        @Override
        public void open() {
            store.open();
        }

        @Override
        public Instant now() {
            return store.now();
        }

        @Override
        public boolean shared() {
            return store.shared();
        }

        @Override
        public Optional<Document> find(String kind, String id) {
            return store.find(kind, id);
        }

        @Override
        public List<Document> list(Query query) {
            return store.list(query);
        }

        @Override
        public long count(Query query) {
            return store.count(query);
        }

        @Override
        public Optional<String> owner(String scope, String key) {
            return store.owner(scope, key);
        }

        @Override
        public long counter(String scope, String name) {
            return store.counter(scope, name);
        }

        @Override
        public CommitResult commit(Commit commit) {
            return store.commit(commit);
        }

        @Override
        public Optional<Lease> acquire(String name, String holder, Duration ttl) {
            return store.acquire(name, holder, ttl);
        }

        @Override
        public List<Lease> renew(List<Lease> leases, Duration ttl) {
            return store.renew(leases, ttl);
        }

        @Override
        public void release(Lease lease) {
            store.release(lease);
        }

        @Override
        public List<Lease> leases(String prefix) {
            return store.leases(prefix);
        }

        @Override
        public int forgetLeases(String prefix, Instant before) {
            return store.forgetLeases(prefix, before);
        }

        @Override
        public List<StoredEvent> events(Optional<String> tenant, Optional<String> subject, long after, int limit) {
            return store.events(tenant, subject, after, limit);
        }

        @Override
        public List<StoredEvent> eventsBefore(
                Optional<String> tenant, Optional<String> subject, long before, int limit) {
            return store.eventsBefore(tenant, subject, before, limit);
        }

        @Override
        public int trimEvents(long before) {
            return store.trimEvents(before);
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
