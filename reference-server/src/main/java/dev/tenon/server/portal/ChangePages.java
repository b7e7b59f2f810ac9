package dev.tenon.server.portal;

import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Preview;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.Page;
import dev.tenon.server.portal.view.ParameterRow;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Changes of an instance. Each is shown first and then done exactly as shown: the question carries the preview's digest, and an
 * answer whose digest no longer fits is asked again instead of done.
 */
final class ChangePages {
    private static final List<Integer> RETENTION_DAYS = List.of(1, 7, 30, 90);
    private static final int DEFAULT_RETENTION_DAYS = 7;

    private final Site site;
    private final InstancePages instances;

    ChangePages(Site site, InstancePages instances) {
        this.site = site;
        this.instances = instances;
    }

    void register(RoutesConfig routes) {
        String one = "/ui/t/{tenant}/instances/{id}";
        routes.get(one + "/settings", this::settings, Allowed.USERS);
        routes.get(one + "/change/parameters", this::parameter, Allowed.USERS);
        routes.get(one + "/change/{kind}", this::ask, Allowed.USERS);
        routes.post(one + "/change/update", this::update, Allowed.USERS);
        routes.post(one + "/change/{kind}", this::answer, Allowed.USERS);
    }

    private void settings(Context ctx) {
        InstancePages.Seen seen = instances.see(ctx, "settings");
        settings(ctx, seen, stored(seen.model().row().view()), Map.of());
    }

    private void settings(
            Context ctx, InstancePages.Seen seen, Map<String, String> values, Map<String, String> errors) {
        Map<String, Object> all = seen.values(site);
        all.put("plans", site.auth().caller(ctx).catalogue().plans());
        all.put("values", values);
        all.put("errors", errors);
        site.show(ctx, "instance/settings.jte", all);
    }

    private static Map<String, String> stored(InstanceView view) {
        Map<String, String> values = new HashMap<>();
        values.put("displayName", view.spec().displayName().orElse(""));
        values.put("description", view.spec().description().orElse(""));
        values.put("tags", Tags.write(view.spec().tags()));
        values.put("deletionProtection", view.spec().deletionProtection() ? "on" : "");
        values.put("size", view.spec().plan().map(p -> "plan:" + p).orElse("custom"));
        values.put("cpus", Page.cpus(view.resources().cpus()));
        values.put("memory", view.resources().memory().toString());
        values.put("storage", view.resources().storage().toString());
        values.put(
                "whitelist",
                String.join(
                        "\n",
                        view.spec().whitelist().stream().map(Object::toString).toList()));
        return values;
    }

    private void update(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Instance instance = InstancePages.instance(ctx, tenant);
        Map<String, String> errors = new HashMap<>();
        try {
            // Empty text removes the description; a name for people can be replaced but not removed.
            Change change = new Change.Update(
                    Optional.of(Site.form(ctx, "displayName")).filter(t -> !t.isEmpty()),
                    Optional.of(Site.form(ctx, "description")),
                    Optional.of(Tags.parse("tags", Site.form(ctx, "tags"))),
                    Optional.of(Site.form(ctx, "deletionProtection").equals("on")));
            instance.apply(change, version(ctx));
            site.go(ctx, address(tenant, instance) + "/settings", "saved");
            return;
        } catch (InvalidSpecException e) {
            errors.put(e.field().startsWith("tags") ? "tags" : e.field(), Problems.detail(e));
        }
        InstancePages.Seen seen = instances.see(ctx, "settings");
        Map<String, String> values = stored(seen.model().row().view());
        for (String field : List.of("displayName", "description", "tags", "deletionProtection")) {
            values.put(field, Site.form(ctx, field));
        }
        settings(ctx.status(422), seen, values, errors);
    }

    static long version(Context ctx) {
        try {
            return Long.parseLong(Site.form(ctx, "version"));
        } catch (NumberFormatException e) {
            throw new InvalidSpecException(ErrorCode.REQUEST_INVALID, "version", "not a number");
        }
    }

    /** Asks for one parameter's new value. */
    private void parameter(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Instance instance = InstancePages.instance(ctx, tenant);
        ParameterRow row = instances.parameter(ctx, instance, Site.query(ctx, "name"));
        parameter(ctx, tenant, instance, row.value(), "");
    }

