package dev.tenon.server.portal;

import dev.tenon.api.Account;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Credential;
import dev.tenon.api.Database;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Operation;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.Page;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Accounts, databases and sessions inside an instance. */
final class ObjectPages {
    /** Creating an account or database takes milliseconds; whoever waits longer finds the operation in the list. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Site site;
    private final InstancePages instances;

    ObjectPages(Site site, InstancePages instances) {
        this.site = site;
        this.instances = instances;
    }

    void register(RoutesConfig routes) {
        String one = "/ui/t/{tenant}/instances/{id}";
        routes.get(one + "/accounts", ctx -> list(ctx, Optional.empty(), Map.of(), Map.of()), Allowed.USERS);
        routes.post(one + "/accounts", this::createAccount, Allowed.USERS);
        routes.get(one + "/accounts/{name}/{what}", this::askAccount, Allowed.USERS);
        routes.post(one + "/accounts/{name}/reset", this::reset, Allowed.USERS);
        routes.post(one + "/accounts/{name}/drop", this::dropAccount, Allowed.USERS);
        routes.post(one + "/databases", this::createDatabase, Allowed.USERS);
        routes.get(one + "/databases/{name}/drop", this::askDatabase, Allowed.USERS);
        routes.post(one + "/databases/{name}/drop", this::dropDatabase, Allowed.USERS);
        routes.get(one + "/sessions/{session}/terminate", this::askSession, Allowed.USERS);
        routes.post(one + "/sessions/{session}/terminate", this::terminate, Allowed.USERS);
    }

    private void list(Context ctx, Optional<Credential> made, Map<String, String> values, Map<String, String> errors) {
        InstancePages.Seen seen = instances.see(ctx, "accounts");
        List<Account> accounts = List.of();
        List<Database> databases = List.of();
        String unavailable = "";
        try {
            accounts = seen.instance().accounts().list();
            databases = seen.instance().databases().list();
        } catch (TenonException e) {
            unavailable = Problems.notice(seen.page(), e).text();
        }
        Map<String, Object> all = seen.values(site);
        all.put("accounts", accounts);
        all.put("databases", databases);
        all.put("made", made);
        all.put("values", values);
        all.put("errors", errors);
        all.put("unavailable", unavailable);
        site.show(ctx, "instance/accounts.jte", all);
    }

    private void createAccount(Context ctx) {
        String name = Site.form(ctx, "account");
        Optional<Secret> password = Optional.of(Site.text(ctx.formParam("password")))
                .filter(p -> !p.isEmpty())
                .map(Secret::of);
        Instance instance = instance(ctx);
        try {
            Operation<Credential> operation = instance.accounts().create(name, password, grants(ctx));
            list(ctx, Optional.of(operation.await(PATIENCE)), Map.of(), Map.of());
        } catch (InvalidSpecException | ConflictException e) {
            boolean ofPassword = e.code() == ErrorCode.PASSWORD_POLICY;
            refuse(ctx, e, ofPassword ? "password" : "account", Map.of("account", name));
        }
    }

    private static Set<Grant> grants(Context ctx) {
        Set<Grant> grants = EnumSet.noneOf(Grant.class);
        for (String name : ctx.formParams("grant")) {
            try {
                grants.add(Grant.valueOf(name));
            } catch (IllegalArgumentException e) {
                throw new InvalidSpecException(ErrorCode.PRIVILEGE_INVALID, "grants", "no such privilege");
            }
        }
        return grants;
    }

    private void refuse(Context ctx, TenonException failure, String field, Map<String, String> values) {
        String text = site.messages(ctx).t("error." + failure.code().name()) + " " + Problems.detail(failure);
        Map<String, String> errors = new HashMap<>();
        errors.put(field, text);
        list(ctx.status(422), Optional.empty(), values, errors);
    }

    private void askAccount(Context ctx) {
        String name = ctx.pathParam("name");
        switch (ctx.pathParam("what")) {
            case "reset" ->
                ask(
                        ctx,
                        "ask.reset",
                        "password.reset",
                        name,
                        "/accounts/" + Page.encode(name) + "/reset",
                        false,
                        "accounts",
                        "");
            case "drop" ->
                ask(
                        ctx,
                        "ask.dropaccount",
                        "drop",
                        name,
                        "/accounts/" + Page.encode(name) + "/drop",
                        true,
                        "accounts",
                        "");
            default -> throw new NotFoundException("no such page");
        }
    }

    private void reset(Context ctx) {
        Credential credential = instance(ctx)
                .accounts()
                .resetPassword(ctx.pathParam("name"), Optional.empty())
                .await(PATIENCE);
        if (Site.fragment(ctx)) {
            Tenant tenant = site.tenant(ctx);
            site.show(ctx, "passworddialog.jte", Map.of("page", site.part(ctx, tenant), "credential", credential));
        } else {
            list(ctx, Optional.of(credential), Map.of(), Map.of());
        }
    }

    private void dropAccount(Context ctx) {
        instance(ctx).accounts().drop(ctx.pathParam("name")).await(PATIENCE);
        back(ctx, "/accounts", "dropped");
    }

    private void createDatabase(Context ctx) {
        String name = Site.form(ctx, "database");
        try {
            instance(ctx).databases().create(name, Site.form(ctx, "owner")).await(PATIENCE);
        } catch (InvalidSpecException | ConflictException e) {
            refuse(ctx, e, "database", Map.of("database", name));
            return;
        }
        back(ctx, "/accounts", "created");
    }

    private void askDatabase(Context ctx) {
        String name = ctx.pathParam("name");
        ask(ctx, "ask.dropdatabase", "drop", name, "/databases/" + Page.encode(name) + "/drop", true, "accounts", name);
    }

    private void dropDatabase(Context ctx) {
        String name = ctx.pathParam("name");
        if (!Site.form(ctx, "typed").equals(name)) {
            askDatabase(ctx);
            return;
        }
        instance(ctx).databases().drop(name).await(PATIENCE);
        back(ctx, "/accounts", "dropped");
    }

    private void askSession(Context ctx) {
        String id = Long.toString(session(ctx));
        ask(ctx, "ask.terminate", "session.terminate", id, "/sessions/" + id + "/terminate", true, "sessions", "");
    }

    private void terminate(Context ctx) {
        instance(ctx).sessions().terminate(session(ctx));
        back(ctx, "/sessions", "terminated");
    }

    private static long session(Context ctx) {
        try {
            return Long.parseLong(ctx.pathParam("session"));
        } catch (NumberFormatException e) {
            throw new NotFoundException("no such session");
        }
    }

    private void ask(
            Context ctx,
            String key,
            String button,
            String what,
            String action,
            boolean danger,
            String backTab,
            String typed) {
        Tenant tenant = site.tenant(ctx);
        String address = ChangePages.address(tenant, InstancePages.instance(ctx, tenant));
        boolean part = Site.fragment(ctx);
        Page page = part ? site.part(ctx, tenant) : site.page(ctx, Optional.of(tenant), "instances");
        Confirm confirm = new Confirm(
                page.t(key, what),
                page.t(key + ".text"),
                address + action,
                address + "/" + backTab,
                page.t(button),
                danger,
                Optional.empty(),
                Map.of(),
                typed,
                false,
                List.of());
        site.show(ctx, part ? "confirm.jte" : "confirmpage.jte", Map.of("page", page, "confirm", confirm));
    }

    private Instance instance(Context ctx) {
        return InstancePages.instance(ctx, site.tenant(ctx));
    }

    private void back(Context ctx, String tab, String flash) {
        Tenant tenant = site.tenant(ctx);
        site.go(ctx, ChangePages.address(tenant, InstancePages.instance(ctx, tenant)) + tab, flash);
    }
}
