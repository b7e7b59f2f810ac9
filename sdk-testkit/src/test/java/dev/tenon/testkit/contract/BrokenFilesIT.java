package dev.tenon.testkit.contract;

import dev.tenon.api.ProviderException;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.contract.Broken.Breakage;
import dev.tenon.testkit.contract.Broken.Call;
import dev.tenon.testkit.store.ManualClock;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that break a promise of theirs; that whole ones keep it is the affair of the test of the SQLite store. */
final class BrokenFilesIT {
    @TempDir
    Path directory;

    static Stream<Broken> stores() {
        return Stream.of(
                new Broken(
                        "reopened_afterClose_hasEverything", "counts from the start when opened again", new Breakage() {
                            private boolean again;

                            @Override
                            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                                again |= verb.equals("close");
                                return again && verb.equals("counter") ? 0L : onwards.proceed(args);
                            }
                        }),
                new Broken(
                        "reopened_storeOfOneProcess_letsLeasesRunOut", "begins epochs again", (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            return verb.equals("acquire")
                                    ? ((Optional<?>) answer)
                                            .map(Lease.class::cast)
                                            .map(lease -> new Lease(lease.name(), lease.holder(), 1, lease.until()))
                                    : answer;
                        }),
                new Broken(
                        "open_storeOfOneProcessTwice_isRefusedAndTheFirstGoesOn",
                        "does not say who has it",
                        discreet()),
                new Broken("open_anotherProcessHoldsAStoreOfOneProcess_namesIt", "does not say who has it", discreet()),
                new Broken(
                        "killed_whileManyThreadsCommit_keepsEveryCommitThatReturned",
                        "says done before it is",
                        (verb, args, onwards) -> verb.equals("commit")
                                        && ((Commit) args[0]).puts().get(0).id().endsWith("7")
                                ? new CommitResult(List.of(1L), List.of(1L), Instant.EPOCH)
                                : onwards.proceed(args)));
    }

    private static Breakage discreet() {
        return (verb, args, onwards) -> {
            try {
                return onwards.proceed(args);
            } catch (ProviderException e) {
                throw new ProviderException(e.code(), "cannot be opened", e);
            }
        };
    }

    @ParameterizedTest
    @MethodSource("stores")
    void storeContract_brokenPromise_isNoticed(Broken broken) {
        ManualClock clock = new ManualClock();
        Path file = directory.resolve("tenon.db");
        StateStoreContract suite = new StateStoreContract() {
            @Override
            protected StateStore handle() {
                return Broken.proxy(StateStore.class, SqliteStore.file(file, clock), broken.breakage());
            }

            @Override
            protected void passTime(Duration time) {
                clock.pass(time);
            }

            @Override
            protected Optional<StoreAddress> address() {
                return Optional.of(new StoreAddress(Opener.class, List.of(file.toString(), broken.test())));
            }
        };
        suite.openStore();
        try {
            broken.assertNoticed(suite, StateStoreContract.class);
        } finally {
            suite.closeStores();
        }
    }

    /** Opens the same broken store in another process. */
    public static final class Opener implements Function<List<String>, StateStore> {
        @Override
        public StateStore apply(List<String> arguments) {
            Breakage breakage = stores().filter(broken -> broken.test().equals(arguments.get(1)))
                    .findFirst()
                    .orElseThrow()
                    .breakage();
            return Broken.proxy(
                    StateStore.class, SqliteStore.file(Path.of(arguments.get(0)), Clock.systemUTC()), breakage);
        }
    }
}
