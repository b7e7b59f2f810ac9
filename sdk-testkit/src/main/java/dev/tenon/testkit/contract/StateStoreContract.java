package dev.tenon.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.CommitRefusedException.Condition;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link StateStore} promises. A store's test extends this and says how to reach an empty store of its own per test, how to
 * let that store's time pass, and how another process opens the same store.
 */
public abstract class StateStoreContract {
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final int THREADS = 16;
    private static final int MOST_LOOKS = 600;

    private final List<StateStore> opened = new ArrayList<>();
    private StateStore store;

    /** Returns a new handle, not opened yet, on this test's store, which is empty before the first. */
    protected abstract StateStore handle();

    /** Returns when the store's own clock has gone on by at least this much. */
    protected abstract void passTime(Duration time);

    /** Returns the shortest lease that makes sense for {@link #passTime} to outlast. */
    protected Duration shortTtl() {
        return Duration.ofMillis(400);
    }

    /** Returns whether the store's contents outlive its handles; defaults to true. */
    protected boolean durable() {
        return true;
    }

    /** Returns how another process opens this test's store; without it, the tests with other processes do not run. */
    protected Optional<StoreAddress> address() {
        return Optional.empty();
    }

    @BeforeEach
    void openStore() {
        store = open();
    }

    @AfterEach
    void closeStores() {
        opened.forEach(StateStore::close);
        opened.clear();
    }

    private StateStore open() {
        StateStore handle = handle();
        handle.open();
        opened.add(handle);
        return handle;
    }

    // documents

    @Test
    void find_documentIsNotThere_isEmpty() {
        assertThat(store.find("instance", "i-1")).isEmpty();
    }

    @Test
    void put_newDocument_isFoundAsItWasWritten() {
        String body = "{\"name\":\"订单 \uD83D\uDC18 é\",\"escaped\":\"\\u0000 ' \\\" ; --\"}";

        CommitResult result = store.commit(Commit.builder()
                .addPuts(new Commit.Put("instance", "i-1", "t-1", "p-1", "ACTIVE", 255, 0, body))
                .build());

        assertThat(result.versions()).containsExactly(1L);
        assertThat(store.find("instance", "i-1"))
                .contains(new Document("instance", "i-1", "t-1", "p-1", "ACTIVE", 255, 1, result.at(), body));
    }

    @Test
    void put_bodyOfAMegabyte_isFoundAsItWasWritten() {
        String body = "{\"text\":\"" + "数据 ".repeat(250_000) + "\"}";

        put("instance", "i-1", 0, body);

        assertThat(store.find("instance", "i-1").orElseThrow().body()).isEqualTo(body);
    }

    @Test
    void put_expectedVersionIsTheSeenOne_raisesItAndReplacesEverything() {
        put("instance", "i-1", 0, "{}");

        CommitResult result = store.commit(Commit.builder()
                .addPuts(new Commit.Put("instance", "i-1", "t-2", "p-2", "STOPPED", 9, 1, "{\"a\":1}"))
                .build());

        assertThat(result.versions()).containsExactly(2L);
        assertThat(store.find("instance", "i-1"))
                .contains(new Document("instance", "i-1", "t-2", "p-2", "STOPPED", 9, 2, result.at(), "{\"a\":1}"));
    }

    @Test
    void put_severalDocuments_answersVersionsInTheirOrder() {
        put("instance", "i-b", 0, "{}");

        CommitResult result = store.commit(Commit.builder()
                .addPuts(document("instance", "i-b", 1), document("instance", "i-c", 0), document("instance", "i-a", 0))
                .build());

        assertThat(result.versions()).containsExactly(2L, 1L, 1L);
    }

    @Test
    void put_sameIdOfAnotherKind_isAnotherDocument() {
        put("instance", "x", 0, "{\"k\":1}");
        put("operation", "x", 0, "{\"k\":2}");

        assertThat(store.find("instance", "x").orElseThrow().body()).isEqualTo("{\"k\":1}");
        assertThat(store.find("operation", "x").orElseThrow().body()).isEqualTo("{\"k\":2}");
    }

    @Test
    void put_documentChangedMeanwhile_isRefusedWithTheSeenVersion() {
        put("instance", "i-1", 0, "{}");
        put("instance", "i-1", 1, "{\"mine\":false}");

        assertRefused(commit -> commit.addPuts(document("instance", "i-1", 1)), Condition.VERSION, "instance/i-1", 2);
    }

    @Test
    void put_documentIsThereAlready_isRefused() {
        put("instance", "i-1", 0, "{}");

        assertRefused(commit -> commit.addPuts(document("instance", "i-1", 0)), Condition.VERSION, "instance/i-1", 1);
    }

    @Test
    void put_documentIsGone_isRefused() {
        assertRefused(commit -> commit.addPuts(document("instance", "i-1", 3)), Condition.VERSION, "instance/i-1", 0);
    }

    @Test
    void put_outOfBounds_isRefusedAndNothingIsStored() {
        String longId = "i".repeat(129);
        for (Commit.Put bad : List.of(
                new Commit.Put("", "i-1", "-", "", "A", 0, 0, "{}"),
                new Commit.Put("k".repeat(33), "i-1", "-", "", "A", 0, 0, "{}"),
                new Commit.Put("instance", "", "-", "", "A", 0, 0, "{}"),
                new Commit.Put("instance", longId, "-", "", "A", 0, 0, "{}"),
                new Commit.Put("instance", "i-1", "-", "", "A", 256, 0, "{}"),
                new Commit.Put("instance", "i-1", "-", "", "A", -1, 0, "{}"),
                new Commit.Put("instance", "i-1", "-", "", "A", 0, -1, "{}"))) {
            assertThatThrownBy(() -> store.commit(Commit.builder()
                            .addPuts(document("instance", "good", 0), bad)
                            .build()))
                    .as(bad.toString())
                    .isInstanceOf(InvalidSpecException.class);
        }
        assertThat(store.count(Query.of("instance").build())).isZero();
    }

    @Test
    void delete_expectedVersionIsTheSeenOne_removes() {
        put("instance", "i-1", 0, "{}");

        commit(commit -> commit.addDeletes(new Commit.Delete("instance", "i-1", 1)));

        assertThat(store.find("instance", "i-1")).isEmpty();
    }

