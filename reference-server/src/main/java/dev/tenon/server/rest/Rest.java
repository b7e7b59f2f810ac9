package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tenon.api.ErrorCode;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.ServerKey;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.server.http.Bodies;
import dev.tenon.server.http.HttpProblem;
import dev.tenon.server.http.Streams;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** Registers the REST resources. */
public final class Rest {
    private final Auth auth;
    private final Answers answers;
    private final Bodies bodies;
    private final ServerKey key;
    private final List<Route> table;
    private final byte[] openApi;

    /**
     * Puts it together.
     *
     * @param hosts the hosts of the installation
     * @param streams open streams, which their owner closes
     * @param ticker elapsed nanoseconds
     */
    public Rest(Auth auth, JsonMapper json, ServerKey key, Hosts hosts, Streams streams, LongSupplier ticker) {
        this.auth = auth;
        this.answers = new Answers(json);
        this.bodies = new Bodies(json, ticker);
        this.key = key;
        this.table = table(hosts, streams);
        this.openApi = OpenApi.document(table, json);
    }

    private static List<Route> table(Hosts hosts, Streams streams) {
        List<Route> all = new ArrayList<>();
        all.addAll(SystemRoutes.all());
        all.addAll(new HostRoutes(hosts).all());
        all.addAll(TenantRoutes.all());
        all.addAll(InstanceRoutes.all());
        all.addAll(new OperationRoutes(streams).all());
        return List.copyOf(all);
    }

    /** Registers every route. */
    public void register(RoutesConfig routes) {
        routes.get("/openapi.json", ctx -> ctx.contentType("application/json").result(openApi), Allowed.ANYONE);
        for (Route route : table) {
            routes.addHttpHandler(
                    HandlerType.findOrCreate(route.method()), route.path(), ctx -> handle(route, ctx), route.allowed());
        }
    }

    private void handle(Route route, Context ctx) {
        for (String name : ctx.queryParamMap().keySet()) {
            if (!route.query().contains(name)) {
                throw HttpProblem.invalid(
                        ErrorCode.REQUEST_INVALID,
                        "query",
                        "an unknown parameter; expected " + (route.query().isEmpty() ? "none" : route.query()));
            }
        }
        route.handler().handle(new Call(ctx, auth, answers, bodies, key));
    }
}
