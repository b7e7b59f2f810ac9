package dev.tenon.core;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Names;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationView;
import dev.tenon.api.Operations;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.TenantId;
import dev.tenon.core.change.Caller;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.spi.store.Document;
import dev.tenon.spi.store.Query;
import java.util.List;
import java.util.Optional;

/** Operations of one tenant, or of all. */
record OperationsHandle(ControlPlane plane, Caller caller, Optional<TenantId> tenant) implements Operations {
    private static final int LONGEST_REASON = 1_000;

    @Override
    @SuppressWarnings("NullAway") // an Operation<Void> yields null: that is what Void is
    public Operation<Void> get(OperationId id) {
        OperationDoc doc = require(id);
        return new OperationHandle<>(plane, doc.id(), doc.tenant(), () -> null);
    }

    @Override
    public Page<OperationView> list(Optional<InstanceId> instance, PageRequest page) {
        instance.filter(id -> tenant.isPresent()).ifPresent(this::requireOwn);
        String list = "operations|" + tenant.map(TenantId::value).orElse("*") + "|"
                + instance.map(InstanceId::value).orElse("*");
        List<Document> documents = plane.store.list(Query.of(OperationDoc.KIND)
                .tenant(tenant.map(TenantId::value))
                .parent(instance.map(InstanceId::value))
                .order(Query.Order.NEWEST)
                .after(page.cursor().map(cursor -> plane.cursors.read(list, cursor)))
                .limit(page.size() + 1)
                .build());
        List<OperationView> items = documents.stream()
                .limit(page.size())
                .map(document -> OperationCodec.read(document).view())
                .toList();
        return new Page<>(
                items,
                documents.size() > page.size()
                        ? Optional.of(plane.cursors.write(
                                list, items.get(items.size() - 1).id().value()))
                        : Optional.empty());
    }

    @Override
    public void approve(OperationId id) {
        plane.requireOpen();
        plane.submitter.approve(caller, require(id));
    }

    @Override
    public void reject(OperationId id, String reason) {
        plane.requireOpen();
        plane.submitter.reject(caller, require(id), Names.display("reason", reason, LONGEST_REASON));
    }

    private void requireOwn(InstanceId instance) {
        if (plane.fleet
                .find(instance)
                .filter(doc -> Optional.of(doc.tenant()).equals(tenant))
                .isEmpty()) {
            throw new NotFoundException("no such instance");
        }
    }

    private OperationDoc require(OperationId id) {
        return plane.journal
                .operation(id)
                .filter(doc -> tenant.map(doc.tenant()::equals).orElse(true))
                .orElseThrow(() -> new NotFoundException("no such operation"));
    }
}
