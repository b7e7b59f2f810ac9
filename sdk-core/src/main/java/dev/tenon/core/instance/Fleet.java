package dev.tenon.core.instance;

import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.TenantId;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Cursors;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * All instances that are not purged, decoded and in memory, so that neither a sweep nor a list reads and parses what has not
 * changed. Where no other process can write to the store, this is the truth and follows every commit; where others can, the store
 * is asked and only the decoding is saved. Thread-safe.
 */
public final class Fleet {
    private static final int PAGE = 2_000;
    private static final Comparator<Position> NEWEST_FIRST =
            Comparator.comparing(Position::createdAt).reversed().thenComparing(Position::id);

    private record Position(Instant createdAt, String id) {}

    private static final class Entry {
        final InstanceDoc doc;
        volatile @Nullable InstanceView view;

        Entry(InstanceDoc doc) {
            this.doc = doc;
        }
    }

    private final StateStore store;
    private final Cursors cursors;
    private final Map<InstanceId, Entry> entries = new ConcurrentHashMap<>();
    private final Map<TenantId, ConcurrentSkipListMap<Position, InstanceId>> order = new ConcurrentHashMap<>();
    /** Instances whose last commit may or may not have happened: read from the store until one has been seen. */
    private final Set<InstanceId> doubtful = ConcurrentHashMap.newKeySet();
    /**
     * How many commits of an instance are on their way. Until one has come back the store may already show what memory does not,
     * and whoever has seen its operation done must not be shown the instance before it.
     */
    private final Map<InstanceId, Integer> writing = new ConcurrentHashMap<>();

    /** Reads from an open store. */
    public Fleet(StateStore store, Cursors cursors) {
        this.store = store;
        this.cursors = cursors;
    }

    /** Reads all instances, or those of some shards again. */
    public void load(Optional<Set<Integer>> shards) {
        Optional<String> after = Optional.empty();
        List<Document> page;
        do {
            page = store.list(Query.of(InstanceDoc.KIND)
                    .states(LIVING)
                    .shards(shards.orElse(Set.of()))
                    .after(after)
                    .limit(PAGE)
                    .build());
            page.forEach(this::decode);
            after = page.isEmpty()
                    ? Optional.empty()
                    : Optional.of(page.get(page.size() - 1).id());
        } while (page.size() == PAGE);
    }

    private static final Set<String> LIVING = Set.of(
            Phase.REQUESTED.title(),
            Phase.PENDING_APPROVAL.title(),
            Phase.PROVISIONING.title(),
            Phase.ACTIVE.title(),
            Phase.STOPPED.title(),
            Phase.FROZEN.title(),
            Phase.RECYCLED.title(),
            Phase.FAILED.title());

    /** Finds an instance, also a purged one. */
    public Optional<InstanceDoc> find(InstanceId id) {
        if (!store.shared() && settled(id)) {
            Entry entry = entries.get(id);
            if (entry != null) {
                return Optional.of(entry.doc);
            }
        }
        Optional<Document> document = store.find(InstanceDoc.KIND, id.value());
        Optional<InstanceDoc> doc = document.map(this::decode);
        doubtful.remove(id);
        return doc;
    }

    private boolean settled(InstanceId id) {
        return !doubtful.contains(id) && !writing.containsKey(id);
    }

    /** Tells that a commit of an instance is about to be made. */
    public void beginWrite(InstanceId id) {
        writing.merge(id, 1, Integer::sum);
    }

    /** Tells that a commit of an instance has come back and, if it was made, was {@link #put}. */
    public void endWrite(InstanceId id) {
        writing.computeIfPresent(id, (key, count) -> count == 1 ? null : count - 1);
    }

    /** Returns every instance in memory. */
    public Collection<InstanceId> ids() {
        return entries.keySet();
    }

    /** Returns an instance as it is in memory. */
    public Optional<InstanceDoc> peek(InstanceId id) {
        return Optional.ofNullable(entries.get(id)).map(e -> e.doc);
    }

    /** Returns the number of instances in memory. */
    public int size() {
        return entries.size();
    }

    private InstanceDoc decode(Document document) {
        Entry present = entries.get(new InstanceId(document.id()));
        if (present != null && present.doc.version() == document.version()) {
            return present.doc;
        }
        InstanceDoc doc = InstanceCodec.read(document);
        put(doc);
        return doc;
    }

    /** Remembers what was committed; an older version never replaces a newer one. */
    public void put(InstanceDoc doc) {
        entries.compute(doc.id(), (id, present) -> {
            if (present != null && present.doc.version() >= doc.version()) {
                return present;
            }
            Position position = new Position(doc.createdAt(), id.value());
            if (doc.phase() == Phase.DELETED) {
                ConcurrentSkipListMap<Position, InstanceId> list = order.get(doc.tenant());
                if (list != null) {
                    list.remove(position);
                }
                return null;
            }
            order.computeIfAbsent(doc.tenant(), t -> new ConcurrentSkipListMap<>(NEWEST_FIRST))
                    .put(position, id);
            return new Entry(doc);
        });
    }