    private void parameter(Context ctx, Tenant tenant, Instance instance, String value, String error) {
        boolean part = Site.fragment(ctx);
        Page page = part ? site.part(ctx, tenant) : site.page(ctx, Optional.of(tenant), "instances");
        String name =
                Optional.of(Site.form(ctx, "name")).filter(n -> !n.isEmpty()).orElseGet(() -> Site.query(ctx, "name"));
        site.show(
                ctx,
                part ? "parameter.jte" : "parameterpage.jte",
                Map.of(
                        "page", page,
                        "address", address(tenant, instance),
                        "row", instances.parameter(ctx, instance, name),
                        "value", value,
                        "error", error));
    }

    /** Shows what a change that needs no further input would do. */
    private void ask(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Instance instance = InstancePages.instance(ctx, tenant);
        Map<String, String> fields = new LinkedHashMap<>();
        String days = Site.query(ctx, "retention");
        fields.put(
                "previewed",
                RETENTION_DAYS.stream().anyMatch(d -> d.toString().equals(days))
                        ? days
                        : String.valueOf(DEFAULT_RETENTION_DAYS));
        String member = Site.query(ctx, "member");
        Change change = simple(ctx.pathParam("kind"), fields.getOrDefault("previewed", ""), member);
        if (!(change instanceof Change.Delete)) {
            fields.clear();
        }
        if (!member.isEmpty()) {
            fields.put("member", member);
        }
        question(ctx, tenant, instance, change, instance.preview(change), fields, false);
    }

    private void answer(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Instance instance = InstancePages.instance(ctx, tenant);
        String kind = ctx.pathParam("kind");
        Map<String, String> fields = new LinkedHashMap<>();
        Change change;
        try {
            change = read(ctx, kind, fields);
        } catch (InvalidSpecException e) {
            refuse(ctx, tenant, instance, e);
            return;
        }
        if (change instanceof Change.Start && Site.form(ctx, "now").equals("1")) {
            instance.apply(change);
            back(ctx, tenant, instance);
            return;
        }
        Preview preview;
        try {
            preview = instance.preview(change);
        } catch (InvalidSpecException | ConflictException | AccessDeniedException e) {
            if (change instanceof Change.Parameters) {
                parameter(ctx.status(422), tenant, instance, Site.form(ctx, "value"), Problems.detail(e));
            } else {
                refuse(ctx, tenant, instance, e);
            }
            return;
        }
        String seen = Site.form(ctx, "digest");
        String typed = typed(change, instance.view());
        if (!seen.equals(preview.digest()) || !Site.form(ctx, "typed").equals(typed)) {
            question(ctx, tenant, instance, change, preview, fields, !seen.isEmpty() && !seen.equals(preview.digest()));
            return;
        }
        try {
            instance.apply(preview);
        } catch (ConflictException e) {
            if (e.code() != ErrorCode.STALE) {
                throw e;
            }
            question(ctx, tenant, instance, change, instance.preview(change), fields, true);
            return;
        }
        if (change instanceof Change.Parameters) {
            site.go(ctx, address(tenant, instance) + "/parameters", "changing");
        } else if (change instanceof Change.Purge) {
            site.go(ctx, "/ui/t/" + tenant.id().value() + "/recycle-bin", "purging");
        } else {
            back(ctx, tenant, instance);
        }
    }

    private void back(Context ctx, Tenant tenant, Instance instance) {
        site.go(
                ctx,
                Site.form(ctx, "back").equals("list")
                        ? "/ui/t/" + tenant.id().value() + "/instances"
                        : address(tenant, instance));
    }

    private void refuse(Context ctx, Tenant tenant, Instance instance, TenonException failure) {
        if (Site.fragment(ctx)) {
            throw failure;
        }
        InstancePages.Seen seen = instances.see(ctx, "settings");
        Map<String, String> values = stored(instance.view());
        for (String field : List.of("size", "cpus", "memory", "storage", "whitelist")) {
            if (ctx.formParam(field) != null) {
                values.put(field, Site.form(ctx, field));
            }
        }
        Map<String, String> errors = failure instanceof InvalidSpecException invalid
                ? Map.of(invalid.field(), Problems.detail(failure))
                : Map.of();
        Page page = seen.page().saying(Problems.notice(seen.page(), failure));
        settings(ctx.status(422), new InstancePages.Seen(tenant, instance, page, seen.model()), values, errors);
    }

