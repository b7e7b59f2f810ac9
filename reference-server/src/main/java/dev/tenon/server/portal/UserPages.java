package dev.tenon.server.portal;

import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Credential;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantView;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.User;
import dev.tenon.server.http.HttpProblem;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.Page;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Accounts of this server, for administrators; and everybody's own password. */
final class UserPages {
    private static final int TENANTS_TO_CHOOSE_FROM = 500;

    private final Site site;

    UserPages(Site site) {
        this.site = site;
    }

    void register(RoutesConfig routes) {
        routes.get("/ui/users", ctx -> list(ctx, Optional.empty(), Map.of(), Map.of()), Allowed.ADMINS);
        routes.post("/ui/users", this::create, Allowed.ADMINS);
        routes.get("/ui/users/{user}/{change}", this::ask, Allowed.ADMINS);
        routes.post("/ui/users/{user}/{change}", this::change, Allowed.ADMINS);
        routes.get("/ui/password", ctx -> own(ctx, Map.of()), Allowed.USERS);
        routes.post("/ui/password", this::changeOwn, Allowed.USERS);
    }

    private void list(Context ctx, Optional<Credential> made, Map<String, String> values, Map<String, String> errors) {
        Map<String, String> tenants = new HashMap<>();
        for (TenantView view : site.auth()
                .caller(ctx)
                .everything()
                .tenants()
                .list(PageRequest.first(TENANTS_TO_CHOOSE_FROM))
                .items()) {
            tenants.put(
                    view.id().value(),
                    view.spec().displayName().orElse(view.spec().name()));
        }
        site.show(
                ctx,
                "users.jte",
                Map.of(
                        "page", site.page(ctx, Optional.empty(), "users"),
                        "users", site.auth().users().list(),
                        "tenants", tenants,
                        "made", made,
                        "values", values,
                        "errors", errors));
    }

    private void create(Context ctx) {
        String name = Site.form(ctx, "name");
        String role = Site.form(ctx, "role");
        String tenant = Site.form(ctx, "tenant");
        Map<String, String> values = Map.of("name", name, "role", role, "tenant", tenant);
        try {
            boolean admin = role.equals("ADMIN");
            Optional<TenantId> of = Optional.of(tenant)
                    .filter(t -> !admin && !t.isEmpty())
                    .map(t -> site.auth().caller(ctx).tenant(t).id());
            User user = new User(name, admin ? Role.ADMIN : Role.MEMBER, of);
            Optional<Secret> given = Optional.of(Site.text(ctx.formParam("password")))
                    .filter(p -> !p.isEmpty())
                    .map(Secret::of);
            Secret password = given.orElseGet(site.auth().users()::generate);
            site.auth().users().add(user, password);
            if (given.isPresent()) {
                site.go(ctx, "/ui/users", "created");
            } else {
                list(ctx, Optional.of(new Credential(user.name(), password)), Map.of(), Map.of());
            }
        } catch (InvalidSpecException e) {
            list(ctx.status(422), Optional.empty(), values, Map.of(e.field(), Problems.detail(e)));
        } catch (ConflictException e) {
            list(
                    ctx.status(409),
                    Optional.empty(),
                    values,
                    Map.of("name", site.messages(ctx).t("error.NAME_TAKEN")));
        }
    }

    private void ask(Context ctx) {
        User user = user(ctx);
        String change = known(ctx);
        boolean part = Site.fragment(ctx);
        Page page = part ? site.bare(ctx) : site.page(ctx, Optional.empty(), "users");
        Confirm confirm = new Confirm(
                page.t("ask.user." + change, user.name()),
                page.t("ask.user." + change + ".text"),
                "/ui/users/" + Page.encode(user.name()) + "/" + change,
                "/ui/users",
                page.t("user." + change),
                !change.equals("enable"),
                Optional.empty(),
                Map.of(),
                "",
                false,
                List.of());
        site.show(ctx, part ? "confirm.jte" : "confirmpage.jte", Map.of("page", page, "confirm", confirm));
    }

    private void change(Context ctx) {
        User user = user(ctx);
        switch (known(ctx)) {
            case "reset" -> {
                Secret password = site.auth().users().generate();
                site.auth().password(user.name(), password);
                Credential made = new Credential(user.name(), password);
                if (Site.fragment(ctx)) {
                    site.show(ctx, "passworddialog.jte", Map.of("page", site.bare(ctx), "credential", made));
                } else {
                    list(ctx, Optional.of(made), Map.of(), Map.of());
                }
                return;
            }
            case "disable" -> site.auth().disable(user.name(), true);
            case "enable" -> site.auth().disable(user.name(), false);
            default -> site.auth().remove(user.name());
        }
        site.go(ctx, "/ui/users", "saved");
    }

    private User user(Context ctx) {
        return site.auth()
                .users()
                .find(ctx.pathParam("user"))
                .orElseThrow(() -> new NotFoundException("no account of this name"));
    }

    private static String known(Context ctx) {
        String change = ctx.pathParam("change");
        if (!List.of("reset", "disable", "enable", "remove").contains(change)) {
            throw new NotFoundException("no such change");
        }
        return change;
    }

    private void own(Context ctx, Map<String, String> errors) {
        site.show(
                ctx, "ownpassword.jte", Map.of("page", site.page(ctx, Optional.empty(), "password"), "errors", errors));
    }

    private void changeOwn(Context ctx) {
        Page page = site.bare(ctx);
        String next = Site.text(ctx.formParam("password"));
        if (!next.equals(Site.text(ctx.formParam("again")))) {
            own(ctx.status(422), Map.of("again", page.t("password.differs")));
            return;
        }
        try {
            site.auth().changeOwnPassword(ctx, Secret.of(Site.text(ctx.formParam("present"))), Secret.of(next));
        } catch (AccessDeniedException e) {
            own(ctx.status(422), Map.of("present", page.t("password.wrong")));
            return;
        } catch (HttpProblem e) {
            own(ctx.status(e.status()), Map.of("present", page.t("login.locked")));
            return;
        } catch (TenonException e) {
            own(ctx.status(422), Map.of("password", Problems.detail(e)));
            return;
        }
        site.go(ctx, "/ui", "password");
    }
}