    /** Tells that a commit's outcome is not known. */
    public void doubt(InstanceId id) {
        doubtful.add(id);
    }

    /** Returns what callers see of a document; made once per version. */
    public InstanceView view(InstanceDoc doc, Function<InstanceDoc, InstanceView> make) {
        Entry entry = entries.get(doc.id());
        if (entry == null || entry.doc != doc) {
            return make.apply(doc);
        }
        InstanceView view = entry.view;
        if (view == null) {
            view = make.apply(doc);
            entry.view = view;
        }
        return view;
    }

    /** Lists a tenant's instances, newest first. */
    public Page<InstanceDoc> list(TenantId tenant, InstanceFilter filter, PageRequest page) {
        String list = "instances|" + tenant.value() + "|" + text(filter);
        Optional<String> after = page.cursor().map(cursor -> cursors.read(list, cursor));
        boolean deleted =
                filter.lifecycle().filter(Phase.DELETED.title()::equals).isPresent();
        List<InstanceDoc> items = store.shared() || deleted
                ? fromStore(tenant, filter, after, page.size() + 1)
                : fromMemory(tenant, filter, after, page.size() + 1);
        if (items.size() <= page.size()) {
            return new Page<>(items, Optional.empty());
        }
        List<InstanceDoc> shown = items.subList(0, page.size());
        InstanceDoc last = shown.get(shown.size() - 1);
        return new Page<>(
                shown,
                Optional.of(
                        cursors.write(list, last.createdAt() + "|" + last.id().value())));
    }

    private List<InstanceDoc> fromMemory(TenantId tenant, InstanceFilter filter, Optional<String> after, int limit) {
        ConcurrentSkipListMap<Position, InstanceId> all = order.get(tenant);
        List<InstanceDoc> out = new ArrayList<>();
        if (all == null) {
            return out;
        }
        Collection<InstanceId> candidates =
                after.map(text -> all.tailMap(position(text), false).values()).orElse(all.values());
        for (InstanceId id : candidates) {
            Optional<InstanceDoc> doc = settled(id) ? peek(id) : find(id);
            if (doc.isPresent() && matches(doc.get(), filter)) {
                out.add(doc.get());
                if (out.size() == limit) {
                    break;
                }
            }
        }
        return out;
    }

    private List<InstanceDoc> fromStore(TenantId tenant, InstanceFilter filter, Optional<String> after, int limit) {
        List<InstanceDoc> out = new ArrayList<>();
        Optional<String> from = after.map(text -> position(text).id());
        while (true) {
            List<Document> documents = store.list(Query.of(InstanceDoc.KIND)
                    .tenant(tenant.value())
                    .states(filter.lifecycle().map(Set::of).orElse(VISIBLE))
                    .order(Query.Order.NEWEST)
                    .after(from)
                    .limit(500)
                    .build());
            for (Document document : documents) {
                InstanceDoc doc = decode(document);
                if (matches(doc, filter)) {
                    out.add(doc);
                    if (out.size() == limit) {
                        return out;
                    }
                }
            }
            if (documents.size() < 500) {
                return out;
            }
            from = Optional.of(documents.get(documents.size() - 1).id());
        }
    }

    private static final Set<String> VISIBLE = LIVING.stream()
            .filter(state -> !state.equals(Phase.RECYCLED.title()))
            .collect(java.util.stream.Collectors.toUnmodifiableSet());

    private static Position position(String text) {
        int bar = text.indexOf('|');
        return new Position(Instant.parse(text.substring(0, bar)), text.substring(bar + 1));
    }

    private static boolean matches(InstanceDoc doc, InstanceFilter filter) {
        String state = doc.lifecycle().name();
        if (filter.lifecycle().isPresent()
                ? !filter.lifecycle().get().equals(state)
                : doc.phase() == Phase.RECYCLED || doc.phase() == Phase.DELETED) {
            return false;
        }
        if (filter.engine().isPresent()
                && !filter.engine().get().equals(doc.spec().engine())) {
            return false;
        }
        if (!doc.spec().tags().entrySet().containsAll(filter.tags().entrySet())) {
            return false;
        }
        return filter.text()
                .map(text -> text.toLowerCase(Locale.ROOT))
                .map(text -> doc.spec().name().contains(text)
                        || doc.spec()
                                .displayName()
                                .filter(name -> name.toLowerCase(Locale.ROOT).contains(text))
                                .isPresent())
                .orElse(true);
    }

    private static String text(InstanceFilter filter) {
        return Json.write(Fields.writer()
                .put("lifecycle", filter.lifecycle())
                .put("engine", filter.engine())
                .put("tags", new TreeMap<>(filter.tags()))
                .put("text", filter.text())
                .map());
    }
}
