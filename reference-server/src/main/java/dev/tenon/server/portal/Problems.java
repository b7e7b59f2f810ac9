package dev.tenon.server.portal;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import dev.tenon.server.http.ErrorPage;
import dev.tenon.server.http.Problem;
import dev.tenon.server.portal.view.Page;
import io.javalin.http.Context;
import java.util.Map;

/** Says to people what went wrong: in their language what kind of failure it is, then the details as reported. */
final class Problems implements ErrorPage {
    private final Site site;

    Problems(Site site) {
        this.site = site;
    }

    @Override
    public void show(Context ctx, Problem problem) {
        boolean part = Site.fragment(ctx);
        Site.headers(ctx);
        if (problem.status() == 401) {
            String next =
                    ctx.method().name().equals("GET") && !part && ctx.path().startsWith("/ui")
                            ? "?next=" + Page.encode(ctx.path())
                            : "";
            site.go(ctx, "/ui/login" + next);
            return;
        }
        if (part
                && ctx.method().name().equals("GET")
                && ctx.header("HX-Target") != null
                && !"dialog".equals(ctx.header("HX-Target"))) {
            // A part that refreshes itself: nothing to say, but what is gone should not stay on the screen.
            if (problem.status() == 404 || problem.status() == 410) {
                site.go(ctx, "/ui");
            } else {
                ctx.status(problem.status()).result("");
            }
            return;
        }
        Page page = site.bare(ctx);
        Map<String, Object> values = Map.of(
                "page", page,
                "title", page.t("error." + problem.code().name()),
                "detail", problem.detail(),
                "code", problem.code().name(),
                "request", problem.instance());
        if (part) {
            ctx.header("HX-Retarget", "#dialog").header("HX-Reswap", "innerHTML");
            site.show(ctx.status(problem.status()), "problemdialog.jte", values);
        } else {
            site.show(ctx.status(problem.status()), "problem.jte", values);
        }
    }

    /** Returns a failure as a notice beside a form. */
    static Page.Notice notice(Page page, TenonException failure) {
        return new Page.Notice(
                "bad",
                page.t("error." + failure.code().name()) + " " + detail(failure),
                failure.code().name());
    }

    /** Returns what a field's failure says, without the field's name in front. */
    static String detail(TenonException failure) {
        String message = Site.text(failure.getMessage());
        if (failure instanceof InvalidSpecException invalid && message.startsWith(invalid.field() + ": ")) {
            return message.substring(invalid.field().length() + 2);
        }
        return message;
    }
}
