package dev.tenon.server.portal;

import dev.tenon.api.PageRequest;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantView;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Caller;
import dev.tenon.server.http.HttpProblem;
import dev.tenon.server.portal.view.Page;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Signing in and out, the reader's preferences, and the way to the first page. */
final class SignInPages {
    private static final int YEAR_SECONDS = 31_536_000;

    private final Site site;

    SignInPages(Site site) {
        this.site = site;
    }

    void register(RoutesConfig routes) {
        routes.get("/", ctx -> site.go(ctx, "/ui"), Allowed.ANYONE);
        routes.get("/ui", this::home, Allowed.USERS);
        routes.get("/ui/tenant", this::choose, Allowed.USERS);
        routes.get("/ui/login", this::ask, Allowed.ANYONE);
        routes.post("/ui/login", this::logIn, Allowed.ANYONE);
        routes.post("/ui/logout", this::logOut, Allowed.ANYONE);
        routes.post("/ui/preferences", this::prefer, Allowed.ANYONE);
    }

    private void home(Context ctx) {
        Caller caller = site.auth().caller(ctx);
        List<TenantView> tenants = caller.tenants(PageRequest.first(1)).items();
        if (tenants.isEmpty()) {
            site.go(ctx, caller.user().admin() ? "/ui/tenants" : "/ui/about");
        } else {
            site.go(ctx, "/ui/t/" + tenants.get(0).id().value() + "/instances");
        }
    }

    private void choose(Context ctx) {
        String id = Site.query(ctx, "id");
        site.go(
                ctx,
                id.isEmpty()
                        ? "/ui"
                        : "/ui/t/" + site.auth().caller(ctx).tenant(id).id().value() + "/instances");
    }

    private void ask(Context ctx) {
        if (site.auth().find(ctx).isPresent()) {
            site.go(ctx, "/ui");
            return;
        }
        ask(ctx, site.stranger(ctx), Site.query(ctx, "next"), "");
    }

    private void ask(Context ctx, Page page, String next, String user) {
        site.show(ctx, "login.jte", Map.of("page", page, "next", next, "user", user));
    }

    private void logIn(Context ctx) {
        String name = Site.form(ctx, "name");
        Page page = site.stranger(ctx);
        try {
            site.auth().logIn(ctx, name, Secret.of(Site.text(ctx.formParam("password"))));
        } catch (TenonException e) {
            Page.Notice notice = new Page.Notice("bad", page.t("login.wrong"), "");
            ask(ctx.status(401), page.saying(notice), Site.form(ctx, "next"), name);
            return;
        } catch (HttpProblem e) {
            Page.Notice notice =
                    new Page.Notice("bad", page.t("login.locked"), e.code().name());
            ask(ctx.status(e.status()), page.saying(notice), Site.form(ctx, "next"), name);
            return;
        }
        site.go(ctx, own(Site.form(ctx, "next")));
    }

    private void logOut(Context ctx) {
        site.auth().logOut(ctx);
        site.go(ctx, "/ui/login");
    }

    private void prefer(Context ctx) {
        remember(ctx, Site.THEME, Site.form(ctx, "theme"), List.of("auto", "light", "dark"));
        remember(ctx, Site.LANGUAGE, Site.form(ctx, "language"), List.of("en", "zh-CN"));
        site.go(ctx, own(Site.form(ctx, "back")));
    }

    private static void remember(Context ctx, String name, String value, List<String> allowed) {
        if (allowed.contains(value)) {
            Cookie cookie =
                    new Cookie(name, value, "/", YEAR_SECONDS, ctx.scheme().equals("https"));
            cookie.setHttpOnly(true);
            cookie.setSameSite(SameSite.LAX);
            ctx.cookie(cookie);
        }
    }

    /** Only addresses of this portal: what came with the request must not lead anywhere else. */
    static String own(String address) {
        return Optional.of(address)
                .filter(a -> a.matches("/ui[A-Za-z0-9/_.~%?=&-]{0,500}"))
                .orElse("/ui");
    }
}
