package dev.tenon.server.portal;

import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.http.ErrorPage;
import io.javalin.config.RoutesConfig;

/** Registers the portal's pages. */
public final class Portal {
    private Portal() {}

    /**
     * Registers the pages.
     *
     * @param routes where; every route names who may call it by an {@link Allowed}, or nobody may
     * @param auth logins and, through {@link dev.tenon.server.auth.Caller}, the control plane
     * @return shows failures of pages outside {@code /v1}
     */
    public static ErrorPage register(RoutesConfig routes, Auth auth) {
        routes.get("/", ctx -> ctx.result("Tenon"), Allowed.ANYONE);
        return (ctx, problem) -> ctx.status(problem.status()).result(problem.detail());
    }
}
