package dev.tenon.testkit.contract;

import static dev.tenon.testkit.contract.Broken.answering;
import static dev.tenon.testkit.contract.Broken.calling;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
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
import dev.tenon.testkit.contract.Broken.Breakage;
import dev.tenon.testkit.contract.Broken.Call;
import dev.tenon.testkit.store.ManualClock;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Shows that the contract of stores can fail: each store here breaks one promise, and the test that names it must notice. */
final class BrokenStoresTest {
    private static final Lease NOBODYS = new Lease("", "", 0, Instant.EPOCH);

    static Stream<Broken> stores() {
        return Stream.of(documents(), checks(), commits(), claims(), counters(), lists(), events(), leases(), handles())
                .flatMap(all -> all);
    }

    private static Stream<Broken> documents() {
        return Stream.of(
                broken(
                        "find_documentIsNotThere_isEmpty",
                        "makes up what is not there",
                        found(found -> found.isEmpty()
                                ? Optional.of(new Document("instance", "i-1", "-", "", "A", 0, 1, Instant.EPOCH, "{}"))
                                : found)),
                broken(
                        "put_newDocument_isFoundAsItWasWritten",
                        "keeps ASCII only",
                        found(found -> found.map(document -> document(
                                document,
                                document.version(),
                                new String(
                                        document.body().getBytes(StandardCharsets.US_ASCII),
                                        StandardCharsets.US_ASCII))))),
                broken(
                        "put_bodyOfAMegabyte_isFoundAsItWasWritten",
                        "cuts long bodies",
                        found(found -> found.map(document -> document(
                                document,
                                document.version(),
                                document.body()
                                        .substring(
                                                0,
                                                Math.min(65_535, document.body().length())))))),
                broken(
                        "put_expectedVersionIsTheSeenOne_raisesItAndReplacesEverything",
                        "keeps the first tenant of a document",
                        puts(put -> put(put, put.expectedVersion() > 0 ? "t-1" : put.tenant(), put.expectedVersion()))),
                broken(
                        "put_severalDocuments_answersVersionsInTheirOrder",
                        "answers in the order of ids",
                        committing(commit -> Commit.builder()
                                .from(commit)
                                .puts(commit.puts().stream()
                                        .sorted(Comparator.comparing(Commit.Put::id))
                                        .toList())
                                .build())),
                broken(
                        "put_sameIdOfAnotherKind_isAnotherDocument",
                        "knows documents by their id alone",
                        puts(put -> new Commit.Put(
                                "instance",
                                put.id(),
                                put.tenant(),
                                put.parent(),
                                put.state(),
                                put.shard(),
                                put.expectedVersion(),
                                put.body()))),
                broken(
                        "put_documentChangedMeanwhile_isRefusedWithTheSeenVersion",
                        "lets the last writer win",
                        lastWins()),
                broken("put_documentIsThereAlready_isRefused", "lets the last writer win", lastWins()),
                broken("put_documentIsGone_isRefused", "brings back what is gone", lastWins()),
                broken(
                        "put_byManyThreadsOverOneVersion_losesNoChange",
                        "lets the last writer win",
                        meeting(lastWins())),
                broken(
                        "put_outOfBounds_isRefusedAndNothingIsStored",
                        "stores what it can of a bad commit",
                        refusing(InvalidSpecException.class, (commit, onwards, e) -> {
                            onwards.proceed(Commit.builder()
                                    .addPuts(commit.puts().get(0))
                                    .build());
                            throw e;
                        })),
                broken(
                        "delete_expectedVersionIsTheSeenOne_removes",
                        "deletes nothing",
                        committing(commit ->
                                Commit.builder().from(commit).deletes(List.of()).build())),
                broken("delete_documentChangedMeanwhile_isRefused", "deletes whatever is there", deleting(-1)),
                broken("delete_anyVersion_removesOrDoesNothing", "wants to know the version", deleting(1)),
                broken("put_afterDelete_beginsAgain", "counts on after the end", new Breakage() {
                    private boolean deleted;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        Object answer = onwards.proceed(args);
                        if (!(answer instanceof CommitResult result)) {
                            return answer;
                        }
                        CommitResult counted = new CommitResult(
                                result.versions().stream()
                                        .map(version -> deleted ? version + 1 : version)
                                        .toList(),
                                result.sequences(),
                                result.at());
                        deleted |= !((Commit) args[0]).deletes().isEmpty();
                        return counted;
                    }
                }));
    }

    private static Stream<Broken> checks() {
        return Stream.of(
                broken(
                        "check_versionsHold_theRestIsApplied",
                        "cannot check that nothing is there",
                        committing(commit -> Commit.builder()
                                .from(commit)
                                .checks(commit.checks().stream()
                                        .map(check -> new Commit.Check(
                                                check.kind(), check.id(), Math.max(1, check.expectedVersion())))
                                        .toList())
                                .build())),
                broken(
                        "check_documentChangedOrCameOrWent_isRefused",
                        "checks nothing",
                        committing(BrokenStoresTest::unchecked)),
                broken("check_thatNothingIsThere_holdsUntilTheCommit", "checks before it commits", new Breakage() {
                    private final CyclicBarrier both = new CyclicBarrier(2);
                    private final AtomicInteger met = new AtomicInteger();

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        if (!verb.equals("commit")) {
                            return onwards.proceed(args);
                        }
                        Commit commit = (Commit) args[0];
                        onwards.proceed(Commit.builder().checks(commit.checks()).build());
                        if (met.getAndIncrement() < 2) {
                            both.await(10, TimeUnit.SECONDS);
                        }
                        return onwards.proceed(unchecked(commit));
                    }
                }));
    }

    private static Stream<Broken> commits() {
        return Stream.of(
                broken("commit_returned_isSeenByEveryReader", "answers from a copy that lags", lagging()),
                broken(
                        "find_andListWhileOthersWrite_neverGoBack",
                        "lists the version before the last",
                        answering("list", List.class, all -> ((List<?>) all)
                                .stream()
                                        .map(Document.class::cast)
                                        .map(document -> document(document, document.version() - 1, document.body()))
                                        .toList())),
                broken(
                        "commit_oneConditionFails_changesNothing",
                        "keeps the documents of a commit whose counters refuse",
                        refusing(CommitRefusedException.class, (commit, onwards, e) -> {
                            if (e.condition() == Condition.COUNTER) {
                                onwards.proceed(Commit.builder()
                                        .from(commit)
                                        .adds(List.of())
                                        .build());
                            }
                            throw e;
                        })),
                broken(
                        "commit_severalConditionsFail_reportsTheFirstInOrder",
                        "looks at the counters first",
                        refusing(CommitRefusedException.class, (commit, onwards, e) -> {
                            throw commit.adds().isEmpty()
                                    ? e
                                    : new CommitRefusedException(Condition.COUNTER, e.subject(), e.seen());
                        })),
                broken(
                        "commit_refusedAmongOthers_spoilsNone",
                        "refuses a commit with the one before it",
                        new Breakage() {
                            private final AtomicBoolean spoilt = new AtomicBoolean();

                            @Override
                            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                                if (!verb.equals("commit")) {
                                    return onwards.proceed(args);
                                }
                                try {
                                    if (spoilt.getAndSet(false)) {
                                        throw new CommitRefusedException(Condition.VERSION, "of another", 0);
                                    }
                                    return onwards.proceed(args);
                                } catch (CommitRefusedException e) {
                                    spoilt.set(true);
                                    throw e;
                                }
                            }
                        }),
                broken("commit_ofNothing_isDone", "cannot do nothing", (verb, args, onwards) -> {
                    if (verb.equals("commit") && args[0].equals(Commit.builder().build())) {
                        throw new InvalidSpecException("commit", "holds nothing");
                    }
                    return onwards.proceed(args);
                }),
                broken(
                        "commit_callerIsInterrupted_isStillWholeAndTheStoreGoesOn",
                        "swallows an interruption",
                        (verb, args, onwards) -> {
                            Thread.interrupted();
                            return onwards.proceed(args);
                        }),
                broken("commit_leaseIsHeld_isApplied", "refuses a lease that was renewed", (verb, args, onwards) -> {
                    if (verb.equals("commit") && ((Commit) args[0]).guard().isPresent()) {
                        throw new CommitRefusedException(Condition.LEASE, "l", 1);
                    }
                    return onwards.proceed(args);
                }),
                broken("commit_leaseRanOut_isRefused", "commits for whoever asks", unguarded()),
                broken("commit_anotherTookTheLease_isRefusedWithItsEpoch", "commits for whoever asks", unguarded()));
    }

    private static Stream<Broken> claims() {
        return Stream.of(
                broken("claim_keyIsFree_isOwned", "has one scope for all", calling("owner", args ->
                        new Object[] {"name:t-1", args[1]})),
                broken("claim_ownerHasItAlready_holds", "lets nobody claim twice", new Breakage() {
                    private final Set<Commit.Claim> seen = ConcurrentHashMap.newKeySet();

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        if (verb.equals("commit")) {
                            for (Commit.Claim claim : ((Commit) args[0]).claims()) {
                                if (!seen.add(claim)) {
                                    throw new CommitRefusedException(Condition.CLAIM, claim.key(), 0);
                                }
                            }
                        }
                        return onwards.proceed(args);
                    }
                }),
                broken("claim_anotherHasIt_isRefused", "does not refuse a claim", unclaimed()),
                broken("claim_byManyThreads_hasOneWinner", "does not refuse a claim", unclaimed()),
                broken("unclaim_byItsOwner_frees", "never frees a key", committing(commit -> Commit.builder()
                        .from(commit)
                        .unclaims(List.of())
                        .build())),
                broken(
                        "unclaim_byAnother_doesNothing",
                        "frees a key for whoever asks",
                        committing(commit -> Commit.builder()
                                .from(commit)
                                .unclaims(commit.unclaims().stream()
                                        .map(unclaim -> new Commit.Unclaim(unclaim.scope(), unclaim.key(), "i-1"))
                                        .toList())
                                .build())),
                broken(
                        "claim_givenBackInTheSameCommit_changesItsOwner",
                        "claims before it frees",
                        (verb, args, onwards) -> {
                            if (verb.equals("commit")
                                    && !((Commit) args[0]).unclaims().isEmpty()) {
                                onwards.proceed(Commit.builder()
                                        .claims(((Commit) args[0]).claims())
                                        .build());
                            }
                            return onwards.proceed(args);
                        }));
    }

    private static Stream<Broken> counters() {
        return Stream.of(
                broken(
                        "counter_neverChanged_isZero",
                        "begins to count at one",
                        answering("counter", Long.class, count -> count + 1)),
                broken(
                        "add_upToTheMaximum_holds",
                        "stops below the maximum",
                        adding(add -> new Commit.Add(add.scope(), add.name(), add.delta(), add.max() - 1))),
                broken(
                        "add_overTheMaximum_isRefusedWithTheSeenValue",
                        "knows no maximum",
                        adding(add -> new Commit.Add(add.scope(), add.name(), add.delta(), Long.MAX_VALUE))),
                broken("add_lessThanZero_holdsEvenAboveTheMaximum", "takes nothing back", (verb, args, onwards) -> {
                    if (verb.equals("commit")
                            && ((Commit) args[0]).adds().stream().anyMatch(add -> add.delta() <= 0)) {
                        throw new CommitRefusedException(Condition.COUNTER, "quota:t-1/cpus", 8);
                    }
                    return onwards.proceed(args);
                }),
                broken("add_twiceInOneCommit_countsBoth", "counts each name once", committing(commit -> {
                    Map<String, Commit.Add> once = new LinkedHashMap<>();
                    commit.adds().forEach(add -> once.put(add.scope() + add.name(), add));
                    return Commit.builder().from(commit).adds(once.values()).build();
                })),
                broken("add_byManyThreads_neverPassesTheMaximum", "lets one more in", new Breakage() {
                    private final AtomicBoolean late = new AtomicBoolean();

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        try {
                            return onwards.proceed(args);
                        } catch (CommitRefusedException e) {
                            if (late.getAndSet(true)) {
                                throw e;
                            }
                            return onwards.proceed(Commit.builder()
                                    .from((Commit) args[0])
                                    .adds(((Commit) args[0])
                                            .adds().stream()
                                                    .map(add -> new Commit.Add(
                                                            add.scope(), add.name(), add.delta(), Long.MAX_VALUE))
                                                    .toList())
                                    .build());
                        }
                    }
                }));
    }

    private static Stream<Broken> lists() {
        return Stream.of(
                broken(
                        "list_byEachFilter_returnsOnlyWhatMatches",
                        "overlooks the shards",
                        calling("list", args -> new Object[] {
                            Query.builder()
                                    .from((Query) args[0])
                                    .shards(Set.of())
                                    .build()
                        })),
                broken(
                        "list_inOrderOfIds_comparesThemByteByByte",
                        "sorts as people do",
                        listing(Query.Order.ID, Comparator.comparing(Document::id, String.CASE_INSENSITIVE_ORDER))),
                broken(
                        "list_newest_isInOrderOfCreationNotOfChange",
                        "sorts by the last change",
                        listing(
                                Query.Order.NEWEST,
                                Comparator.comparing(Document::updatedAt).reversed())),
                broken(
                        "list_newestOfOneCommit_isInOrderOfIds",
                        "sorts equals as it likes",
                        listing(
                                Query.Order.NEWEST,
                                Comparator.comparing(Document::id).reversed())),
                broken("list_pageByPage_showsEachDocumentOnce", "skips one between pages", (verb, args, onwards) -> {
                    Object answer = onwards.proceed(args);
                    return verb.equals("list") && ((Query) args[0]).after().isPresent()
                            ? ((List<?>) answer).stream().skip(1).toList()
                            : answer;
                }),
                broken(
                        "list_documentOfTheCursorIsGone_goesOnByIdAndIsRefusedByAge",
                        "ends where the cursor is gone",
                        (verb, args, onwards) -> {
                            try {
                                return onwards.proceed(args);
                            } catch (InvalidSpecException e) {
                                return List.of();
                            }
                        }),
                broken("list_limitOutOfBounds_isRefused", "takes any limit", calling("list", args -> new Object[] {
                    Query.builder().from((Query) args[0]).limit(10).build()
                })));
    }

    private static Stream<Broken> events() {
        return Stream.of(
                broken(
                        "events_appended_areReadInOrderWithTheirNumbers",
                        "tells the last event first",
                        answering("events", List.class, BrokenStoresTest::reversed)),
                broken("events_afterANumber_areCutToTheLimit", "tells the last one again", calling("events", args -> {
                    args[2] = (Long) args[2] - 1;
                    return args;
                })),
                broken(
                        "eventsBefore_aNumber_areNewestFirst",
                        "tells the oldest first",
                        answering("eventsBefore", List.class, BrokenStoresTest::reversed)),
                broken(
                        "events_ofATenantOrSubject_leaveOutAllOthers",
                        "overlooks the subject",
                        calling("events", args -> {
                            args[1] = Optional.empty();
                            return args;
                        })),
                broken("events_limitOutOfBounds_isRefused", "takes any limit", calling("events", args -> {
                    args[3] = 10;
                    return args;
                })),
                broken("trimEvents_all_laterNumbersStillGrow", "begins to number again", new Breakage() {
                    private boolean trimmed;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        trimmed |= verb.equals("trimEvents");
                        return trimmed && onwards.proceed(args) instanceof CommitResult result
                                ? new CommitResult(result.versions(), List.of(1L), result.at())
                                : onwards.proceed(args);
                    }
                }),
                // As a database's sequence does under two transactions.
                broken(
                        "events_followedWhileManyWrite_areSeenOnceEachInOrder",
                        "shows an event after a later one",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            if (!verb.equals("events") || ((List<?>) answer).size() < 2) {
                                return answer;
                            }
                            List<Object> seen = new ArrayList<>((List<?>) answer);
                            seen.remove(seen.size() - 2);
                            return seen;
                        }));
    }

    private static Stream<Broken> leases() {
        return Stream.of(
                broken(
                        "acquire_leaseIsFree_isHeldForTheTimeAsked",
                        "holds a lease for half the time",
                        calling("acquire", args -> {
                            args[2] = ((Duration) args[2]).dividedBy(2);
                            return args;
                        })),
                broken(
                        "forgetLeases_ranOutBefore_areGoneAndTheOthersStay",
                        "forgets all that ran out",
                        calling("forgetLeases", args -> new Object[] {"", args[1]})),
                broken("acquire_anotherHoldsIt_isEmpty", "gives a lease to all who ask", generous()),
                broken("acquire_byManyAtOnce_hasOneHolder", "gives a lease to all who ask", generous()),
                broken(
                        "acquire_byItsHolderInTime_keepsTheEpochAndReachesFurther",
                        "raises the epoch each time",
                        new Breakage() {
                            private long times;

                            @Override
                            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                                times += verb.equals("acquire") ? 1 : 0;
                                return acquired(epoch -> times).call(verb, args, onwards);
                            }
                        }),
                broken(
                        "acquire_leaseRanOut_raisesTheEpochForAnyHolder",
                        "keeps the epoch of a lease that ran out",
                        acquired(epoch -> 1L)),
                broken("acquire_timeToLiveOutOfBounds_isRefused", "takes any time", calling("acquire", args -> {
                    args[2] = Duration.ofSeconds(1);
                    return args;
                })),
                broken(
                        "renew_inTime_keepsTheEpochAndReachesFurther",
                        "says renewed and does nothing",
                        (verb, args, onwards) -> verb.equals("renew") ? args[0] : onwards.proceed(args)),
                broken("renew_someAreLost_answersTheOthers", "says that all are renewed", (verb, args, onwards) -> {
                    Object answer = onwards.proceed(args);
                    return verb.equals("renew") ? args[0] : answer;
                }),
                broken(
                        "release_byItsHolder_letsAnotherHaveItWithAHigherEpoch",
                        "keeps the epoch of a lease that was given back",
                        acquired(epoch -> 1L)),
                broken("release_underAnOldEpochOrByAnother_doesNothing", "releases for whoever asks", new Breakage() {
                    private Lease last = NOBODYS;

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        Object answer = verb.equals("release") ? onwards.proceed(last) : onwards.proceed(args);
                        if (verb.equals("acquire")) {
                            last = ((Optional<?>) answer).map(Lease.class::cast).orElse(last);
                        }
                        return answer;
                    }
                }),
                broken("leases_byPrefix_listsThoseRunOutToo", "takes a prefix for a pattern", calling("leases", args ->
                        new Object[] {((String) args[0]).replace("%", "")})),
                broken("now_asTimePasses_goesOn", "looks at the clock once", new Breakage() {
                    private final AtomicReference<Object> first = new AtomicReference<>();

                    @Override
                    public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                        Object answer = onwards.proceed(args);
                        if (!verb.equals("now")) {
                            return answer;
                        }
                        first.compareAndSet(null, answer);
                        return first.get();
                    }
                }));
    }

    private static Stream<Broken> handles() {
        return Stream.of(
                broken("closed_anyCall_saysSo", "breaks when it is closed", (verb, args, onwards) -> {
                    try {
                        return onwards.proceed(args);
                    } catch (ProviderException e) {
                        throw new ProviderException(ErrorCode.INTERNAL, "no connection", e);
                    }
                }),
                broken("sharedStore_openedTwice_showsEachTheOthersCommits", "lets the last writer win", lastWins()),
                broken(
                        "sharedStore_writtenThroughTwoHandles_keepsEventsInOrder",
                        "loses an event",
                        (verb, args, onwards) -> {
                            Object answer = onwards.proceed(args);
                            return verb.equals("events")
                                    ? ((List<?>) answer)
                                            .stream()
                                                    .filter(event -> ((StoredEvent) event).sequence() % 10 != 0)
                                                    .toList()
                                    : answer;
                        }));
    }

    private static Broken broken(String test, String how, Breakage breakage) {
        return new Broken(test, how, breakage);
    }

    private static Breakage found(UnaryOperator<Optional<Document>> change) {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            return verb.equals("find") ? change.apply(((Optional<?>) answer).map(Document.class::cast)) : answer;
        };
    }

    private static Document document(Document from, long version, String body) {
        return new Document(
                from.kind(),
                from.id(),
                from.tenant(),
                from.parent(),
                from.state(),
                from.shard(),
                version,
                from.updatedAt(),
                body);
    }

    private static Commit.Put put(Commit.Put from, String tenant, long expectedVersion) {
        return new Commit.Put(
                from.kind(),
                from.id(),
                tenant,
                from.parent(),
                from.state(),
                from.shard(),
                expectedVersion,
                from.body());
    }

    private static Breakage committing(UnaryOperator<Commit> change) {
        return calling("commit", args -> new Object[] {change.apply((Commit) args[0])});
    }

    private static Breakage puts(UnaryOperator<Commit.Put> change) {
        return committing(commit -> Commit.builder()
                .from(commit)
                .puts(commit.puts().stream().map(change).toList())
                .build());
    }

    private static Breakage adding(UnaryOperator<Commit.Add> change) {
        return committing(commit -> Commit.builder()
                .from(commit)
                .adds(commit.adds().stream().map(change).toList())
                .build());
    }

    private static Breakage deleting(long expectedVersion) {
        return committing(commit -> Commit.builder()
                .from(commit)
                .deletes(commit.deletes().stream()
                        .map(delete -> new Commit.Delete(delete.kind(), delete.id(), expectedVersion))
                        .toList())
                .build());
    }

    private static Breakage unguarded() {
        return committing(
                commit -> Commit.builder().from(commit).guard(Optional.empty()).build());
    }

    private static Commit unchecked(Commit commit) {
        return Commit.builder().from(commit).checks(List.of()).build();
    }

    /** What becomes of a commit that was refused. */
    @FunctionalInterface
    private interface Refused<E> {
        Object then(Commit commit, Call onwards, E refusal) throws Throwable;
    }

    private static <E extends RuntimeException> Breakage refusing(Class<E> type, Refused<E> refused) {
        return (verb, args, onwards) -> {
            try {
                return onwards.proceed(args);
            } catch (RuntimeException e) {
                if (!verb.equals("commit") || !type.isInstance(e)) {
                    throw e;
                }
                return refused.then((Commit) args[0], onwards, type.cast(e));
            }
        };
    }

    /** Writes over whatever version is there. */
    private static Breakage lastWins() {
        return new Breakage() {
            @Override
            public Object call(String verb, Object[] args, Call onwards) throws Throwable {
                return refusing(CommitRefusedException.class, (commit, inner, e) -> {
                            if (e.condition() != Condition.VERSION) {
                                throw e;
                            }
                            return call(
                                    verb,
                                    new Object[] {
                                        Commit.builder()
                                                .from(commit)
                                                .puts(commit.puts().stream()
                                                        .map(put -> put(put, put.tenant(), e.seen()))
                                                        .toList())
                                                .build()
                                    },
                                    inner);
                        })
                        .call(verb, args, onwards);
            }
        };
    }

    /** Lets two threads have seen the same version before either writes. */
    private static Breakage meeting(Breakage writing) {
        CyclicBarrier both = new CyclicBarrier(2);
        AtomicInteger met = new AtomicInteger();
        return (verb, args, onwards) -> {
            if (verb.equals("commit")
                    && ((Commit) args[0]).puts().get(0).expectedVersion() > 0
                    && met.getAndIncrement() < 2) {
                both.await(10, TimeUnit.SECONDS);
            }
            return writing.call(verb, args, onwards);
        };
    }

    private static Breakage unclaimed() {
        return refusing(
                CommitRefusedException.class,
                (commit, onwards, e) -> onwards.proceed(
                        Commit.builder().from(commit).claims(List.of()).build()));
    }

    /** Answers each question as it was right the last time it was asked. */
    private static Breakage lagging() {
        Map<List<Object>, Object> copy = new ConcurrentHashMap<>();
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            if (!verb.equals("find")) {
                return answer;
            }
            Object before = copy.put(List.of(args), answer);
            return before == null ? answer : before;
        };
    }

    private static Breakage listing(Query.Order order, Comparator<Document> wrong) {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            return verb.equals("list") && ((Query) args[0]).order() == order
                    ? ((List<?>) answer)
                            .stream().map(Document.class::cast).sorted(wrong).toList()
                    : answer;
        };
    }

    private static List<?> reversed(List<?> list) {
        List<Object> reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        return reversed;
    }

    private static Breakage acquired(UnaryOperator<Long> epoch) {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            return verb.equals("acquire")
                    ? ((Optional<?>) answer)
                            .map(Lease.class::cast)
                            .map(lease ->
                                    new Lease(lease.name(), lease.holder(), epoch.apply(lease.epoch()), lease.until()))
                    : answer;
        };
    }

    private static Breakage generous() {
        return (verb, args, onwards) -> {
            Object answer = onwards.proceed(args);
            return verb.equals("acquire") && ((Optional<?>) answer).isEmpty()
                    ? Optional.of(new Lease((String) args[0], (String) args[1], 2, Instant.MAX))
                    : answer;
        };
    }

    @Test
    void storeContract_eachTest_hasAStoreThatBreaksIt() {
        assertThat(Stream.concat(stores(), BrokenFilesIT.stores()).map(Broken::test))
                .containsExactlyInAnyOrderElementsOf(Broken.tests(StateStoreContract.class));
    }

    @ParameterizedTest
    @MethodSource("stores")
    void storeContract_brokenPromise_isNoticed(Broken broken) {
        StateStoreContract suite = suite(broken.test(), broken.breakage());
        try {
            broken.assertNoticed(suite, StateStoreContract.class);
        } finally {
            suite.closeStores();
        }
    }

    @ParameterizedTest
    @MethodSource("stores")
    void storeContract_keptPromise_passes(Broken broken) throws Throwable {
        StateStoreContract suite = suite(broken.test(), Broken.NOTHING);
        try {
            broken.run(suite, StateStoreContract.class);
        } finally {
            suite.closeStores();
        }
    }

    private static StateStoreContract suite(String test, Breakage breakage) {
        ManualClock clock = new ManualClock();
        Function<StateStore, StateStore> sharing = test.startsWith("sharedStore_") ? sharing() : store -> store;
        StateStore memory = new MemoryStore(clock);
        StateStoreContract suite = new StateStoreContract() {
            @Override
            protected StateStore handle() {
                return Broken.proxy(StateStore.class, sharing.apply(memory), breakage);
            }

            @Override
            protected void passTime(Duration time) {
                clock.pass(time);
            }

            @Override
            protected boolean durable() {
                return false;
            }
        };
        suite.openStore();
        return suite;
    }

    /** Makes handles that share one store. */
    private static Function<StateStore, StateStore> sharing() {
        AtomicBoolean open = new AtomicBoolean();
        return memory -> Broken.proxy(StateStore.class, memory, (verb, args, onwards) -> switch (verb) {
            case "open" -> open.getAndSet(true) ? null : onwards.proceed(args);
            case "shared" -> true;
            case "close" -> null;
            default -> onwards.proceed(args);
        });
    }
}
