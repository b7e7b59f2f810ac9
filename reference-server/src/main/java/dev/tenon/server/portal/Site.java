package dev.tenon.server.portal;

import dev.tenon.api.OperationState;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantView;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.Caller;
import dev.tenon.server.portal.view.Messages;
import dev.tenon.server.portal.view.Page;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What all pages share: templates, the frame's data, headers, and the way back after a form. Thread-safe. */
final class Site {
    static final String LANGUAGE = "tenon_language";
    static final String THEME = "tenon_theme";

    private static final String FLASH = "tenon_flash";
    private static final String TEMPLATES = "dev.tenon.server.portal.templates";
    private static final int TENANTS_TO_CHOOSE_FROM = 200;
    private static final int OPERATIONS_LOOKED_AT = 100;
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
                    + " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private final Auth auth;
    private final Clock clock;
    private final TemplateEngine templates =
            TemplateEngine.createPrecompiled(null, ContentType.Html, Site.class.getClassLoader(), TEMPLATES);

    Site(Auth auth, Clock clock) {
        this.auth = auth;
        this.clock = clock;
    }

    Auth auth() {
        return auth;
    }

    Clock clock() {
        return clock;
    }

    /** Sets what holds for every answer of the portal: nothing from elsewhere, nothing inline, nothing kept. */
    static void headers(Context ctx) {
        ctx.header("Content-Security-Policy", POLICY);
        ctx.header("X-Content-Type-Options", "nosniff");
        ctx.header("X-Frame-Options", "DENY");
        ctx.header("Referrer-Policy", "same-origin");
        ctx.header("Cross-Origin-Opener-Policy", "same-origin");
        ctx.header("Cache-Control", "no-store");
    }

    static boolean fragment(Context ctx) {
        return ctx.header("HX-Request") != null;
    }

    Messages messages(Context ctx) {
        return Messages.choose(text(ctx.cookie(LANGUAGE)), text(ctx.header("Accept-Language")));
    }

    static String theme(Context ctx) {
        String chosen = text(ctx.cookie(THEME));
        return chosen.equals("light") || chosen.equals("dark") ? chosen : "auto";
    }

    /** Returns a page's frame for somebody who is not signed in. */
    Page stranger(Context ctx) {
        return new Page(
                messages(ctx),
                "",
                false,
                auth.csrfToken(ctx),
                theme(ctx),
                List.of(),
                "",
                "",
                ctx.path(),
                0,
                flash(ctx, messages(ctx)),
                clock.instant());
    }

    /** Returns a page's frame that asks the control plane nothing, for when it is what failed. */
    Page bare(Context ctx) {
        Optional<Caller> caller = auth.find(ctx);
        return new Page(
                messages(ctx),
                caller.map(c -> c.user().name()).orElse(""),
                caller.map(c -> c.user().admin()).orElse(false),
                auth.csrfToken(ctx),
                theme(ctx),
                List.of(),
                "",
                "",
                "/ui",
                0,
                Optional.empty(),
                clock.instant());
    }

    /** Returns a page's frame with its navigation. */
    Page page(Context ctx, Optional<Tenant> tenant, String section) {
        Caller caller = auth.caller(ctx);
        List<Page.TenantChoice> choices = caller.tenants(PageRequest.first(TENANTS_TO_CHOOSE_FROM)).items().stream()
                .map(Site::choice)
                .toList();
        int waiting = tenant.map(t -> (int)
                        t.operations().list(Optional.empty(), PageRequest.first(OPERATIONS_LOOKED_AT)).items().stream()
                                .filter(o -> o.state() == OperationState.PENDING_APPROVAL)
                                .count())
                .orElse(0);
        Messages messages = messages(ctx);
        return new Page(
                messages,
                caller.user().name(),
                caller.user().admin(),
                auth.csrfToken(ctx),
                theme(ctx),
                choices,
                tenant.map(t -> t.id().value()).orElse(""),
                section,
                ctx.path() + (ctx.queryString() == null ? "" : "?" + ctx.queryString()),
                waiting,
                flash(ctx, messages),
                clock.instant());
    }

    /** Returns what a part of a page needs, without asking for the frame's data. */
    Page part(Context ctx, Tenant tenant) {
        Caller caller = auth.caller(ctx);
        return new Page(
                messages(ctx),
                caller.user().name(),
                caller.user().admin(),
                auth.csrfToken(ctx),
                theme(ctx),
                List.of(),
                tenant.id().value(),
                "",
                ctx.path(),
                0,
                Optional.empty(),
                clock.instant());
    }

    /** Returns the tenant that the address names; {@code NOT_FOUND} if the caller may not see it. */
    Tenant tenant(Context ctx) {
        return auth.caller(ctx).tenant(ctx.pathParam("tenant"));
    }

    String render(String template, Map<String, Object> values) {
        StringOutput out = new StringOutput(16_384);
        templates.render(template, values, out);
        return out.toString();
    }

    void show(Context ctx, String template, Map<String, Object> values) {
        headers(ctx);
        ctx.html(render(template, values));
    }

    /** Returns a short text that changes with a rendered part, so that a part that did not change need not be sent again. */
    static String digest(String html) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(html.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Goes to another page after a form, also when a part of a page asked. */
    void go(Context ctx, String to) {
        headers(ctx);
        if (fragment(ctx)) {
            ctx.header("HX-Redirect", to).status(204);
        } else {
            ctx.header("Location", to).status(303);
        }
    }

    /** Goes to another page that says something there; {@code key} names a text, so that nothing foreign can be shown. */
    void go(Context ctx, String to, String key) {
        Cookie cookie = new Cookie(FLASH, key, "/ui", 30, ctx.scheme().equals("https"));
        cookie.setHttpOnly(true);
        cookie.setSameSite(SameSite.STRICT);
        ctx.cookie(cookie);
        go(ctx, to);
    }

    private static Optional<Page.Notice> flash(Context ctx, Messages messages) {
        String key = text(ctx.cookie(FLASH));
        if (key.isEmpty() || fragment(ctx)) {
            return Optional.empty();
        }
        ctx.removeCookie(FLASH, "/ui");
        return key.matches("[a-z.]{1,40}")
                ? messages.find("flash." + key).map(text -> new Page.Notice("ok", text, ""))
                : Optional.empty();
    }

    private static Page.TenantChoice choice(TenantView view) {
        return new Page.TenantChoice(
                view.id().value(),
                view.spec().name(),
                view.spec().displayName().orElse(view.spec().name()));
    }

    static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    static String form(Context ctx, String field) {
        return text(ctx.formParam(field)).strip();
    }

    static String query(Context ctx, String name) {
        return text(ctx.queryParam(name)).strip();
    }
}
