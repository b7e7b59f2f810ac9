package dev.tenon.core.reconcile;

import dev.tenon.api.OperationState;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lease.Leases;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.store.StoredEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forgets what has been over for long: finished operations together with their request keys, what is left of purged instances, events,
 * and the leases of former runs. A part of each at a time, so that it costs the same however much there is. What is not over is never
 * touched, however old. For one thread.
 */
final class History {
    private static final Logger log = LoggerFactory.getLogger(History.class);
    private static final int PART = 500;
    private static final long MOST_EVENTS = 1_000_000;
    private static final Set<String> DONE = Arrays.stream(OperationState.values())
            .filter(OperationState::done)
            .map(Enum::name)
            .collect(Collectors.toUnmodifiableSet());

    private final StateStore store;
    private final Leases leases;
    private final Duration kept;
    /** Where the last part of each kind ended. */
    private final Map<String, String> reached = new HashMap<>();

    History(StateStore store, Leases leases, Duration kept) {
        this.store = store;
        this.leases = leases;
        this.kept = kept;
    }

    /** Forgets what is due of the next part. */
    void trim() {
        Instant before = store.now().minus(kept);
        int gone = trim(OperationDoc.KIND, DONE, before)
                + trim(InstanceDoc.KIND, Set.of(Phase.DELETED.title()), before)
                + events(before)
                + store.forgetLeases("node-", before);
        log.debug("forgot {} things that were over before {}", gone, before);
    }

    private int trim(String kind, Set<String> states, Instant before) {
        Set<Integer> shards = leases.owned();
        if (shards.isEmpty()) {
            return 0;
        }
        List<Document> part = store.list(Query.of(kind)
                .states(states)
                .shards(store.shared() ? shards : Set.of())
                .after(Optional.ofNullable(reached.get(kind)))
                .limit(PART)
                .build());
        if (part.size() < PART) {
            reached.remove(kind);
        } else {
            reached.put(kind, part.get(PART - 1).id());
        }
        int gone = 0;
        for (Document document : part) {
            if (document.updatedAt().isBefore(before) && forget(document)) {
                gone++;
            }
        }
        return gone;
    }

    private boolean forget(Document document) {
        Commit.Builder commit =
                Commit.builder().addDeletes(new Commit.Delete(document.kind(), document.id(), document.version()));
        if (document.kind().equals(OperationDoc.KIND)) {
            OperationDoc operation = OperationCodec.read(document);
            if (operation.fingerprint().isPresent() && operation.requestKey().isEmpty()) {
                // Written before the key was kept here: a key that leads nowhere would refuse its next use.
                return false;
            }
            operation
                    .requestKey()
                    .ifPresent(key -> commit.addUnclaims(
                            new Commit.Unclaim(Journal.requestScope(operation.tenant()), key, document.id())));
        }
        try {
            store.commit(commit.build());
            return true;
        } catch (CommitRefusedException e) {
            log.debug("{} {} was changed at the last moment", document.kind(), document.id());
            return false;
        }
    }

    /** The outbox is a window on the past, not an archive. */
    private int events(Instant before) {
        List<StoredEvent> newest = store.eventsBefore(Optional.empty(), Optional.empty(), Long.MAX_VALUE, 1);
        if (newest.isEmpty()) {
            return 0;
        }
        long first = newest.get(0).sequence() - MOST_EVENTS;
        for (StoredEvent event : store.events(Optional.empty(), Optional.empty(), Math.max(0, first), PART)) {
            if (event.at().isBefore(before)) {
                first = event.sequence() + 1;
            }
        }
        return first <= 0 ? 0 : store.trimEvents(first);
    }
}
