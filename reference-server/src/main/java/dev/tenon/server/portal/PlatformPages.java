package dev.tenon.server.portal;

import dev.tenon.api.Catalogue;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.portal.view.Assets;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** What is the same for all tenants: the catalogue, the installation's own health, and the portal's files. */
final class PlatformPages {
    private final Site site;
    private final BooleanSupplier healthy;

    PlatformPages(Site site, BooleanSupplier healthy) {
        this.site = site;
        this.healthy = healthy;
    }

    void register(RoutesConfig routes) {
        routes.get("/ui/catalogue", this::catalogue, Allowed.USERS);
        routes.get("/ui/about", this::about, Allowed.USERS);
        routes.get(Assets.ROOT + "/{fingerprint}/{name}", PlatformPages::asset, Allowed.ANYONE);
        routes.get("/favicon.ico", ctx -> ctx.redirect(Assets.url("favicon.svg")), Allowed.ANYONE);
    }

    private void catalogue(Context ctx) {
        Catalogue catalogue = site.auth().caller(ctx).catalogue();
        site.show(
                ctx,
                "catalogue.jte",
                Map.of(
                        "page", site.page(ctx, Optional.empty(), "catalogue"),
                        "offers", catalogue.offers(),
                        "plans", catalogue.plans(),
                        "places", catalogue.places()));
    }

    private void about(Context ctx) {
        String version = PlatformPages.class.getPackage().getImplementationVersion();
        site.show(
                ctx,
                "about.jte",
                Map.of(
                        "page", site.page(ctx, Optional.empty(), "about"),
                        "healthy", healthy.getAsBoolean(),
                        "version", version == null ? "0.1.0-SNAPSHOT" : version,
                        "java", Runtime.version().toString(),
                        "places", site.auth().caller(ctx).catalogue().places().size()));
    }

    private static void asset(Context ctx) {
        Optional<Assets.Asset> found = Assets.find(ctx.pathParam("name"));
        if (found.isEmpty()) {
            ctx.status(404).result("");
            return;
        }
        Assets.Asset asset = found.get();
        boolean current = asset.fingerprint().equals(ctx.pathParam("fingerprint"));
        ctx.header("Cache-Control", current ? "public, max-age=31536000, immutable" : "no-cache")
                .header("X-Content-Type-Options", "nosniff")
                .header("Vary", "Accept-Encoding")
                .contentType(asset.type());
        if (Site.text(ctx.header("Accept-Encoding")).contains("gzip")) {
            ctx.header("Content-Encoding", "gzip").result(asset.gzip());
        } else {
            ctx.result(asset.plain());
        }
    }
}
