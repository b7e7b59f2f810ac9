package dev.tenon.core;

import dev.tenon.api.Change;
import dev.tenon.api.Events;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Instances;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Operation;
import dev.tenon.api.Operations;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Passwords;
import dev.tenon.api.Preview;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.TenantView;
import dev.tenon.core.change.Caller;
import dev.tenon.core.change.Submitter;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.tenancy.TenantDoc;
import java.util.Optional;

/** One tenant, in a caller's name. */
record TenantHandle(ControlPlane plane, Caller caller, TenantId id) implements Tenant {
    static TenantView view(ControlPlane plane, TenantDoc doc) {
        return new TenantView(doc.id(), doc.spec(), plane.tenants.usage(doc.id()), doc.version(), doc.createdAt());
    }

    @Override
    public TenantView view() {
        return view(plane, plane.tenants.get(id));
    }

    @Override
    public Instances instances() {
        return new InstancesHandle(plane, caller, id);
    }

    @Override
    public Operations operations() {
        return new OperationsHandle(plane, caller, Optional.of(id));
    }

    @Override
    public Events events() {
        return new EventsHandle(plane.events, Optional.of(id), Optional.empty());
    }

    @Override
    public TenantView update(TenantSpec spec, long expectedVersion) {
        plane.requireOpen();
        return view(plane, plane.tenants.update(id, spec, expectedVersion, caller.name()));
    }

    @Override
    public void delete() {
        plane.requireOpen();
        plane.tenants.delete(id, caller.name());
    }

    private record InstancesHandle(ControlPlane plane, Caller caller, TenantId tenant) implements Instances {
        @Override
        public Operation<Instance> create(InstanceSpec spec) {
            plane.requireOpen();
            return operation(plane.submitter.create(caller, tenant, spec, Optional.empty(), Optional.empty()));
        }

        @Override
        public Preview preview(InstanceSpec spec) {
            return plane.submitter.preview(tenant, spec);
        }

        @Override
        public Operation<Instance> create(Preview preview, Optional<Secret> password) {
            plane.requireOpen();
            if (!(preview.change() instanceof Change.Create create)) {
                throw new InvalidSpecException(
                        "preview", "is of a " + preview.change().kind() + "; expected CREATE");
            }
            password.ifPresent(
                    given -> Passwords.check("password", create.spec().owner(), given));
            return operation(
                    plane.submitter.create(caller, tenant, create.spec(), password, Optional.of(preview.digest())));
        }

        private Operation<Instance> operation(Submitter.Accepted accepted) {
            InstanceHandle handle = new InstanceHandle(
                    plane, caller, tenant, accepted.operation().instance());
            return new OperationHandle<>(plane, accepted.operation().id(), tenant, () -> handle);
        }

        @Override
        public Instance get(InstanceId id) {
            // Under a key the change itself decides: a purge that is asked for again is answered as it was.
            InstanceDoc doc = caller.request().isPresent()
                    ? plane.submitter.known(tenant, id)
                    : plane.submitter.instance(tenant, id);
            return new InstanceHandle(plane, caller, tenant, doc.id());
        }

        @Override
        public Optional<Instance> find(String name) {
            return plane.store
                    .owner(Journal.nameScope(tenant), name)
                    .map(id -> new InstanceHandle(plane, caller, tenant, new InstanceId(id)));
        }

        @Override
        public Page<InstanceView> list(InstanceFilter filter, PageRequest page) {
            Page<InstanceDoc> documents = plane.fleet.list(tenant, filter, page);
            return new Page<>(documents.items().stream().map(plane.views::of).toList(), documents.next());
        }
    }
}
