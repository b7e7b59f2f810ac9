package dev.tenon.core.tenancy;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Quota;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantSpec;
import dev.tenon.core.event.EventCodec;
import dev.tenon.core.event.EventHub;
import dev.tenon.core.event.Told;
import dev.tenon.core.secret.Cursors;
import dev.tenon.core.secret.Generator;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import dev.tenon.spi.store.StateStore;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Makes, finds, changes and removes tenants. Thread-safe. */
public final class TenantRegister {
    private static final String NAMES = "tenant-name";
    private static final String ALL = "tenants";

    private final StateStore store;
    private final Generator generator;
    private final Cursors cursors;
    private final EventHub events;
    /** Only where no other process can write: a cached tenant is then the tenant. */
    private final Map<TenantId, TenantDoc> cache = new ConcurrentHashMap<>();

    /** Works on an open store. */
    public TenantRegister(StateStore store, Generator generator, Cursors cursors, EventHub events) {
        this.store = store;
        this.generator = generator;
        this.cursors = cursors;
        this.events = events;
    }

    /** Makes a tenant. */
    public TenantDoc create(TenantSpec spec, String actor) {
        TenantId id = generator.tenant();
        Instant now = store.now();
        TenantDoc doc = new TenantDoc(id, spec, now, 1);
        try {
            store.commit(Commit.builder()
                    .addPuts(new Commit.Put(TenantDoc.KIND, id.value(), id.value(), "", "", 0, 0, doc.write()))
                    .addClaims(new Commit.Claim(NAMES, spec.name(), id.value()))
                    .addEvents(event(id, "tenant.created", "tenant " + spec.name() + " was made", actor))
                    .build());
        } catch (CommitRefusedException e) {
            throw new ConflictException(
                    ErrorCode.NAME_TAKEN, "another tenant has the name " + spec.name() + "; choose another name");
        }
        remember(doc);
        events.signal();
        return doc;
    }

    /**
     * Finds a tenant.
     *
     * @throws NotFoundException if there is none
     */
    public TenantDoc get(TenantId id) {
        TenantDoc cached = store.shared() ? null : cache.get(id);
        if (cached != null) {
            return cached;
        }
        TenantDoc doc = store.find(TenantDoc.KIND, id.value())
                .map(TenantDoc::read)
                .orElseThrow(() -> new NotFoundException("no such tenant"));
        remember(doc);
        return doc;
    }

    /** Finds a tenant by name. */
    public Optional<TenantDoc> find(String name) {
        return store.owner(NAMES, name)
                .flatMap(id -> store.find(TenantDoc.KIND, id))
                .map(TenantDoc::read);
    }

    /** Lists tenants, newest first. */
    public Page<TenantDoc> list(PageRequest page) {
        List<Document> documents = store.list(Query.of(TenantDoc.KIND)
                .order(Query.Order.NEWEST)
                .after(page.cursor().map(cursor -> cursors.read(ALL, cursor)))
                .limit(page.size() + 1)
                .build());
        List<TenantDoc> items =
                documents.stream().limit(page.size()).map(TenantDoc::read).toList();
        return new Page<>(
                items,
                documents.size() > page.size()
                        ? Optional.of(cursors.write(
                                ALL, items.get(items.size() - 1).id().value()))
                        : Optional.empty());
    }

    /** Replaces the specification if the tenant still has this version. */
    public TenantDoc update(TenantId id, TenantSpec spec, long expectedVersion, String actor) {
        TenantDoc before = get(id);
        if (!before.spec().name().equals(spec.name())) {
            throw new InvalidSpecException(
                    "name", "a tenant's name stays " + before.spec().name());
        }
        TenantDoc after = new TenantDoc(id, spec, before.createdAt(), expectedVersion + 1);
        try {
            store.commit(Commit.builder()
                    .addPuts(new Commit.Put(
                            TenantDoc.KIND, id.value(), id.value(), "", "", 0, expectedVersion, after.write()))
                    .addEvents(event(id, "tenant.updated", "tenant " + spec.name() + " was changed", actor))
                    .build());
        } catch (CommitRefusedException e) {
            cache.remove(id);
            throw new ConflictException(
                    ErrorCode.VERSION_CONFLICT,
                    "the tenant has version " + e.seen() + ", not " + expectedVersion + "; look again");
        }
        remember(after);
        events.signal();
        return after;
    }

    /** Removes a tenant that owns nothing. */
    public void delete(TenantId id, String actor) {
        TenantDoc doc = get(id);
        try {
            store.commit(Commit.builder()
                    .addDeletes(new Commit.Delete(TenantDoc.KIND, id.value(), doc.version()))
                    .addUnclaims(new Commit.Unclaim(NAMES, doc.spec().name(), id.value()))
                    // Refused unless the counter is 0: an instance made meanwhile would otherwise lose its tenant.
                    .addAdds(new Commit.Add(QuotaLedger.scope(id), QuotaLedger.OWNED, 1, 1))
                    .addEvents(
                            event(id, "tenant.deleted", "tenant " + doc.spec().name() + " was removed", actor))
                    .build());
        } catch (CommitRefusedException e) {
            cache.remove(id);
            if (e.condition() == CommitRefusedException.Condition.COUNTER) {
                throw new ConflictException(
                        ErrorCode.NOT_EMPTY,
                        "the tenant has " + e.seen()
                                + " instances, those in the recycle bin included; purge them first");
            }
            throw new ConflictException(ErrorCode.VERSION_CONFLICT, "the tenant was changed meanwhile; look again");
        }
        cache.remove(id);
        events.signal();
    }

    /** Returns what a tenant uses of its quota. */
    public Quota usage(TenantId id) {
        String scope = QuotaLedger.scope(id);
        return Quota.builder()
                .cpus(BigDecimal.valueOf(store.counter(scope, QuotaLedger.CPU), 3))
                .memory(DataSize.bytes(store.counter(scope, QuotaLedger.MEMORY)))
                .storage(DataSize.bytes(store.counter(scope, QuotaLedger.STORAGE)))
                .instances((int) store.counter(scope, QuotaLedger.INSTANCES))
                .build();
    }

    private void remember(TenantDoc doc) {
        if (!store.shared()) {
            cache.merge(doc.id(), doc, (a, b) -> a.version() > b.version() ? a : b);
        }
    }

    private static Commit.Event event(TenantId id, String type, String message, String actor) {
        return EventCodec.write(
                Optional.of(id),
                Optional.empty(),
                Optional.empty(),
                Told.info(type, message).with(Map.of("by", actor)));
    }
}
