package dev.tenon.server.portal;

import dev.tenon.api.ConflictException;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Quota;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.TenantView;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.Page;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tenants and their quotas, for administrators. */
final class TenantPages {
    private static final int PER_PAGE = 50;
    private static final List<String> FIELDS =
            List.of("name", "displayName", "approvalRequired", "instances", "cpus", "memory", "storage");

    private final Site site;

    TenantPages(Site site) {
        this.site = site;
    }

    void register(RoutesConfig routes) {
        routes.get("/ui/tenants", this::list, Allowed.ADMINS);
        routes.get("/ui/tenants/new", this::blank, Allowed.ADMINS);
        routes.post("/ui/tenants", this::create, Allowed.ADMINS);
        routes.get("/ui/tenants/{tenant}", this::edit, Allowed.ADMINS);
        routes.post("/ui/tenants/{tenant}", this::update, Allowed.ADMINS);
        routes.get("/ui/tenants/{tenant}/delete", this::ask, Allowed.ADMINS);
        routes.post("/ui/tenants/{tenant}/delete", this::delete, Allowed.ADMINS);
    }

    private void list(Context ctx) {
        String cursor = Site.query(ctx, "cursor");
        dev.tenon.api.Page<TenantView> found = site.auth()
                .caller(ctx)
                .everything()
                .tenants()
                .list(new PageRequest(PER_PAGE, Optional.of(cursor).filter(c -> !c.isEmpty())));
        site.show(
                ctx,
                "tenants.jte",
                Map.of(
                        "page", site.page(ctx, Optional.empty(), "tenants"),
                        "rows", found.items(),
                        "cursor", cursor,
                        "next", found.next()));
    }

    private void blank(Context ctx) {
        form(
                ctx,
                Optional.empty(),
                Optional.empty(),
                stored(TenantSpec.builder().name("new").build(), ""),
                Map.of());
    }

    private void edit(Context ctx) {
        TenantView view = site.tenant(ctx).view();
        form(
                ctx,
                Optional.of(view),
                Optional.empty(),
                stored(view.spec(), view.spec().name()),
                Map.of());
    }

    private void form(
            Context ctx,
            Optional<TenantView> tenant,
            Optional<Page.Notice> notice,
            Map<String, String> values,
            Map<String, String> errors) {
        Page page = site.page(ctx, Optional.empty(), "tenants");
        site.show(
                ctx,
                "tenantform.jte",
                Map.of(
                        "page", notice.map(page::saying).orElse(page),
                        "tenant", tenant,
                        "values", values,
                        "errors", errors));
    }

    private static Map<String, String> stored(TenantSpec spec, String name) {
        Map<String, String> values = new HashMap<>();
        values.put("name", name);
        values.put("displayName", spec.displayName().orElse(""));
        values.put("approvalRequired", spec.approvalRequired() ? "on" : "");
        values.put("instances", Integer.toString(spec.quota().instances()));
        values.put("cpus", Page.cpus(spec.quota().cpus()));
        values.put("memory", spec.quota().memory().toString());
        values.put("storage", spec.quota().storage().toString());
        return values;
    }

    private void create(Context ctx) {
        try {
            TenantSpec spec = read(ctx);
            Tenant tenant = site.auth().caller(ctx).everything().tenants().create(spec);
            site.go(ctx, "/ui/t/" + tenant.id().value() + "/instances", "tenant.created");
        } catch (InvalidSpecException | ConflictException e) {
            refuse(ctx, Optional.empty(), e);
        }
    }

    private void update(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        try {
            tenant.update(read(ctx), ChangePages.version(ctx));
            site.go(ctx, "/ui/tenants", "saved");
        } catch (InvalidSpecException | ConflictException e) {
            refuse(ctx, Optional.of(tenant.view()), e);
        }
    }

    private void refuse(Context ctx, Optional<TenantView> tenant, TenonException failure) {
        Map<String, String> typed = new HashMap<>();
        FIELDS.forEach(field -> typed.put(field, Site.form(ctx, field)));
        if (failure instanceof InvalidSpecException invalid) {
            form(ctx.status(422), tenant, Optional.empty(), typed, Map.of(invalid.field(), Problems.detail(failure)));
        } else if (failure.code() == ErrorCode.NAME_TAKEN) {
            form(
                    ctx.status(409),
                    tenant,
                    Optional.empty(),
                    typed,
                    Map.of("name", site.messages(ctx).t("error.NAME_TAKEN")));
        } else {
            Page.Notice notice = Problems.notice(site.bare(ctx), failure);
            form(ctx.status(409), tenant, Optional.of(notice), typed, Map.of());
        }
    }

    private static TenantSpec read(Context ctx) {
        Quota quota = Quota.builder()
                .instances((int) number(ctx, "instances").longValue())
                .cpus(number(ctx, "cpus"))
                .memory(amount(ctx, "memory"))
                .storage(amount(ctx, "storage"))
                .build();
        return TenantSpec.builder()
                .name(Site.form(ctx, "name"))
                .displayName(Optional.of(Site.form(ctx, "displayName")).filter(t -> !t.isEmpty()))
                .approvalRequired(Site.form(ctx, "approvalRequired").equals("on"))
                .quota(quota)
                .build();
    }

    private static BigDecimal number(Context ctx, String field) {
        String text = Site.form(ctx, field);
        if (!text.matches("\\d{1,9}(\\.\\d{1,3})?") || (field.equals("instances") && text.contains("."))) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "quota." + field, "expected a number, such as 16");
        }
        return new BigDecimal(text);
    }

    private static DataSize amount(Context ctx, String field) {
        try {
            return DataSize.parse(Site.form(ctx, field).replace(" ", ""));
        } catch (InvalidSpecException e) {
            throw new InvalidSpecException(e.code(), "quota." + field, Problems.detail(e));
        }
    }

    private void ask(Context ctx) {
        TenantView view = site.tenant(ctx).view();
        String address = "/ui/tenants/" + view.id().value();
        boolean part = Site.fragment(ctx);
        Page page = part ? site.part(ctx, site.tenant(ctx)) : site.page(ctx, Optional.empty(), "tenants");
        Confirm confirm = new Confirm(
                page.t("ask.tenant", view.spec().name()),
                page.t("tenant.delete.text"),
                address + "/delete",
                address,
                page.t("tenant.delete"),
                true,
                Optional.empty(),
                Map.of(),
                view.spec().name(),
                false,
                List.of());
        site.show(ctx, part ? "confirm.jte" : "confirmpage.jte", Map.of("page", page, "confirm", confirm));
    }

    private void delete(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        if (!Site.form(ctx, "typed").equals(tenant.view().spec().name())) {
            ask(ctx);
            return;
        }
        tenant.delete();
        site.go(ctx, "/ui/tenants", "deleted");
    }
}
