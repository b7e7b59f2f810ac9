package dev.tenon.testkit.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.core.store.PostgresStore;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the shared store does when the server or the way to it fails. */
final class PostgresStoreFaultsIT {
    private static TestPostgres server;

    @BeforeAll
    static void startServer() throws Exception {
        server = TestPostgres.start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @Test
    void commit_linkBreaksBeforeTheServerHearsOfIt_isDoneOnce() throws Exception {
        commitOver(FaultyLink.Fault.BEFORE_COMMIT);
    }

    @Test
    void commit_answerIsLost_isDoneOnceAndReturnsItsResult() throws Exception {
        commitOver(FaultyLink.Fault.AFTER_COMMIT);
    }

    private static void commitOver(FaultyLink.Fault fault) throws Exception {
        try (FaultyLink link = new FaultyLink(server.port());
                StateStore store = through(link)) {
            store.open();
            for (int n = 1; n <= 3; n++) {
                link.next(fault);
                String id = "i-" + n;

                var result = store.commit(counted(id));

                assertThat(link.pending()).as("the fault happened").isEqualTo(FaultyLink.Fault.NONE);
                assertThat(result.versions()).containsExactly(1L);
                assertThat(store.find("instance", id).orElseThrow().updatedAt()).isEqualTo(result.at());
                assertThat(store.counter("c", "n")).isEqualTo(n);
            }
            assertThatThrownBy(() -> store.commit(counted("i-1"))).isInstanceOf(CommitRefusedException.class);
        }
    }

    @Test
    void anyCall_serverIsAway_saysSoAndTheNextWorks() throws Exception {
        try (FaultyLink link = new FaultyLink(server.port());
                StateStore store = through(link)) {
            link.next(FaultyLink.Fault.DOWN);
            assertThatThrownBy(store::open).satisfies(PostgresStoreFaultsIT::saysUnavailable);
            link.next(FaultyLink.Fault.NONE);
            store.open();
            store.commit(counted("i-1"));

            link.next(FaultyLink.Fault.DOWN);
            assertThatThrownBy(() -> store.commit(counted("i-2")))
                    .satisfies(PostgresStoreFaultsIT::saysUnavailable)
                    .hasMessageContaining("cannot be reached");
            assertThatThrownBy(() -> store.find("instance", "i-1")).satisfies(PostgresStoreFaultsIT::saysUnavailable);

            link.next(FaultyLink.Fault.NONE);
            assertThat(store.find("instance", "i-1")).isPresent();
            store.commit(counted("i-2"));
            assertThat(store.counter("c", "n")).isEqualTo(2);
        }
    }

    @Test
    void commits_connectionsAreCutAgainAndAgain_areAllDoneOnce() throws Exception {
        int threads = 6;
        int each = 60;
        try (StateStore store = PostgresStore.connect(server.newSchema(), TestPostgres.USER, server.password())) {
            store.open();
            AtomicInteger working = new AtomicInteger(threads);
            ExecutorService pool = Executors.newFixedThreadPool(threads);
            try {
                List<Future<?>> writers = new ArrayList<>();
                for (int i = 0; i < threads; i++) {
                    String prefix = "i-" + i + "-";
                    writers.add(pool.submit(() -> {
                        try {
                            for (int n = 0; n < each; n++) {
                                store.commit(counted(prefix + n));
                            }
                        } finally {
                            working.decrementAndGet();
                        }
                    }));
                }
                for (int cut = 0; cut < 10 && working.get() > 0; cut++) {
                    long seen = store.counter("c", "n");
                    server.cutConnections();
                    // The next cut comes when something was done since the last.
                    while (working.get() > 0 && store.counter("c", "n") < seen + 10) {
                        Thread.onSpinWait();
                    }
                }
                for (Future<?> writer : writers) {
                    writer.get(2, TimeUnit.MINUTES);
                }
            } finally {
                pool.shutdownNow();
            }

            assertThat(store.count(Query.of("instance").build())).isEqualTo(threads * each);
            assertThat(store.counter("c", "n")).isEqualTo(threads * each);
        }
    }

    @Test
    void commits_lockingDocumentsInAnyOrder_endDespiteDeadlocks() throws Exception {
        try (StateStore store = PostgresStore.connect(server.newSchema(), TestPostgres.USER, server.password())) {
            store.open();
            for (String id : List.of("a", "b")) {
                store.commit(Commit.builder().addPuts(put(id, 0)).build());
            }
            ExecutorService pool = Executors.newFixedThreadPool(2);
            try {
                List<Future<Integer>> both = new ArrayList<>();
                for (List<String> order : List.of(List.of("a", "b"), List.of("b", "a"))) {
                    both.add(pool.submit(() -> {
                        int done = 0;
                        while (done < 20) {
                            Commit.Builder commit = Commit.builder();
                            for (String id : order) {
                                commit.addPuts(put(
                                        id,
                                        store.find("instance", id).orElseThrow().version()));
                            }
                            try {
                                store.commit(commit.build());
                                done++;
                            } catch (CommitRefusedException changedMeanwhile) {
                                continue;
                            }
                        }
                        return done;
                    }));
                }
                for (Future<Integer> one : both) {
                    assertThat(one.get(2, TimeUnit.MINUTES)).isEqualTo(20);
                }
            } finally {
                pool.shutdownNow();
            }
            assertThat(store.find("instance", "a").orElseThrow().version()).isEqualTo(41);
            assertThat(store.find("instance", "b").orElseThrow().version()).isEqualTo(41);
        }
    }

    @Test
    void open_passwordIsWrong_saysSoWithoutIt() throws Exception {
        try (StateStore store = PostgresStore.connect(server.url(), TestPostgres.USER, Secret.of("not-the-password"))) {
            assertThatThrownBy(store::open)
                    .satisfies(PostgresStoreFaultsIT::saysUnavailable)
                    .hasMessageContaining("refuses")
                    .hasMessageNotContaining("not-the-password");
        }
    }

    @Test
    void connect_urlIsNotOneOrHasAPassword_isRefused() {
        for (String url : List.of("jdbc:mysql://h/d", "h:5432", "jdbc:postgresql://h/d?password=x")) {
            assertThatThrownBy(() -> PostgresStore.connect(url, "u", Secret.of("p")))
                    .as(url)
                    .isInstanceOf(InvalidSpecException.class)
                    .hasMessageNotContaining("=x");
        }
    }

    private static StateStore through(FaultyLink link) {
        String url = server.newSchema().replace(":" + server.port() + "/", ":" + link.port() + "/");
        // Without prepared statements a commit is always the word COMMIT, which the link looks for.
        return PostgresStore.connect(url + "&prepareThreshold=0", TestPostgres.USER, server.password());
    }

    private static Commit counted(String id) {
        return Commit.builder()
                .addPuts(put(id, 0))
                .addAdds(new Commit.Add("c", "n", 1, 1_000_000))
                .addEvents(new Commit.Event("-", id, "made", "{}"))
                .build();
    }

    private static Commit.Put put(String id, long version) {
        return new Commit.Put("instance", id, "-", "", "A", 0, version, "{}");
    }

    private static void saysUnavailable(Throwable failure) {
        assertThat(failure).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    }
}
