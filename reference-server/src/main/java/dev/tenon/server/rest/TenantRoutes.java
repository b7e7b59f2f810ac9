package dev.tenon.server.rest;

import dev.tenon.api.Tenant;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.TenantView;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.http.HttpProblem;
import java.util.List;
import java.util.OptionalLong;

/** Tenants. */
final class TenantRoutes {
    private TenantRoutes() {}

    static List<Route> all() {
        return List.of(
                Route.get(
                                "/v1/tenants",
                                "listTenants",
                                "Lists the tenants that the caller may see, newest first",
                                "TenantPage",
                                c -> c.answer(200, c.caller().tenants(c.page())))
                        .query("size", "cursor"),
                Route.post("/v1/tenants", "createTenant", "Makes a tenant", 201, "Tenant", c -> {
                            Tenant tenant = c.caller().everything().tenants().create(c.body(TenantSpec.class));
                            c.ctx().header("Location", "/v1/tenants/" + tenant.id());
                            TenantView view = tenant.view();
                            c.answer(201, view, view.version());
                        })
                        .by(Allowed.ADMINS)
                        .takes("TenantSpec"),
                Route.get("/v1/tenants/{tenant}", "getTenant", "Shows a tenant and what it uses", "Tenant", c -> {
                    // No entity tag to compare with here: usage changes without the version of the specification.
                    TenantView view = c.tenant().view();
                    c.ctx().header("ETag", "\"" + view.version() + "\"");
                    c.answer(200, view);
                }),
                new Route(
                        "PUT",
                        "/v1/tenants/{tenant}",
                        "updateTenant",
                        "Replaces a tenant's specification; needs If-Match",
                        Allowed.ADMINS,
                        List.of(),
                        java.util.Optional.of("TenantSpec"),
                        200,
                        java.util.Optional.of("Tenant"),
                        c -> {
                            Tenant tenant = c.tenant();
                            OptionalLong version = c.ifMatch();
                            if (version.isEmpty()) {
                                throw HttpProblem.of(428, "say with If-Match which version this replaces");
                            }
                            TenantView view = tenant.update(c.body(TenantSpec.class), version.getAsLong());
                            c.answer(200, view, view.version());
                        }),
                Route.silent(
                                "DELETE",
                                "/v1/tenants/{tenant}",
                                "deleteTenant",
                                "Removes a tenant without instances",
                                c -> {
                                    c.tenant().delete();
                                    c.ctx().status(204);
                                })
                        .by(Allowed.ADMINS));
    }
}