    private static Change simple(String kind, String retentionDays, String member) {
        return switch (kind) {
            case "start" -> new Change.Start();
            case "stop" -> new Change.Stop();
            case "restart" -> new Change.Restart();
            case "freeze" -> new Change.Freeze();
            case "unfreeze" -> new Change.Unfreeze();
            case "recover" -> new Change.Recover();
            case "purge" -> new Change.Purge();
            case "standby_add" -> new Change.AddStandby();
            case "standby_remove" -> new Change.RemoveStandby(member);
            case "standby_rebuild" -> new Change.RebuildStandby(member);
            case "switchover" -> new Change.Switchover(member);
            case "failover" -> new Change.Failover(member, Optional.empty());
            case "delete" -> new Change.Delete(Optional.of(Duration.ofDays(Long.parseLong(retentionDays))));
            default -> throw new NotFoundException("no such change");
        };
    }

    /** Reads a change from a form, and keeps in {@code fields} what the question must carry along. */
    private static Change read(Context ctx, String kind, Map<String, String> fields) {
        switch (kind) {
            case "resize" -> {
                String size = Site.form(ctx, "size");
                keep(ctx, fields, "size", "cpus", "memory", "storage");
                if (size.startsWith("plan:")) {
                    return Change.Resize.toPlan(size.substring("plan:".length()));
                }
                Map<String, String> errors = new LinkedHashMap<>();
                Optional<Resources> resources = CreateForm.resources(fields, errors);
                return Change.Resize.to(resources.orElseThrow(() -> {
                    Map.Entry<String, String> first =
                            errors.entrySet().iterator().next();
                    return new InvalidSpecException(ErrorCode.SIZE_INVALID, first.getKey(), first.getValue());
                }));
            }
            case "parameters" -> {
                keep(ctx, fields, "name", "value", "reset");
                String name = Site.form(ctx, "name");
                return Site.form(ctx, "reset").isEmpty()
                        ? new Change.Parameters(Map.of(name, Site.form(ctx, "value")), Set.of())
                        : new Change.Parameters(Map.of(), Set.of(name));
            }
            case "access" -> {
                keep(ctx, fields, "whitelist");
                return new Change.Access(CreateForm.whitelist(Site.form(ctx, "whitelist")));
            }
            case "delete" -> {
                String asked = Site.form(ctx, "retention");
                String days = RETENTION_DAYS.stream().anyMatch(d -> d.toString().equals(asked))
                        ? asked
                        : String.valueOf(DEFAULT_RETENTION_DAYS);
                fields.put("previewed", days);
                return simple(kind, days, "");
            }
            case "standby_remove", "standby_rebuild", "switchover", "failover" -> {
                keep(ctx, fields, "member");
                return simple(kind, "", Site.form(ctx, "member"));
            }
            default -> {
                return simple(kind, "", "");
            }
        }
    }

    private static void keep(Context ctx, Map<String, String> fields, String... names) {
        for (String name : names) {
            fields.put(name, Site.form(ctx, name));
        }
    }

    /** Returns what must be typed before a change that cannot be taken back. */
    private static String typed(Change change, InstanceView view) {
        boolean forEver = change instanceof Change.Purge
                || change instanceof Change.Failover
                || (change instanceof Change.Delete && view.spec().ephemeral());
        return forEver ? view.spec().name() : "";
    }

    private void question(
            Context ctx,
            Tenant tenant,
            Instance instance,
            Change change,
            Preview preview,
            Map<String, String> fields,
            boolean moved) {
        InstanceView view = instance.view();
        boolean part = Site.fragment(ctx);
        Page page = part ? site.part(ctx, tenant) : site.page(ctx, Optional.of(tenant), "instances");
        String kind = change.kind().name();
        Confirm confirm = new Confirm(
                page.t("ask." + kind, view.spec().name(), fields.getOrDefault("member", "")),
                page.t(
                        view.spec().ephemeral() && change instanceof Change.Delete
                                ? "ask.DELETE.ephemeral"
                                : "ask." + kind + ".text"),
                address(tenant, instance) + "/change/" + kind.toLowerCase(java.util.Locale.ROOT),
                address(tenant, instance),
                page.kind(change.kind()),
                change instanceof Change.Delete
                        || change instanceof Change.Purge
                        || change instanceof Change.Freeze
                        || change instanceof Change.RemoveStandby
                        || change instanceof Change.Failover,
                Optional.of(preview),
                fields,
                typed(change, view),
                moved,
                change instanceof Change.Delete && !view.spec().ephemeral() ? RETENTION_DAYS : List.of());
        site.show(
                moved ? ctx.status(409) : ctx,
                part ? "confirm.jte" : "confirmpage.jte",
                Map.of("page", page, "confirm", confirm));
    }

    static String address(Tenant tenant, Instance instance) {
        return "/ui/t/" + tenant.id().value() + "/instances/" + instance.id().value();
    }
}