    @Test
    void delete_documentChangedMeanwhile_isRefused() {
        put("instance", "i-1", 0, "{}");
        put("instance", "i-1", 1, "{}");

        assertRefused(
                commit -> commit.addDeletes(new Commit.Delete("instance", "i-1", 1)),
                Condition.VERSION,
                "instance/i-1",
                2);
    }

    @Test
    void delete_anyVersion_removesOrDoesNothing() {
        put("instance", "i-1", 0, "{}");

        commit(commit ->
                commit.addDeletes(new Commit.Delete("instance", "i-1", -1), new Commit.Delete("instance", "i-2", -1)));

        assertThat(store.find("instance", "i-1")).isEmpty();
    }

    @Test
    void put_afterDelete_beginsAgain() {
        put("instance", "i-1", 0, "{}");
        commit(commit -> commit.addDeletes(new Commit.Delete("instance", "i-1", 1)));

        assertThat(put("instance", "i-1", 0, "{}").versions()).containsExactly(1L);
    }

    @Test
    void check_versionsHold_theRestIsApplied() {
        put("instance", "i-1", 0, "{}");

        commit(commit -> commit.addChecks(
                        new Commit.Check("instance", "i-1", 1), new Commit.Check("instance", "i-2", 0))
                .addPuts(document("operation", "o-1", 0)));

        assertThat(store.find("operation", "o-1")).isPresent();
        assertThat(store.find("instance", "i-2")).isEmpty();
        assertThat(store.find("instance", "i-1").orElseThrow().version()).isEqualTo(1);
    }

    @Test
    void check_documentChangedOrCameOrWent_isRefused() {
        put("instance", "i-1", 0, "{}");
        put("instance", "i-1", 1, "{}");

        assertRefused(
                commit -> commit.addChecks(new Commit.Check("instance", "i-1", 1))
                        .addPuts(document("operation", "o-1", 0)),
                Condition.VERSION,
                "instance/i-1",
                2);
        assertRefused(
                commit -> commit.addChecks(new Commit.Check("instance", "i-1", 0)),
                Condition.VERSION,
                "instance/i-1",
                2);
        assertRefused(
                commit -> commit.addChecks(new Commit.Check("instance", "i-9", 4)),
                Condition.VERSION,
                "instance/i-9",
                0);
    }

    @Test
    void check_thatNothingIsThere_holdsUntilTheCommit() throws Exception {
        // Each of two threads claims the place of the other's document; both must never get through.
        for (int round = 0; round < 30; round++) {
            String a = "a-" + round;
            String b = "b-" + round;
            AtomicInteger through = new AtomicInteger();
            together(2, thread -> {
                String mine = thread == 0 ? a : b;
                String other = thread == 0 ? b : a;
                if (refusal(commit -> commit.addChecks(new Commit.Check("instance", other, 0))
                                .addPuts(document("instance", mine, 0)))
                        .isEmpty()) {
                    through.incrementAndGet();
                }
            });
            assertThat(through.get()).as("round %d", round).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void put_byManyThreadsOverOneVersion_losesNoChange() throws Exception {
        put("instance", "i-1", 0, "0");
        int each = 25;

        together(THREADS, thread -> {
            for (int done = 0; done < each; ) {
                Document seen = store.find("instance", "i-1").orElseThrow();
                String next = Integer.toString(Integer.parseInt(seen.body()) + 1);
                if (refusal(commit -> commit.addPuts(
                                new Commit.Put("instance", "i-1", "-", "", "A", 0, seen.version(), next)))
                        .isEmpty()) {
                    done++;
                }
            }
        });

        Document last = store.find("instance", "i-1").orElseThrow();
        assertThat(last.body()).isEqualTo(Integer.toString(THREADS * each));
        assertThat(last.version()).isEqualTo(THREADS * each + 1);
    }

    @Test
    void commit_returned_isSeenByEveryReader() throws Exception {
        together(8, thread -> {
            for (int n = 0; n < 50; n++) {
                String id = "i-" + thread + "-" + n;
                put("instance", id, 0, "{}");
                assertThat(store.find("instance", id)).isPresent();
                assertThat(store.list(Query.of("instance").limit(10_000).build()))
                        .anyMatch(document -> document.id().equals(id));
                put("instance", id, 1, "{\"n\":2}");
                assertThat(store.find("instance", id).orElseThrow().version()).isEqualTo(2);
                assertThat(store.list(Query.of("instance").limit(10_000).build()))
                        .anyMatch(document -> document.id().equals(id) && document.version() == 2);
            }
        });
    }

    @Test
    void find_andListWhileOthersWrite_neverGoBack() throws Exception {
        put("instance", "i-0", 0, "{}");
        int versions = 200;
        AtomicBoolean written = new AtomicBoolean();

        together(5, thread -> {
            if (thread == 0) {
                for (int version = 1; version < versions; version++) {
                    put("instance", "i-0", version, "{}");
                    assertThat(store.find("instance", "i-0").orElseThrow().version())
                            .isEqualTo(version + 1);
                }
                written.set(true);
                return;
            }
            long seen = 0;
            for (boolean last = false; ; last = written.get()) {
                long found = thread % 2 == 0
                        ? store.find("instance", "i-0").orElseThrow().version()
                        : store.list(Query.of("instance").build()).get(0).version();
                assertThat(found).isGreaterThanOrEqualTo(seen);
                seen = found;
                if (last) {
                    assertThat(found).isEqualTo(versions);
                    return;
                }
            }
        });
    }

    // whole or not at all

    @Test
    void commit_oneConditionFails_changesNothing() {
        Lease lease = store.acquire("l", "h", TTL).orElseThrow();
        put("instance", "i-1", 0, "{}");
        put("instance", "i-gone", 0, "{}");
        commit(commit -> commit.addClaims(new Commit.Claim("name", "taken", "x"), new Commit.Claim("name", "mine", "o"))
                .addAdds(new Commit.Add("quota", "cpus", 5, 10)));
        Lease stale = new Lease(lease.name(), lease.holder(), lease.epoch() - 1, lease.until());
        List<String> before = everything();

        List<Function<Commit.Builder, Commit.Builder>> spoilers = List.of(
                commit -> commit.guard(stale),
                commit -> commit.addChecks(new Commit.Check("instance", "i-1", 7)),
                commit -> commit.addPuts(document("instance", "i-1", 7)),
                commit -> commit.addDeletes(new Commit.Delete("instance", "i-1", 7)),
                commit -> commit.addClaims(new Commit.Claim("name", "taken", "y")),
                commit -> commit.addAdds(new Commit.Add("quota", "cpus", 3, 10)));
        for (Function<Commit.Builder, Commit.Builder> spoiler : spoilers) {
            Optional<CommitRefusedException> refusal = refusal(commit ->
                    spoiler.apply(commit.addPuts(document("instance", "i-2", 0), document("instance", "i-1", 1))
                            .addDeletes(new Commit.Delete("instance", "i-gone", 1))
                            .addUnclaims(new Commit.Unclaim("name", "mine", "o"))
                            .addClaims(new Commit.Claim("name", "new", "o"))
                            .addAdds(new Commit.Add("quota", "cpus", 3, 10), new Commit.Add("quota", "memory", 1, 10))
                            .addEvents(new Commit.Event("t-1", "i-2", "created", "{}"))));
            assertThat(refusal).isPresent();
            assertThat(everything()).isEqualTo(before);
        }
    }

    @Test
    void commit_severalConditionsFail_reportsTheFirstInOrder() {
        Lease lease = store.acquire("l", "h", TTL).orElseThrow();
        Lease stale = new Lease(lease.name(), lease.holder(), lease.epoch() + 1, lease.until());
        commit(commit -> commit.addClaims(new Commit.Claim("name", "taken", "x"))
                .addAdds(new Commit.Add("quota", "cpus", 5, 10)));
        Function<Commit.Builder, Commit.Builder> counter =
                commit -> commit.addAdds(new Commit.Add("quota", "cpus", 6, 10));
        Function<Commit.Builder, Commit.Builder> claim =
                commit -> counter.apply(commit).addClaims(new Commit.Claim("name", "taken", "y"));
        Function<Commit.Builder, Commit.Builder> version =
                commit -> claim.apply(commit).addPuts(document("instance", "i-1", 1));

        assertThat(refusal(commit -> version.apply(commit).guard(stale))
                        .orElseThrow()
                        .condition())
                .isEqualTo(Condition.LEASE);
        assertThat(refusal(version).orElseThrow().condition()).isEqualTo(Condition.VERSION);
        assertThat(refusal(claim).orElseThrow().condition()).isEqualTo(Condition.CLAIM);
        assertThat(refusal(counter).orElseThrow().condition()).isEqualTo(Condition.COUNTER);
    }

    @Test
    void commit_refusedAmongOthers_spoilsNone() throws Exception {
        put("instance", "i-1", 0, "{}");
        int each = 40;

        together(THREADS, thread -> {
            for (int n = 0; n < each; n++) {
                if (n % 2 == 0) {
                    assertThat(refusal(commit -> commit.addAdds(new Commit.Add("c", "refused", 1, 10))
                                    .addPuts(document("instance", "i-1", 99))))
                            .isPresent();
                } else {
                    String id = "i-" + thread + "-" + n;
                    commit(commit -> commit.addPuts(document("instance", id, 0))
                            .addAdds(new Commit.Add("c", "good", 1, 1_000_000)));
                }
            }
        });

        assertThat(store.counter("c", "refused")).isZero();
        assertThat(store.counter("c", "good")).isEqualTo(THREADS * each / 2);
        assertThat(store.count(Query.of("instance").build())).isEqualTo(THREADS * each / 2 + 1);
    }

    @Test
    void commit_ofNothing_isDone() {
        assertThat(store.commit(Commit.builder().build()).versions()).isEmpty();
    }

    @Test
    void commit_callerIsInterrupted_isStillWholeAndTheStoreGoesOn() {
        Thread.currentThread().interrupt();
        try {
            put("instance", "i-1", 0, "{}");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }

        assertThat(store.find("instance", "i-1")).isPresent();
        assertThat(put("instance", "i-1", 1, "{}").versions()).containsExactly(2L);
    }

    // unique keys

    @Test
    void claim_keyIsFree_isOwned() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        assertThat(store.owner("name:t-1", "orders")).contains("i-1");
        assertThat(store.owner("name:t-2", "orders")).isEmpty();
    }

    @Test
    void claim_ownerHasItAlready_holds() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        assertThat(store.owner("name:t-1", "orders")).contains("i-1");
    }

