package dev.tenon.core.journal;

import dev.tenon.api.ConflictException;
import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.core.catalogue.PlaceLedger;
import dev.tenon.core.event.EventCodec;
import dev.tenon.core.event.EventHub;
import dev.tenon.core.event.Told;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceCodec;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.OperationHub;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.secret.Vault;
import dev.tenon.core.spec.Charge;
import dev.tenon.core.tenancy.QuotaLedger;
import dev.tenon.core.tenancy.TenantRegister;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.CommitRefusedException;
import dev.tenon.spi.store.CommitResult;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Lease;
import dev.tenon.spi.store.StateStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes what belongs together in one commit, and derives from the documents what must never differ from them: the counters of quotas and places,
 * the number of unfinished operations, the unique name. Thread-safe.
 */
public final class Journal {
    /** The kind of documents that hold secrets. */
    public static final String SECRET = "secret";

    private static final int LATEST = 1_000;

    private final StateStore store;
    private final Fleet fleet;
    private final OperationHub operations;
    private final EventHub events;
    private final TenantRegister tenants;
    private final PlaceLedger places;
    private final Vault vault;
    private final int maxOperations;
    private final Map<OperationId, OperationDoc> latest = Collections.synchronizedMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<OperationId, OperationDoc> eldest) {
            return size() > LATEST;
        }
    });

    /** Writes to an open store. */
    public Journal(
            StateStore store,
            Fleet fleet,
            OperationHub operations,
            EventHub events,
            TenantRegister tenants,
            PlaceLedger places,
            Vault vault,
            int maxOperations) {
        this.store = store;
        this.fleet = fleet;
        this.operations = operations;
        this.events = events;
        this.tenants = tenants;
        this.places = places;
        this.vault = vault;
        this.maxOperations = maxOperations;
    }

    /** A bundle of secrets with its version. */
    public record Bundle(Map<String, Secret> secrets, long version) {}

    /** What a commit wrote: documents with their new versions, in the order they were given. */
    public record Written(Optional<InstanceDoc> instance, List<OperationDoc> operations, Instant at) {
        /** Returns the first operation. */
        public OperationDoc operation() {
            return operations.get(0);
        }
    }

    /** Reads an operation. */
    public Optional<OperationDoc> operation(OperationId id) {
        return store.find(OperationDoc.KIND, id.value()).map(this::decoded);
    }

    /** What this control plane wrote last it need not parse again; the store still says which version is the truth. */
    private OperationDoc decoded(Document document) {
        OperationDoc written = latest.get(new OperationId(document.id()));
        return written != null && written.version() == document.version() ? written : OperationCodec.read(document);
    }

    /** Reads secrets. */
    public Optional<Bundle> secrets(TenantId tenant, String id) {
        return store.find(SECRET, id).map(document -> open(tenant, document));
    }

    private Bundle open(TenantId tenant, Document document) {
        return new Bundle(
                vault.open(new Vault.Place(tenant.value(), SECRET, document.id(), document.version()), document.body()),
                document.version());
    }

    /** Returns the scope in which names of a tenant's instances are unique. */
    public static String nameScope(TenantId tenant) {
        return "instance-name:" + tenant.value();
    }

    /** Returns the scope of a tenant's request keys. */
    public static String requestScope(TenantId tenant) {
        return "request:" + tenant.value();
    }

    /** Starts a change of a tenant's things. */
    public Entry entry(TenantId tenant) {
        return new Entry(tenant);
    }

    /** One commit in the making. Not thread-safe. */
    public final class Entry {
        private final TenantId tenant;
        private final Commit.Builder commit = Commit.builder();
        private final List<Commit.Add> adds = new ArrayList<>();
        private final List<OperationDoc> writtenOperations = new ArrayList<>();
        private final List<Object> order = new ArrayList<>();
        private @Nullable InstanceDoc writtenInstance;
        private boolean eventful;

        private Entry(TenantId tenant) {
            this.tenant = tenant;
        }

        /** Makes the commit depend on a lease. */
        public Entry guard(Lease lease) {
            commit.guard(lease);
            return this;
        }

        /** Writes an instance: a new one if {@code before} is null, else one that still has {@code before}'s version. */
        public Entry instance(@Nullable InstanceDoc before, InstanceDoc after) {
            commit.addPuts(new Commit.Put(
                    InstanceDoc.KIND,
                    after.id().value(),
                    tenant.value(),
                    "",
                    after.lifecycle().name(),
                    InstanceDoc.shard(after.id()),
                    before == null ? 0 : before.version(),
                    InstanceCodec.write(after)));
            order.add(after);
            writtenInstance = after;
            Charge delta = after.charge().minus(before == null ? Charge.NONE : before.charge());
            if (!delta.equals(Charge.NONE)) {
                adds.addAll(QuotaLedger.adds(
                        tenant, delta, tenants.get(tenant).spec().quota()));
                adds.addAll(places.adds(after.delivery(), delta, after.spec().ephemeral()));
            }
            if (before == null) {
                commit.addClaims(new Commit.Claim(
                        nameScope(tenant), after.spec().name(), after.id().value()));
            } else if (after.phase() == Phase.DELETED && before.phase() != Phase.DELETED) {
                commit.addUnclaims(new Commit.Unclaim(
                        nameScope(tenant), after.spec().name(), after.id().value()));
            }
            return this;
        }

        /** Writes an operation: a new one if {@code before} is null. */
        public Entry operation(@Nullable OperationDoc before, OperationDoc after) {
            commit.addPuts(new Commit.Put(
                    OperationDoc.KIND,
                    after.id().value(),
                    tenant.value(),
                    after.instance().value(),
                    after.state().name(),
                    InstanceDoc.shard(after.instance()),
                    before == null ? 0 : before.version(),
                    OperationCodec.write(after)));
            order.add(after);
            writtenOperations.add(after);
            // What the control plane starts by itself does not use up what its tenant may ask for.
            if (after.kind() != OperationKind.HEAL) {
                boolean was = before != null && !before.state().done();
                boolean is = !after.state().done();
                if (was != is) {
                    adds.add(new Commit.Add(
                            QuotaLedger.scope(tenant), QuotaLedger.OPERATIONS, is ? 1 : -1, maxOperations));
                }
            }
            return this;
        }

        /** Writes secrets over those of a version, 0 for none. */
        public Entry secrets(String id, InstanceId of, Map<String, Secret> secrets, long expectedVersion) {
            String body = vault.seal(new Vault.Place(tenant.value(), SECRET, id, expectedVersion + 1), secrets);
            commit.addPuts(new Commit.Put(
                    SECRET, id, tenant.value(), of.value(), "", InstanceDoc.shard(of), expectedVersion, body));
            order.add(id);
            return this;
        }

        /** Forgets secrets, if there are any. */
        public Entry forgetSecrets(String id) {
            commit.addDeletes(new Commit.Delete(SECRET, id, -1));
            return this;
        }

        /** Requires that a document still has a version. */
        public Entry check(String kind, String id, long version) {
            commit.addChecks(new Commit.Check(kind, id, version));
            return this;
        }

        /** Takes a unique key. */
        public Entry claim(String scope, String key, String owner) {
            commit.addClaims(new Commit.Claim(scope, key, owner));
            return this;
        }

        /** Appends an event. */
        public Entry event(Optional<InstanceId> instance, Optional<OperationId> operation, Told told) {
            commit.addEvents(EventCodec.write(Optional.of(tenant), instance, operation, told));
            eventful = true;
            return this;
        }

        /**
         * Commits.
         *
         * @throws CommitRefusedException for a version, a lease or a unique key
         * @throws ConflictException {@code QUOTA_EXCEEDED}, {@code CAPACITY_EXCEEDED} or {@code TOO_MANY_REQUESTS} for a counter
         */
        public Written commit() {
            InstanceDoc instance = writtenInstance;
            if (instance == null) {
                return written(attempt());
            }
            fleet.beginWrite(instance.id());
            try {
                return written(attempt());
            } catch (CommitRefusedException | ProviderException e) {
                // Somebody else has written it, or nobody knows whether we have: memory is no longer the truth.
                fleet.doubt(instance.id());
                throw e;
            } finally {
                fleet.endWrite(instance.id());
            }
        }

        private CommitResult attempt() {
            try {
                return store.commit(commit.addAllAdds(adds).build());
            } catch (CommitRefusedException e) {
                if (e.condition() == CommitRefusedException.Condition.COUNTER) {
                    throw places.lacking(adds).orElseGet(() -> QuotaLedger.exceeded(store, quotas()));
                }
                throw e;
            }
        }

        private List<Commit.Add> quotas() {
            return adds.stream()
                    .filter(add -> add.scope().equals(QuotaLedger.scope(tenant)))
                    .toList();
        }

        private Written written(CommitResult result) {
            Optional<InstanceDoc> instance = Optional.empty();
            List<OperationDoc> done = new ArrayList<>();
            for (int i = 0; i < order.size(); i++) {
                long version = result.versions().get(i);
                Object one = order.get(i);
                if (one instanceof InstanceDoc doc) {
                    InstanceDoc now =
                            doc.but().version(version).updatedAt(result.at()).build();
                    fleet.put(now);
                    instance = Optional.of(now);
                } else if (one instanceof OperationDoc doc) {
                    OperationDoc now = doc.but().version(version).build();
                    latest.put(now.id(), now);
                    done.add(now);
                }
            }
            done.forEach(operations::publish);
            if (eventful) {
                events.signal();
            }
            return new Written(instance, done, result.at());
        }
    }
}
