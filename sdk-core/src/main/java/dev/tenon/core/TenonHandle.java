package dev.tenon.core;

import dev.tenon.api.Actor;
import dev.tenon.api.Catalogue;
import dev.tenon.api.Events;
import dev.tenon.api.Operations;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.TenantView;
import dev.tenon.api.Tenants;
import dev.tenon.api.Tenon;
import dev.tenon.core.change.Caller;
import dev.tenon.core.tenancy.TenantDoc;
import java.util.Optional;

/** The control plane as its callers have it: with a name in which calls are made. */
final class TenonHandle implements Tenon {
    private final ControlPlane plane;
    private final Caller caller;

    TenonHandle(ControlPlane plane, Caller caller) {
        this.plane = plane;
        this.caller = caller;
    }

    @Override
    public Tenon as(Actor actor) {
        return new TenonHandle(plane, new Caller(actor, caller.request()));
    }

    @Override
    public Tenon under(RequestKey key) {
        return new TenonHandle(plane, new Caller(caller.actor(), Optional.of(key)));
    }

    @Override
    public Tenants tenants() {
        return new TenantsHandle(plane, caller);
    }

    @Override
    public Catalogue catalogue() {
        return plane.offering;
    }

    @Override
    public Operations operations() {
        return new OperationsHandle(plane, caller, Optional.empty());
    }

    @Override
    public Events events() {
        return new EventsHandle(plane.events, Optional.empty(), Optional.empty());
    }

    @Override
    public boolean healthy() {
        return plane.healthy();
    }

    @Override
    public void close() {
        plane.close();
    }

    private record TenantsHandle(ControlPlane plane, Caller caller) implements Tenants {
        @Override
        public Tenant create(TenantSpec spec) {
            plane.requireOpen();
            return handle(plane.tenants.create(spec, caller.name()).id());
        }

        @Override
        public Tenant get(TenantId id) {
            return handle(plane.tenants.get(id).id());
        }

        @Override
        public Optional<Tenant> find(String name) {
            return plane.tenants.find(name).map(doc -> handle(doc.id()));
        }

        @Override
        public Page<TenantView> list(PageRequest page) {
            Page<TenantDoc> documents = plane.tenants.list(page);
            return new Page<>(
                    documents.items().stream()
                            .map(doc -> TenantHandle.view(plane, doc))
                            .toList(),
                    documents.next());
        }

        private Tenant handle(TenantId id) {
            return new TenantHandle(plane, caller, id);
        }
    }
}
