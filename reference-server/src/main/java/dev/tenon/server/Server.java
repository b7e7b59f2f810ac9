package dev.tenon.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenon;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.ServerKey;
import dev.tenon.server.auth.User;
import dev.tenon.server.auth.Users;
import dev.tenon.server.http.ErrorPage;
import dev.tenon.server.http.Json;
import dev.tenon.server.http.Problem;
import dev.tenon.server.portal.Portal;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The reference server: one control plane behind REST, a portal and metrics. Thread-safe. */
public final class Server implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Server.class);
    private static final String REQUEST_ID = "tenon.request";

    private final Tenon tenon;
    private final Javalin app;
    private final Optional<Secret> firstPassword;
    private final boolean https;
    private final String host;

    private Server(Tenon tenon, Javalin app, ServerSettings settings, Optional<Secret> firstPassword) {
        this.tenon = tenon;
        this.app = app;
        this.firstPassword = firstPassword;
        this.https = settings.tls().isPresent();
        this.host = settings.host();
    }

    /** Starts the server on a control plane, which it closes with itself. */
    public static Server start(ServerSettings settings, Tenon tenon) {
        ObjectMapper json = Json.mapper();
        SecureRandom random = new SecureRandom();
        Users users = new Users(settings.directory().resolve("accounts.json"), json, random);
        Optional<Secret> firstPassword = Optional.empty();
        if (users.list().isEmpty()) {
            Secret password = settings.adminPassword().orElseGet(users::generate);
            users.add(new User("admin", Role.ADMIN, Optional.empty()), password);
            firstPassword = Optional.of(password);
        }
        ServerKey key = new ServerKey(settings.directory().resolve("server.key"), random);
        Auth auth = new Auth(
                tenon,
                users,
                key,
                Clock.systemUTC(),
                random,
                settings.tls().isPresent(),
                settings.openMetricsOnLoopback());
        Javalin app = Javalin.create(config -> configure(config, auth, tenon, json));
        app.start(settings.host(), settings.port());
        return new Server(tenon, app, settings, firstPassword);
    }

    private static void configure(JavalinConfig config, Auth auth, Tenon tenon, ObjectMapper json) {
        config.startup.showJavalinBanner = false;
        config.startup.startupWatcherEnabled = false;
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.http.maxRequestSize = 1 << 20;
        RoutesConfig routes = config.routes;
        routes.before(ctx -> ctx.attribute(REQUEST_ID, UUID.randomUUID().toString()));
        routes.beforeMatched(auth::check);
        routes.get("/health", ctx -> ctx.status(tenon.healthy() ? 200 : 503).json("{}"), Allowed.OBSERVERS);
        ErrorPage page = Portal.register(routes, auth);
        routes.exception(Exception.class, (e, ctx) -> fail(Problem.of(e, requestId(ctx)), ctx, page, json, e));
        routes.error(404, ctx -> {
            if (ctx.result() == null || ctx.endpoints().lastHttpEndpoint() == null) {
                fail(Problem.ofStatus(404, requestId(ctx)), ctx, page, json, null);
            }
        });
    }

    private static void fail(
            Problem problem,
            Context ctx,
            ErrorPage page,
            ObjectMapper json,
            @org.jspecify.annotations.Nullable Exception cause) {
        if (problem.status() >= 500 && cause != null) {
            log.error("request {} failed", problem.instance(), cause);
        }
        problem.retryAfterSeconds().ifPresent(s -> ctx.header("Retry-After", Long.toString(s)));
        if (!forPrograms(ctx.path())) {
            page.show(ctx, problem);
            return;
        }
        try {
            ctx.status(problem.status())
                    .result(json.writeValueAsBytes(problem))
                    .contentType("application/problem+json");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a record of text can be written", e);
        }
    }

    private static boolean forPrograms(String path) {
        return path.equals("/v1")
                || path.startsWith("/v1/")
                || path.equals("/health")
                || path.equals("/metrics")
                || path.equals("/openapi.json");
    }

    private static String requestId(Context ctx) {
        String id = ctx.attribute(REQUEST_ID);
        return id == null ? "-" : id;
    }

    /** Returns the port it listens on. */
    public int port() {
        return app.port();
    }

    /** Returns its address as a browser wants it. */
    public String url() {
        String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return (https ? "https://" : "http://") + name + ":" + port() + "/";
    }

    /** Returns the password of {@code admin} if it was made by this start. */
    public Optional<Secret> firstPassword() {
        return firstPassword;
    }

    /** Ends in-flight requests, then the control plane. Durable databases go on. */
    @Override
    public void close() {
        app.stop();
        tenon.close();
    }
}
