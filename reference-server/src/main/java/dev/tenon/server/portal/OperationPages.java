package dev.tenon.server.portal;

import dev.tenon.api.NotFoundException;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Tenant;
import dev.tenon.server.auth.Allowed;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A tenant's operations, approvals and events. */
final class OperationPages {
    private static final int PER_PAGE = 50;
    private static final int EVENTS = 200;

    private final Site site;

    OperationPages(Site site) {
        this.site = site;
    }

    void register(RoutesConfig routes) {
        String all = "/ui/t/{tenant}/operations";
        String one = all + "/{operation}";
        routes.get(all, this::list, Allowed.USERS);
        routes.get(one, this::show, Allowed.USERS);
        routes.post(one + "/approve", this::approve, Allowed.USERS);
        routes.post(one + "/reject", this::reject, Allowed.USERS);
        routes.post(one + "/cancel", this::cancel, Allowed.USERS);
        routes.post(one + "/retry", this::retry, Allowed.USERS);
        routes.get("/ui/t/{tenant}/events", this::events, Allowed.USERS);
    }

    private void list(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        String cursor = Site.query(ctx, "cursor");
        dev.tenon.api.Page<OperationView> found = tenant.operations()
                .list(
                        Optional.empty(),
                        new PageRequest(PER_PAGE, Optional.of(cursor).filter(c -> !c.isEmpty())));
        List<OperationView> waiting = found.items().stream()
                .filter(o -> o.state() == OperationState.PENDING_APPROVAL)
                .toList();
        Map<String, String> names = new HashMap<>();
        found.items().forEach(o -> names.computeIfAbsent(o.instance().value(), id -> name(tenant, o)));
        site.show(
                ctx,
                "operations.jte",
                Map.of(
                        "page",
                        site.page(ctx, Optional.of(tenant), "operations"),
                        "waiting",
                        waiting,
                        "operations",
                        found.items(),
                        "names",
                        names,
                        "cursor",
                        cursor,
                        "next",
                        found.next()));
    }

    private static String name(Tenant tenant, OperationView operation) {
        try {
            return tenant.instances().get(operation.instance()).view().spec().name();
        } catch (NotFoundException e) {
            return operation.instance().value(); // purged since; its id is what is left of it
        }
    }

    private void show(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        OperationView operation = operation(ctx, tenant).view();
        site.show(
                ctx,
                "operationpage.jte",
                Map.of(
                        "page", site.page(ctx, Optional.of(tenant), "operations"),
                        "operation", operation,
                        "instanceName", name(tenant, operation)));
    }

    private void approve(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        tenant.operations().approve(operation(ctx, tenant).id());
        back(ctx, tenant, "approved");
    }

    private void reject(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        tenant.operations().reject(operation(ctx, tenant).id(), Site.form(ctx, "reason"));
        back(ctx, tenant, "rejected");
    }

    private void cancel(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Operation<Void> operation = operation(ctx, tenant);
        boolean stopping = operation.cancel();
        site.go(
                ctx,
                "/ui/t/" + tenant.id().value() + "/operations/" + operation.id().value(),
                stopping ? "cancelling" : "toolate");
    }

    private void retry(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Operation<Void> operation = operation(ctx, tenant);
        operation.retry();
        site.go(
                ctx,
                "/ui/t/" + tenant.id().value() + "/operations/" + operation.id().value());
    }

    private void events(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        site.show(
                ctx,
                "events.jte",
                Map.of(
                        "page", site.page(ctx, Optional.of(tenant), "events"),
                        "events", tenant.events().latest(EVENTS)));
    }

    private static Operation<Void> operation(Context ctx, Tenant tenant) {
        return tenant.operations().get(InstancePages.operation(ctx));
    }

    private void back(Context ctx, Tenant tenant, String flash) {
        site.go(ctx, "/ui/t/" + tenant.id().value() + "/operations", flash);
    }
}
