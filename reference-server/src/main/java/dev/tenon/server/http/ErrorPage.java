package dev.tenon.server.http;

import io.javalin.http.Context;

/** Shows a problem to a person. */
@FunctionalInterface
public interface ErrorPage {
    /** Writes status and page. */
    void show(Context ctx, Problem problem);
}
