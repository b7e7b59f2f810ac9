package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.TenantId;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lease.SoleLease;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.secret.Generator;
import dev.tenon.core.store.MemoryStore;
import dev.tenon.core.time.Ticker;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class HistoryTest {
    private static final Duration KEPT = Duration.ofDays(90);
    private static final Generator IDS = new Generator(new Random(1));
    private static final TenantId SHOP = IDS.tenant();
    private static final InstanceId ORDERS = IDS.instance();

    private final Later clock = new Later();
    private final MemoryStore store = new MemoryStore(clock);
    private final History history =
            new History(store, new SoleLease(store, Ticker.system(), "node-1", Duration.ofSeconds(15), 64), KEPT);

    /** Time moves only when a test lets it. */
    private static final class Later extends Clock {
        private Instant now = Instant.EPOCH;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException("only UTC");
        }
    }

    @BeforeEach
    void open() {
        store.open();
    }

    @AfterEach
    void close() {
        store.close();
    }

    private String operation(OperationState state, Optional<String> key) {
        OperationId id = IDS.operation();
        OperationDoc doc = OperationDoc.builder()
                .id(id)
                .tenant(SHOP)
                .instance(ORDERS)
                .kind(OperationKind.STOP)
                .state(state)
                .steps(List.of())
                .requestedBy("somebody")
                .fingerprint(key.map(k -> "print"))
                .requestKey(key)
                .createdAt(clock.now)
                .deadline(clock.now)
                .build();
        put(OperationDoc.KIND, id.value(), state.name(), OperationCodec.write(doc), key);
        return id.value();
    }

    private void put(String kind, String id, String state, String body, Optional<String> key) {
        Commit.Builder commit =
                Commit.builder().addPuts(new Commit.Put(kind, id, SHOP.value(), ORDERS.value(), state, 7, 0, body));
        key.ifPresent(k -> commit.addClaims(new Commit.Claim(Journal.requestScope(SHOP), k, id)));
        store.commit(commit.build());
    }

    private boolean there(String kind, String id) {
        return store.find(kind, id).isPresent();
    }

    @Test
    void operation_overForLong_goesWithItsKey() {
        String id = operation(OperationState.SUCCEEDED, Optional.of("key"));
        clock.now = clock.now.plus(KEPT);
        history.trim();
        assertThat(there(OperationDoc.KIND, id)).isTrue();
        assertThat(store.owner(Journal.requestScope(SHOP), "key")).contains(id);

        clock.now = clock.now.plusMillis(1);
        history.trim();
        assertThat(there(OperationDoc.KIND, id)).isFalse();
        assertThat(store.owner(Journal.requestScope(SHOP), "key")).isEmpty();
    }

    @Test
    void operation_notOver_staysHoweverOld() {
        Map<OperationState, String> all = new EnumMap<>(OperationState.class);
        for (OperationState state : OperationState.values()) {
            all.put(state, operation(state, Optional.empty()));
        }
        clock.now = clock.now.plus(KEPT.multipliedBy(10));
        history.trim();
        all.forEach((state, id) ->
                assertThat(there(OperationDoc.KIND, id)).as("%s", state).isEqualTo(!state.done()));
    }

    @Test
    void operation_thousandsAreOver_allGoPartByPart() {
        for (int i = 0; i < 1_200; i++) {
            operation(i % 2 == 0 ? OperationState.FAILED : OperationState.PARKED, Optional.empty());
        }
        clock.now = clock.now.plus(KEPT).plusSeconds(1);
        history.trim();
        history.trim();
        assertThat(store.count(Query.of(OperationDoc.KIND).build())).isEqualTo(600);
    }

    @Test
    void instance_purgedLongAgo_isForgottenAndOthersStay() {
        put("instance", "i-gone", "Deleted", "{}", Optional.empty());
        put("instance", "i-here", "Active", "{}", Optional.empty());
        put("instance", "i-bin", "Recycled", "{}", Optional.empty());
        clock.now = clock.now.plus(KEPT).plusMillis(1);
        put("instance", "i-late", "Deleted", "{}", Optional.empty());
        history.trim();
        assertThat(there("instance", "i-gone")).isFalse();
        assertThat(List.of("i-here", "i-bin", "i-late")).allMatch(id -> there("instance", id));
    }

    @Test
    void events_old_goAndLaterOnesStay() {
        Commit event = Commit.builder()
                .addEvents(new Commit.Event(SHOP.value(), "", "changed", "{}"))
                .build();
        store.commit(event);
        store.commit(event);
        clock.now = clock.now.plus(KEPT).plusMillis(1);
        long late = store.commit(event).sequences().get(0);
        history.trim();
        assertThat(store.events(Optional.empty(), Optional.empty(), 0, 10))
                .singleElement()
                .satisfies(e -> assertThat(e.sequence()).isEqualTo(late));
    }

    @Test
    void leases_ofFormerRuns_goAndThoseOfShardsStay() {
        store.acquire("node-old", "node-old", Duration.ofSeconds(15));
        store.acquire("shard-01", "node-old", Duration.ofSeconds(15));
        clock.now = clock.now.plus(KEPT).plusSeconds(16);
        history.trim();
        assertThat(store.leases("")).extracting(Lease::name).containsExactly("shard-01");
    }
}
