package dev.tenon.core.store;

import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What was read last, for a store that only this process writes: the documents written or found last, and the lists of kinds that did not
 * change since. Bounded by size.
 *
 * <p>Every commit is told of after it is durable and before its caller hears of it. Others can read it before that, as soon as it is
 * durable; so that they never find here what was before it, nothing that a commit on its way touches is answered from here.
 */
final class ReadCache {
    private record Key(String kind, String id) {}

    /** A value and what it takes; a list also knows how many commits to its kind had been seen when it was read. */
    private record Entry(Object value, long weight, long changes) {}

    private static final long MAX_WEIGHT = 4 << 20;
    private static final long WEIGHT_WITHOUT_BODY = 300;

    private final Map<Object, Entry> entries = new LinkedHashMap<>(256, 0.75f, true);
    private final Map<String, Long> changes = new HashMap<>();
    /** How many commits on their way touch a document, or a kind. */
    private final Map<Object, Integer> pending = new HashMap<>();

    private long weight;

    Optional<Document> find(String kind, String id, Supplier<Optional<Document>> read) {
        Key key = new Key(kind, id);
        long seen;
        synchronized (this) {
            Entry known = entries.get(key);
            if (known != null && !pending.containsKey(key)) {
                return Optional.of((Document) known.value());
            }
            seen = changes(kind);
        }
        Optional<Document> found = read.get();
        if (found.isPresent()) {
            synchronized (this) {
                // What was read before a commit must not be kept after it.
                if (seen == changes(kind) && !pending.containsKey(key)) {
                    keep(key, new Entry(found.get(), weight(found.get()), seen));
                }
            }
        }
        return found;
    }

    @SuppressWarnings("unchecked") // a query's entry is a list of documents
    List<Document> list(Query query, Supplier<List<Document>> read) {
        long seen;
        synchronized (this) {
            Entry known = entries.get(query);
            seen = changes(query.kind());
            if (known != null && known.changes() == seen && !pending.containsKey(query.kind())) {
                return (List<Document>) known.value();
            }
        }
        List<Document> found = List.copyOf(read.get());
        long size = WEIGHT_WITHOUT_BODY;
        for (Document document : found) {
            size += weight(document);
        }
        // A long list is read by a sweep, which comes back when all else has been read, too.
        if (size <= MAX_WEIGHT / 8) {
            synchronized (this) {
                keep(query, new Entry(found, size, seen));
            }
        }
        return found;
    }

    /** Takes note of a commit that is about to be made; {@link #settled} must follow. */
    synchronized void changing(Commit commit) {
        touched(commit).forEach(key -> pending.merge(key, 1, Integer::sum));
    }

    /** Takes note that a commit's caller is told of its outcome. */
    synchronized void settled(Commit commit) {
        touched(commit).forEach(key -> pending.computeIfPresent(key, (k, count) -> count == 1 ? null : count - 1));
    }

    private static List<Object> touched(Commit commit) {
        List<Object> keys = new ArrayList<>();
        commit.puts().forEach(put -> {
            keys.add(new Key(put.kind(), put.id()));
            keys.add(put.kind());
        });
        commit.deletes().forEach(delete -> {
            keys.add(new Key(delete.kind(), delete.id()));
            keys.add(delete.kind());
        });
        return keys;
    }

    /** Takes note of a durable commit. Called in the order of commits. */
    synchronized void committed(Commit commit, CommitResult result) {
        for (int i = 0; i < commit.puts().size(); i++) {
            Commit.Put put = commit.puts().get(i);
            changes.merge(put.kind(), 1L, Long::sum);
            Document document = new Document(
                    put.kind(),
                    put.id(),
                    put.tenant(),
                    put.parent(),
                    put.state(),
                    put.shard(),
                    result.versions().get(i),
                    result.at(),
                    put.body());
            keep(new Key(put.kind(), put.id()), new Entry(document, weight(document), 0));
        }
        for (Commit.Delete delete : commit.deletes()) {
            changes.merge(delete.kind(), 1L, Long::sum);
            forget(new Key(delete.kind(), delete.id()));
        }
    }

    /** Forgets all, because a commit's outcome is not known. */
    synchronized void clear() {
        entries.clear();
        weight = 0;
        changes.replaceAll((kind, count) -> count + 1);
    }

    private long changes(String kind) {
        return changes.computeIfAbsent(kind, none -> 0L);
    }

    private void keep(Object key, Entry entry) {
        forget(key);
        if (entry.weight() > MAX_WEIGHT / 8) {
            return;
        }
        entries.put(key, entry);
        weight += entry.weight();
        Iterator<Entry> eldest = entries.values().iterator();
        while (weight > MAX_WEIGHT) {
            weight -= eldest.next().weight();
            eldest.remove();
        }
    }

    private void forget(Object key) {
        @Nullable Entry old = entries.remove(key);
        if (old != null) {
            weight -= old.weight();
        }
    }

    private static long weight(Document document) {
        return WEIGHT_WITHOUT_BODY + 2L * document.body().length();
    }
}