    @Test
    void claim_anotherHasIt_isRefused() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        assertRefused(
                commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-2")),
                Condition.CLAIM,
                "name:t-1/orders",
                0);
    }

    @Test
    void unclaim_byItsOwner_frees() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        commit(commit -> commit.addUnclaims(new Commit.Unclaim("name:t-1", "orders", "i-1")));

        assertThat(store.owner("name:t-1", "orders")).isEmpty();
    }

    @Test
    void unclaim_byAnother_doesNothing() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        commit(commit -> commit.addUnclaims(new Commit.Unclaim("name:t-1", "orders", "i-2")));

        assertThat(store.owner("name:t-1", "orders")).contains("i-1");
    }

    @Test
    void claim_givenBackInTheSameCommit_changesItsOwner() {
        commit(commit -> commit.addClaims(new Commit.Claim("name:t-1", "orders", "i-1")));

        commit(commit -> commit.addUnclaims(new Commit.Unclaim("name:t-1", "orders", "i-1"))
                .addClaims(new Commit.Claim("name:t-1", "orders", "i-2")));

        assertThat(store.owner("name:t-1", "orders")).contains("i-2");
    }

    @Test
    void claim_byManyThreads_hasOneWinner() throws Exception {
        for (int round = 0; round < 20; round++) {
            String key = "key-" + round;
            List<String> winners = Collections.synchronizedList(new ArrayList<>());
            together(THREADS, thread -> {
                if (refusal(commit -> commit.addClaims(new Commit.Claim("s", key, "o-" + thread)))
                        .isEmpty()) {
                    winners.add("o-" + thread);
                }
            });
            assertThat(winners).hasSize(1);
            assertThat(store.owner("s", key)).contains(winners.get(0));
        }
    }

    // counters

    @Test
    void counter_neverChanged_isZero() {
        assertThat(store.counter("quota:t-1", "cpus")).isZero();
    }

    @Test
    void add_upToTheMaximum_holds() {
        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 4, 10)));
        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 6, 10)));

        assertThat(store.counter("quota:t-1", "cpus")).isEqualTo(10);
        assertThat(store.counter("quota:t-1", "memory")).isZero();
        assertThat(store.counter("quota:t-2", "cpus")).isZero();
    }

    @Test
    void add_overTheMaximum_isRefusedWithTheSeenValue() {
        assertRefused(
                commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 11, 10)),
                Condition.COUNTER,
                "quota:t-1/cpus",
                0);
        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 8, 10)));
        assertRefused(
                commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 3, 10)),
                Condition.COUNTER,
                "quota:t-1/cpus",
                8);
    }

    @Test
    void add_lessThanZero_holdsEvenAboveTheMaximum() {
        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 8, 10)));

        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", -1, 2)));
        commit(commit -> commit.addAdds(new Commit.Add("quota:t-1", "cpus", 0, 2)));

        assertThat(store.counter("quota:t-1", "cpus")).isEqualTo(7);
    }

    @Test
    void add_twiceInOneCommit_countsBoth() {
        commit(commit ->
                commit.addAdds(new Commit.Add("quota:t-1", "cpus", 2, 10), new Commit.Add("quota:t-1", "cpus", 3, 10)));

        assertThat(store.counter("quota:t-1", "cpus")).isEqualTo(5);
    }

    @Test
    void add_byManyThreads_neverPassesTheMaximum() throws Exception {
        AtomicInteger taken = new AtomicInteger();

        together(THREADS, thread -> {
            for (int n = 0; n < 20; n++) {
                // Two counters, named in either order: the order must not matter, nor bring two commits to a
                // standstill.
                Commit.Add a = new Commit.Add("quota:t-1", "cpus", 1, 100);
                Commit.Add b = new Commit.Add("quota:t-1", "memory", 2, 1_000);
                if (refusal(commit -> thread % 2 == 0 ? commit.addAdds(a, b) : commit.addAdds(b, a))
                        .isEmpty()) {
                    taken.incrementAndGet();
                }
            }
        });

        assertThat(taken.get()).isEqualTo(100);
        assertThat(store.counter("quota:t-1", "cpus")).isEqualTo(100);
        assertThat(store.counter("quota:t-1", "memory")).isEqualTo(200);
    }

    // lists

    @Test
    void list_byEachFilter_returnsOnlyWhatMatches() {
        commit(commit -> commit.addPuts(
                new Commit.Put("instance", "a", "t-1", "p-1", "ACTIVE", 1, 0, "{}"),
                new Commit.Put("instance", "b", "t-1", "p-2", "STOPPED", 2, 0, "{}"),
                new Commit.Put("instance", "c", "t-2", "p-1", "FAILED", 3, 0, "{}"),
                new Commit.Put("instance", "d", "t-2", "", "ACTIVE", 1, 0, "{}"),
                new Commit.Put("operation", "e", "t-1", "p-1", "ACTIVE", 1, 0, "{}")));

        assertListed("abcd", Query.of("instance").build());
        assertListed("e", Query.of("operation").build());
        assertListed("", Query.of("tenant").build());
        assertListed("ab", Query.of("instance").tenant("t-1").build());
        assertListed("ac", Query.of("instance").parent("p-1").build());
        assertListed("d", Query.of("instance").parent("").build());
        assertListed("ad", Query.of("instance").addStates("ACTIVE").build());
        assertListed(
                "abd",
                Query.of("instance").addStates("ACTIVE", "STOPPED", "NONE").build());
        assertListed("abd", Query.of("instance").addShards(1, 2).build());
        assertListed(
                "a",
                Query.of("instance")
                        .tenant("t-1")
                        .parent("p-1")
                        .addStates("ACTIVE", "FAILED")
                        .addShards(1, 2, 3)
                        .build());
        assertListed(
                "abcd",
                Query.of("instance")
                        .addAllShards(IntStream.range(0, 256).boxed().toList())
                        .build());
    }

    private void assertListed(String ids, Query query) {
        for (Query.Order order : Query.Order.values()) {
            Query ordered = Query.builder().from(query).order(order).build();
            assertThat(store.list(ordered).stream().map(Document::id).sorted().toList())
                    .as(ordered.toString())
                    .isEqualTo(List.of(ids.split("(?!^)")).stream()
                            .filter(id -> !id.isEmpty())
                            .toList());
            assertThat(store.count(ordered)).as(ordered.toString()).isEqualTo(ids.length());
        }
    }

    @Test
    void list_inOrderOfIds_comparesThemByteByByte() {
        commit(commit -> commit.addPuts(
                document("instance", "i-b", 0),
                document("instance", "i_a", 0),
                document("instance", "I-z", 0),
                document("instance", "i-10", 0),
                document("instance", "i-2", 0)));

        assertThat(ids(Query.of("instance").build())).containsExactly("I-z", "i-10", "i-2", "i-b", "i_a");
    }

    @Test
    void list_newest_isInOrderOfCreationNotOfChange() {
        for (String id : List.of("m", "z", "a", "q")) {
            put("instance", id, 0, "{}");
            passTime(Duration.ofMillis(2));
        }
        put("instance", "m", 1, "{}");

        assertThat(ids(Query.of("instance").order(Query.Order.NEWEST).build())).containsExactly("q", "a", "z", "m");
    }

    @Test
    void list_newestOfOneCommit_isInOrderOfIds() {
        commit(commit -> commit.addPuts(
                document("instance", "c", 0), document("instance", "a", 0), document("instance", "b", 0)));

        assertThat(ids(Query.of("instance").order(Query.Order.NEWEST).build())).containsExactly("a", "b", "c");
    }

    @Test
    void list_pageByPage_showsEachDocumentOnce() {
        for (int batch = 0; batch < 5; batch++) {
            Commit.Builder commit = Commit.builder();
            for (int n = 0; n < 5; n++) {
                commit.addPuts(document("instance", "i-" + n + "-" + batch, 0));
            }
            store.commit(commit.build());
        }
        for (Query.Order order : Query.Order.values()) {
            List<String> whole = ids(Query.of("instance").order(order).build());
            List<String> paged = new ArrayList<>();
            Query.Builder page = Query.of("instance").order(order).limit(4);
            for (List<String> next = ids(page.build()); !next.isEmpty(); next = ids(page.build())) {
                paged.addAll(next);
                page.after(next.get(next.size() - 1));
            }
            assertThat(paged).hasSize(25).isEqualTo(whole);
        }
    }

    @Test
    void list_documentOfTheCursorIsGone_goesOnByIdAndIsRefusedByAge() {
        commit(commit -> commit.addPuts(
                document("instance", "a", 0), document("instance", "b", 0), document("instance", "c", 0)));
        commit(commit -> commit.addDeletes(new Commit.Delete("instance", "b", 1)));

        assertThat(ids(Query.of("instance").after("b").build())).containsExactly("c");
        assertThatThrownBy(() -> store.list(Query.of("instance")
                        .after("b")
                        .order(Query.Order.NEWEST)
                        .build()))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PAGE_INVALID));
    }

    @Test
    void list_limitOutOfBounds_isRefused() {
        for (int limit : new int[] {0, -1, 10_001}) {
            assertThatThrownBy(
                            () -> store.list(Query.of("instance").limit(limit).build()))
                    .as("limit %d", limit)
                    .isInstanceOf(InvalidSpecException.class);
        }
    }

    // events

    @Test
    void events_appended_areReadInOrderWithTheirNumbers() {
        CommitResult first = commit(commit -> commit.addEvents(
                new Commit.Event("t-1", "i-1", "created", "{\"n\":1}"), new Commit.Event("-", "", "noted", "{}")));
        CommitResult second = commit(commit -> commit.addEvents(new Commit.Event("t-2", "i-2", "created", "{}")));

        assertThat(first.sequences()).hasSize(2).isSorted();
        assertThat(second.sequences().get(0)).isGreaterThan(first.sequences().get(1));
        assertThat(events(Optional.empty(), Optional.empty(), 0, 10))
                .containsExactly(
                        new StoredEvent(first.sequences().get(0), first.at(), "t-1", "i-1", "created", "{\"n\":1}"),
                        new StoredEvent(first.sequences().get(1), first.at(), "-", "", "noted", "{}"),
                        new StoredEvent(second.sequences().get(0), second.at(), "t-2", "i-2", "created", "{}"));
    }

    @Test
    void events_afterANumber_areCutToTheLimit() {
        List<Long> numbers = appendEvents(6);

        assertThat(numbers(events(Optional.empty(), Optional.empty(), numbers.get(1), 3)))
                .isEqualTo(numbers.subList(2, 5));
        assertThat(events(Optional.empty(), Optional.empty(), numbers.get(5), 3))
                .isEmpty();
    }

    @Test
    void eventsBefore_aNumber_areNewestFirst() {
        List<Long> numbers = appendEvents(6);

        assertThat(numbers(store.eventsBefore(Optional.empty(), Optional.empty(), numbers.get(4), 3)))
                .containsExactly(numbers.get(3), numbers.get(2), numbers.get(1));
        assertThat(numbers(store.eventsBefore(Optional.empty(), Optional.empty(), Long.MAX_VALUE, 2)))
                .containsExactly(numbers.get(5), numbers.get(4));
    }

    @Test
    void events_ofATenantOrSubject_leaveOutAllOthers() {
        List<Long> numbers = commit(commit -> commit.addEvents(
                        new Commit.Event("t-1", "i-1", "a", "{}"),
                        new Commit.Event("t-1", "i-2", "b", "{}"),
                        new Commit.Event("t-2", "i-1", "c", "{}")))
                .sequences();

        assertThat(numbers(events(Optional.of("t-1"), Optional.empty(), 0, 10)))
                .containsExactly(numbers.get(0), numbers.get(1));
        assertThat(numbers(events(Optional.empty(), Optional.of("i-1"), 0, 10)))
                .containsExactly(numbers.get(0), numbers.get(2));
        assertThat(numbers(events(Optional.of("t-2"), Optional.of("i-1"), 0, 10)))
                .containsExactly(numbers.get(2));
        assertThat(numbers(store.eventsBefore(Optional.of("t-1"), Optional.empty(), Long.MAX_VALUE, 10)))
                .containsExactly(numbers.get(1), numbers.get(0));
        assertThat(events(Optional.of("t-3"), Optional.empty(), 0, 10)).isEmpty();
    }

    @Test
    void events_limitOutOfBounds_isRefused() {
        for (int limit : new int[] {0, 1_001}) {
            assertThatThrownBy(() -> events(Optional.empty(), Optional.empty(), 0, limit))
                    .isInstanceOf(InvalidSpecException.class);
            assertThatThrownBy(() -> store.eventsBefore(Optional.empty(), Optional.empty(), 9, limit))
                    .isInstanceOf(InvalidSpecException.class);
        }
    }

    @Test
    void trimEvents_all_laterNumbersStillGrow() {
        List<Long> numbers = appendEvents(4);

        assertThat(store.trimEvents(numbers.get(2))).isEqualTo(2);
        assertThat(numbers(events(Optional.empty(), Optional.empty(), 0, 10)))
                .containsExactly(numbers.get(2), numbers.get(3));
        assertThat(store.trimEvents(Long.MAX_VALUE)).isEqualTo(2);
        assertThat(store.trimEvents(Long.MAX_VALUE)).isZero();

        assertThat(appendEvents(1).get(0)).isGreaterThan(numbers.get(3));
    }

    @Test
    void events_followedWhileManyWrite_areSeenOnceEachInOrder() throws Exception {
        int writers = 8;
        int each = 60;
        AtomicBoolean written = new AtomicBoolean();
        List<Long> appended = Collections.synchronizedList(new ArrayList<>());
        List<Long> followed = new ArrayList<>();

        together(writers + 1, thread -> {
            if (thread < writers) {
                for (int n = 0; n < each; n++) {
                    int size = 1 + n % 3;
                    appended.addAll(commit(commit -> {
                                for (int i = 0; i < size; i++) {
                                    commit.addEvents(new Commit.Event("t-" + thread, "s", "e", "{}"));
                                }
                                return commit;
                            })
                            .sequences());
                    if (thread == 0 && n % 20 == 19) {
                        // Trimming behind every reader must disturb neither readers nor writers.
                        store.trimEvents(1);
                    }
                }
                if (appended.size() == writers * each * 2) {
                    written.set(true);
                }
                return;
            }
            long after = 0;
            boolean last = false;
            while (true) {
                List<StoredEvent> next = events(Optional.empty(), Optional.empty(), after, 1_000);
                followed.addAll(numbers(next));
                if (!next.isEmpty()) {
                    after = next.get(next.size() - 1).sequence();
                } else if (last) {
                    return;
                }
                last = written.get();
            }
        });

        assertThat(followed).isSorted().doesNotHaveDuplicates();
        assertThat(followed).containsExactlyInAnyOrderElementsOf(appended);
    }

    // leases

    @Test
    void acquire_leaseIsFree_isHeldForTheTimeAsked() {
        Instant before = store.now();

        Lease lease = store.acquire("instance/i-1", "a", TTL).orElseThrow();

        assertThat(lease.name()).isEqualTo("instance/i-1");
        assertThat(lease.holder()).isEqualTo("a");
        assertThat(lease.epoch()).isPositive();
        assertThat(lease.until())
                .isBetween(
                        before.plus(TTL).minusMillis(1), store.now().plus(TTL).plusMillis(1));
        assertThat(store.leases("instance/")).containsExactly(lease);
    }

    @Test
    void forgetLeases_ranOutBefore_areGoneAndTheOthersStay() {
        Lease held = store.acquire("node-1", "node-1", TTL).orElseThrow();
        Lease over = store.acquire("node-2", "node-2", TTL).orElseThrow();
        Lease other = store.acquire("shard-2", "node-2", TTL).orElseThrow();
        store.release(over);
        store.release(other);

        assertThat(store.forgetLeases("node-", store.now().minus(TTL))).isZero();
        assertThat(store.forgetLeases("node-", store.now().plusMillis(1))).isEqualTo(1);

        assertThat(store.leases("node-")).containsExactly(held);
        assertThat(store.leases("shard-")).hasSize(1);
    }

    @Test
    void acquire_anotherHoldsIt_isEmpty() {
        Lease lease = store.acquire("l", "a", TTL).orElseThrow();

        assertThat(store.acquire("l", "b", TTL)).isEmpty();
        assertThat(store.leases("l")).containsExactly(lease);
    }

    @Test
    void acquire_byItsHolderInTime_keepsTheEpochAndReachesFurther() {
        Lease lease = store.acquire("l", "a", TTL).orElseThrow();
        passTime(Duration.ofMillis(5));

        Lease again = store.acquire("l", "a", TTL).orElseThrow();

        assertThat(again.epoch()).isEqualTo(lease.epoch());
        assertThat(again.until()).isAfter(lease.until());
    }

    @Test
    void acquire_leaseRanOut_raisesTheEpochForAnyHolder() {
        Lease a = store.acquire("l", "a", shortTtl()).orElseThrow();
        passTime(shortTtl());
        Lease b = store.acquire("l", "b", shortTtl()).orElseThrow();
        passTime(shortTtl());
        Lease again = store.acquire("l", "b", TTL).orElseThrow();

        assertThat(b.epoch()).isGreaterThan(a.epoch());
        assertThat(again.epoch()).isGreaterThan(b.epoch());
        assertThat(again.holder()).isEqualTo("b");
    }

    @Test
    void acquire_byManyAtOnce_hasOneHolder() throws Exception {
        for (int round = 0; round < 10; round++) {
            String name = "l-" + round;
            List<Lease> held = Collections.synchronizedList(new ArrayList<>());
            together(THREADS, thread -> store.acquire(name, "h-" + thread, TTL).ifPresent(held::add));
            assertThat(held).hasSize(1);
            assertThat(store.leases(name))
                    .filteredOn(lease -> lease.name().equals(name))
                    .isEqualTo(held);
        }
    }

    @Test
    void acquire_timeToLiveOutOfBounds_isRefused() {
        assertThatThrownBy(() -> store.acquire("l", "a", Duration.ZERO)).isInstanceOf(InvalidSpecException.class);
        assertThatThrownBy(() -> store.acquire("l", "a", Duration.ofSeconds(-1)))
                .isInstanceOf(InvalidSpecException.class);
        assertThat(store.leases("")).isEmpty();
    }

    @Test
    void renew_inTime_keepsTheEpochAndReachesFurther() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            leases.add(store.acquire("l-" + i, "a", TTL).orElseThrow());
        }
        Collections.reverse(leases);
        passTime(Duration.ofMillis(5));

        List<Lease> renewed = store.renew(leases, TTL);

        assertThat(renewed).hasSize(20);
        assertThat(renewed).allSatisfy(lease -> {
            Lease old = leases.stream()
                    .filter(other -> other.name().equals(lease.name()))
                    .findFirst()
                    .orElseThrow();
            assertThat(lease.epoch()).isEqualTo(old.epoch());
            assertThat(lease.until()).isAfter(old.until());
        });
        assertThat(store.leases("l-")).containsExactlyInAnyOrderElementsOf(renewed);
    }

    @Test
    void renew_someAreLost_answersTheOthers() {
        Lease ranOut = store.acquire("ran-out", "a", shortTtl()).orElseThrow();
        Lease taken = store.acquire("taken", "a", shortTtl()).orElseThrow();
        Lease kept = store.acquire("kept", "a", TTL).orElseThrow();
        Lease released = store.acquire("released", "a", TTL).orElseThrow();
        store.release(released);
        passTime(shortTtl());
        Lease byOther = store.acquire("taken", "b", TTL).orElseThrow();
        Lease never = new Lease("never", "a", 1, kept.until());

        List<Lease> renewed = store.renew(List.of(ranOut, taken, kept, released, never), TTL);

        assertThat(renewed).singleElement().satisfies(lease -> assertThat(lease.name())
                .isEqualTo("kept"));
        assertThat(store.leases("taken")).containsExactly(byOther);
        assertThat(store.renew(List.of(), TTL)).isEmpty();
    }

    @Test
    void release_byItsHolder_letsAnotherHaveItWithAHigherEpoch() {
        Lease a = store.acquire("l", "a", TTL).orElseThrow();

        store.release(a);

        Lease b = store.acquire("l", "b", TTL).orElseThrow();
        assertThat(b.epoch()).isGreaterThan(a.epoch());
    }

    @Test
    void release_underAnOldEpochOrByAnother_doesNothing() {
        Lease old = store.acquire("l", "a", TTL).orElseThrow();
        store.release(old);
        Lease now = store.acquire("l", "a", TTL).orElseThrow();

        store.release(old);
        store.release(new Lease("l", "b", now.epoch(), now.until()));

        assertThat(store.leases("l")).containsExactly(now);
        assertThat(store.acquire("l", "b", TTL)).isEmpty();
    }

    @Test
    void leases_byPrefix_listsThoseRunOutToo() {
        Lease ranOut = store.acquire("shard/1", "a", shortTtl()).orElseThrow();
        Lease held = store.acquire("shard/2", "b", TTL).orElseThrow();
        store.acquire("shard", "a", TTL);
        store.acquire("sharp/1", "a", TTL);
        passTime(shortTtl());

        assertThat(store.leases("shard/")).containsExactlyInAnyOrder(ranOut, held);
        assertThat(store.leases("shard/%")).isEmpty();
        assertThat(store.leases("")).hasSize(4);
    }

    @Test
    void commit_leaseIsHeld_isApplied() {
        Lease lease = store.acquire("l", "a", TTL).orElseThrow();
        List<Lease> renewed = store.renew(List.of(lease), TTL);
        assertThat(renewed).hasSize(1);

        commit(commit -> commit.guard(lease).addPuts(document("instance", "i-1", 0)));

        assertThat(store.find("instance", "i-1")).isPresent();
    }

    @Test
    void commit_leaseRanOut_isRefused() {
        Lease lease = store.acquire("l", "a", shortTtl()).orElseThrow();
        passTime(shortTtl());

        assertRefused(
                commit -> commit.guard(lease).addPuts(document("instance", "i-1", 0)),
                Condition.LEASE,
                "l",
                lease.epoch());
    }

    @Test
    void commit_anotherTookTheLease_isRefusedWithItsEpoch() {
        Lease old = store.acquire("l", "a", TTL).orElseThrow();
        store.release(old);
        Lease now = store.acquire("l", "b", TTL).orElseThrow();

        assertRefused(
                commit -> commit.guard(old).addPuts(document("instance", "i-1", 0)), Condition.LEASE, "l", now.epoch());
        assertRefused(
                commit -> commit.guard(new Lease("l", "a", now.epoch(), now.until())),
                Condition.LEASE,
                "l",
                now.epoch());
        assertRefused(commit -> commit.guard(new Lease("m", "a", 1, now.until())), Condition.LEASE, "m", 0);
    }

    @Test
    void now_asTimePasses_goesOn() {
        Instant before = store.now();

        passTime(Duration.ofMillis(5));

        assertThat(store.now()).isAfterOrEqualTo(before.plusMillis(5));
    }

    // open and close

    @Test
    void reopened_afterClose_hasEverything() {
        assumeTrue(durable(), "this store is not durable");
        Lease lease = store.acquire("l", "a", TTL).orElseThrow();
        commit(commit -> commit.addPuts(document("instance", "i-1", 0))
                .addClaims(new Commit.Claim("s", "k", "o"))
                .addAdds(new Commit.Add("s", "c", 3, 9))
                .addEvents(new Commit.Event("t-1", "i-1", "created", "{}")));
        List<String> before = everythingButLeases();
        long lastEvent = appendEvents(1).get(0);
        store.trimEvents(Long.MAX_VALUE);
        before.removeIf(line -> line.startsWith("StoredEvent"));

        store.close();
        store = open();

        assertThat(everythingButLeases()).isEqualTo(before);
        assertThat(appendEvents(1).get(0)).isGreaterThan(lastEvent);
        store.release(lease);
        assertThat(store.acquire("l", "b", TTL).orElseThrow().epoch()).isGreaterThan(lease.epoch());
    }

    @Test
    void reopened_storeOfOneProcess_letsLeasesRunOut() {
        assumeTrue(durable() && !store.shared(), "this store is not a file of one process");
        Lease lease = store.acquire("l", "a", TTL).orElseThrow();

        store.close();
        store = open();

        assertThat(store.acquire("l", "b", TTL).orElseThrow().epoch()).isGreaterThan(lease.epoch());
    }

    @Test
    void open_storeOfOneProcessTwice_isRefusedAndTheFirstGoesOn() {
        assumeTrue(durable() && !store.shared(), "this store is not a file of one process");
        StateStore second = handle();

        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(second::open)
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_LOCKED))
                    .hasMessageContaining(Long.toString(ProcessHandle.current().pid()));
        }
        put("instance", "i-1", 0, "{}");

        store.close();
        second.open();
        opened.add(second);
        assertThat(second.find("instance", "i-1")).isPresent();
    }

    @Test
    void sharedStore_openedTwice_showsEachTheOthersCommits() {
        assumeTrue(store.shared(), "this store serves one process only");
        StateStore second = open();

        put("instance", "i-1", 0, "{}");
        assertThat(second.find("instance", "i-1")).isPresent();
        second.commit(Commit.builder().addPuts(document("instance", "i-1", 1)).build());

        assertRefused(commit -> commit.addPuts(document("instance", "i-1", 1)), Condition.VERSION, "instance/i-1", 2);
    }

    @Test
    void sharedStore_writtenThroughTwoHandles_keepsEventsInOrder() throws Exception {
        assumeTrue(store.shared(), "this store serves one process only");
        StateStore second = open();
        int each = 80;
        AtomicInteger writing = new AtomicInteger(4);
        List<Long> followed = new ArrayList<>();

        together(5, thread -> {
            if (thread < 4) {
                StateStore mine = thread % 2 == 0 ? store : second;
                for (int n = 0; n < each; n++) {
                    mine.commit(Commit.builder()
                            .addEvents(new Commit.Event("t-1", "s", "e", "{}"))
                            .build());
                }
                writing.decrementAndGet();
                return;
            }
            long after = 0;
            boolean last = false;
            while (true) {
                List<StoredEvent> next = second.events(Optional.empty(), Optional.empty(), after, 1_000);
                followed.addAll(numbers(next));
                if (!next.isEmpty()) {
                    after = next.get(next.size() - 1).sequence();
                } else if (last) {
                    return;
                }
                last = writing.get() == 0;
            }
        });

        assertThat(followed).hasSize(4 * each).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void closed_anyCall_saysSo() {
        store.close();

        assertThatThrownBy(() -> store.find("instance", "i-1")).satisfies(StateStoreContract::saysUnavailable);
        assertThatThrownBy(() -> put("instance", "i-1", 0, "{}")).satisfies(StateStoreContract::saysUnavailable);
        assertThatThrownBy(() -> store.acquire("l", "a", TTL)).satisfies(StateStoreContract::saysUnavailable);
        assertThatCode(store::close).doesNotThrowAnyException();
    }

    private static void saysUnavailable(Throwable failure) {
        assertThat(failure).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    }

    // other processes

    @Test
    void open_anotherProcessHoldsAStoreOfOneProcess_namesIt() throws Exception {
        assumeTrue(durable() && !store.shared(), "this store is not a file of one process");
        assumeTrue(address().isPresent(), "no other process can open this store");
        store.close();

        try (StoreProcess other = StoreProcess.holding(address().orElseThrow())) {
            StateStore mine = handle();
            assertThatThrownBy(mine::open)
                    .isInstanceOfSatisfying(
                            TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_LOCKED))
                    .hasMessageContaining(Long.toString(other.pid()));

            other.kill();

            mine.open();
            opened.add(mine);
            store = mine;
            assertThat(put("instance", "i-1", 0, "{}").versions()).containsExactly(1L);
        }
    }

    /** A server may still carry out what it got from a process that was killed: waits until nothing more comes. */
    private static List<String> settled(StateStore store) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        List<String> found = allIds(store);
        int looks = 0;
        for (int same = 0; same < 5; looks++) {
            assertThat(looks).as("looks at a store that still changes").isLessThan(MOST_LOOKS);
            never.await(50, TimeUnit.MILLISECONDS);
            List<String> again = allIds(store);
            same = again.equals(found) ? same + 1 : 0;
            found = again;
        }
        return found;
    }

    @Test
    void killed_whileManyThreadsCommit_keepsEveryCommitThatReturned() throws Exception {
        assumeTrue(durable(), "this store is not durable");
        assumeTrue(address().isPresent(), "no other process can open this store");
        if (!store.shared()) {
            store.close();
        }
        for (int round = 0; round < 3; round++) {
            List<String> acknowledged;
            try (StoreProcess writer = StoreProcess.writing(address().orElseThrow(), 4, "r" + round)) {
                acknowledged = writer.killAfter(150 + 75 * round);
            }

            StateStore after = store.shared() ? store : open();
            List<String> found = settled(after);
            assertThat(found).containsAll(acknowledged);
            // Each commit was one document, one event, one claim and one more on the counter: whole or not at all.
            assertThat(after.counter("killed", "documents")).isEqualTo(found.size());
            assertThat(allEvents(after)).containsExactlyInAnyOrderElementsOf(found);
            assertThat(found)
                    .allSatisfy(id -> assertThat(after.owner("killed", id)).contains(id));
            if (!after.shared()) {
                after.close();
            }
        }
    }

    private static List<String> allIds(StateStore store) {
        List<String> ids = new ArrayList<>();
        Query.Builder page = Query.of("killed").limit(500);
        for (List<Document> next = store.list(page.build()); !next.isEmpty(); next = store.list(page.build())) {
            next.forEach(document -> ids.add(document.id()));
            page.after(ids.get(ids.size() - 1));
        }
        return ids;
    }

    private static List<String> allEvents(StateStore store) {
        List<String> subjects = new ArrayList<>();
        long after = 0;
        while (true) {
            List<StoredEvent> next = store.events(Optional.empty(), Optional.empty(), after, 1_000);
            if (next.isEmpty()) {
                return subjects;
            }
            next.forEach(event -> subjects.add(event.subject()));
            after = next.get(next.size() - 1).sequence();
        }
    }

    // helpers

    private CommitResult commit(Function<Commit.Builder, Commit.Builder> fill) {
        return store.commit(fill.apply(Commit.builder()).build());
    }

    private Optional<CommitRefusedException> refusal(Function<Commit.Builder, Commit.Builder> fill) {
        try {
            commit(fill);
            return Optional.empty();
        } catch (CommitRefusedException e) {
            return Optional.of(e);
        }
    }

    private void assertRefused(
            Function<Commit.Builder, Commit.Builder> fill, Condition condition, String subject, long seen) {
        List<String> before = everything();
        assertThatThrownBy(() -> commit(fill)).isInstanceOfSatisfying(CommitRefusedException.class, e -> {
            assertThat(e.condition()).isEqualTo(condition);
            assertThat(e.subject()).isEqualTo(subject);
            assertThat(e.seen()).isEqualTo(seen);
        });
        assertThat(everything()).isEqualTo(before);
    }

    private CommitResult put(String kind, String id, long expectedVersion, String body) {
        return commit(commit -> commit.addPuts(new Commit.Put(kind, id, "-", "", "A", 0, expectedVersion, body)));
    }

    private static Commit.Put document(String kind, String id, long expectedVersion) {
        return new Commit.Put(kind, id, "-", "", "A", 0, expectedVersion, "{}");
    }

    private List<String> ids(Query query) {
        return store.list(query).stream().map(Document::id).toList();
    }

    private List<Long> appendEvents(int count) {
        List<Long> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            numbers.addAll(commit(commit -> commit.addEvents(new Commit.Event("t-1", "i-1", "e", "{}")))
                    .sequences());
        }
        return numbers;
    }

    private List<StoredEvent> events(Optional<String> tenant, Optional<String> subject, long after, int limit) {
        return store.events(tenant, subject, after, limit);
    }

    private static List<Long> numbers(List<StoredEvent> events) {
        return events.stream().map(StoredEvent::sequence).toList();
    }

    /** Returns all that these tests write, as text. */
    private List<String> everything() {
        List<String> all = everythingButLeases();
        store.leases("").forEach(lease -> all.add(lease.toString()));
        return all;
    }

    private List<String> everythingButLeases() {
        List<String> all = new ArrayList<>();
        for (String kind : List.of("instance", "operation")) {
            store.list(Query.of(kind).limit(10_000).build()).forEach(document -> all.add(document.toString()));
        }
        for (String scope : List.of("quota", "quota:t-1", "s", "c")) {
            for (String name : List.of("cpus", "memory", "c", "refused")) {
                all.add(scope + "/" + name + "=" + store.counter(scope, name));
            }
        }
        for (String scope : List.of("name", "name:t-1", "s")) {
            for (String key : List.of("taken", "mine", "new", "orders", "k")) {
                all.add(scope + "/" + key + "=" + store.owner(scope, key));
            }
        }
        store.events(Optional.empty(), Optional.empty(), 0, 1_000).forEach(event -> all.add(event.toString()));
        return all;
    }

    @FunctionalInterface
    private interface Part {
        void run(int thread) throws Exception;
    }

    /** Runs the parts at once, each in its own thread, and throws what the first of them threw. */
    private static void together(int threads, Part part) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            CountDownLatch start = new CountDownLatch(1);
            List<Future<Void>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int thread = i;
                Callable<Void> run = () -> {
                    start.await();
                    part.run(thread);
                    return null;
                };
                running.add(pool.submit(run));
            }
            start.countDown();
            for (Future<Void> one : running) {
                one.get(2, TimeUnit.MINUTES);
            }
        } finally {
            pool.shutdownNow();
        }
    }
}
