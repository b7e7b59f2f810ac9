package dev.tenon.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.ServerKey;
import dev.tenon.server.auth.User;
import dev.tenon.server.auth.Users;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.server.http.ErrorPage;
import dev.tenon.server.http.Json;
import dev.tenon.server.http.Listener;
import dev.tenon.server.http.Problem;
import dev.tenon.server.http.Streams;
import dev.tenon.server.metrics.Metrics;
import dev.tenon.server.portal.Portal;
import dev.tenon.server.rest.Rest;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.util.JavalinBindException;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The reference server: one control plane behind REST, a portal and metrics. Thread-safe. */
public final class Server implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Server.class);
    private static final Logger access = LoggerFactory.getLogger("dev.tenon.server.access");
    private static final String REQUEST_ID = "tenon.request";
    private static final String BEGUN = "tenon.begun";

    // Nothing is loaded from elsewhere and no script or style stands in a page, so that injected text stays text.
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
                    + " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options",
            "nosniff",
            "Referrer-Policy",
            "no-referrer",
            "Cross-Origin-Opener-Policy",
            "same-origin",
            "Cross-Origin-Resource-Policy",
            "same-origin",
            "X-Frame-Options",
            "DENY");

    private final ServerSettings settings;
    private final Tenon tenon;
    private final Hosts hosts;
    private final LongSupplier ticker;
    private final JsonMapper json = Json.mapper();
    private final Streams streams = new Streams();
    private final Metrics metrics;
    private final Auth auth;
    private final ServerKey key;
    private final Optional<Secret> firstPassword;
    private final Optional<ServerTls> tls;
    private final Javalin app;
    private ErrorPage errorPage = (ctx, problem) -> ctx.status(problem.status()).result(problem.detail());

    private Server(
            ServerSettings settings, Tenon tenon, Hosts hosts, Clock clock, LongSupplier ticker, SecureRandom random) {
        this.settings = settings;
        this.tenon = tenon;
        this.hosts = hosts;
        this.ticker = ticker;
        this.metrics = new Metrics(tenon);
        Users users = new Users(settings.directory().resolve("accounts.json"), json, random);
        this.firstPassword = firstPassword(users, settings);
        this.key = new ServerKey(settings.directory().resolve("server.key"), random);
        this.auth = new Auth(
                tenon,
                users,
                settings.directory().resolve("logins.json"),
                json,
                key,
                clock,
                random,
                settings.tls().isPresent(),
                settings.openMetricsOnLoopback());
        this.tls = settings.tls().map(wanted -> ServerTls.of(settings, wanted, clock));
        this.app = Javalin.create(this::configure);
    }

    /** Runs the server, or what else the command line asks for; see {@code --help}. */
    public static void main(String[] words) throws Exception {
        try {
            Options options = Options.parse(List.of(words));
            Launch launch = new Launch(options.settings());
            switch (options.task()) {
                case SERVE -> launch.serve();
                case STOP_DATABASES -> launch.stopDatabases();
                case RESET_ADMIN_PASSWORD -> launch.resetAdminPassword();
                case WARM_UP -> launch.warmUp();
                case HELP -> System.out.print(Options.USAGE);
            }
        } catch (TenonException e) {
            // A person reads this: what is wrong and what to do, not where in our code it was noticed.
            log.debug("cannot start", e);
            System.err.println("tenon: " + e.code() + ": " + e.getMessage());
            System.exit(2);
        }
    }

    /** Starts the server in front of a control plane, which it closes with itself. */
    public static Server start(ServerSettings settings, Tenon tenon) {
        return start(settings, tenon, Hosts.NONE);
    }

    /** Starts the server in front of a control plane and its hosts, which it closes with itself. */
    public static Server start(ServerSettings settings, Tenon tenon, Hosts hosts) {
        return start(settings, tenon, hosts, Clock.systemUTC(), System::nanoTime, new SecureRandom());
    }

    /** Starts it with time and randomness of one's own; for tests. */
    static Server start(
            ServerSettings settings, Tenon tenon, Hosts hosts, Clock clock, LongSupplier ticker, SecureRandom random) {
        Server server;
        try {
            server = new Server(settings, tenon, hosts, clock, ticker, random);
        } catch (RuntimeException e) {
            hosts.close();
            tenon.close();
            throw e;
        }
        try {
            server.app.start();
            return server;
        } catch (JavalinBindException e) {
            server.close();
            throw new ProviderException(
                    ErrorCode.PORT_TAKEN,
                    "cannot listen on " + settings.host() + ":" + settings.port()
                            + "; stop the process that does, or choose another with --port",
                    e);
        }
    }

    private static Optional<Secret> firstPassword(Users users, ServerSettings settings) {
        if (!users.list().isEmpty()) {
            return Optional.empty();
        }
        Secret password = settings.adminPassword().orElseGet(users::generate);
        users.add(new User("admin", Role.ADMIN, Optional.empty()), password);
        return Optional.of(password);
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.http.maxRequestSize = 1 << 20;
        config.http.prefer405over404 = true;
        config.http.asyncTimeout = 0;
        Listener.configure(config.jetty, settings.host(), settings.port(), tls.map(ServerTls::factory), json);

        RoutesConfig routes = config.routes;
        routes.before(this::begin);
        routes.beforeMatched(auth::check);
        routes.get("/health", this::health, Allowed.ANYONE);
        routes.get(
                "/metrics",
                ctx -> ctx.contentType("text/plain; version=0.0.4").result(metrics.text()),
                Allowed.OBSERVERS);
        new Rest(auth, json, key, hosts, streams, ticker).register(routes);
        errorPage = Portal.register(routes, auth, hosts, tenon::healthy);
        routes.exception(Exception.class, this::fail);
        routes.error(404, this::unmatched);
        routes.error(405, this::unmatched);
        config.requestLogger.http((ctx, millis) -> ended(ctx));
    }

    private void begin(Context ctx) {
        ctx.attribute(REQUEST_ID, UUID.randomUUID().toString());
        ctx.attribute(BEGUN, ticker.getAsLong());
        HEADERS.forEach(ctx::header);
        ctx.header("Cache-Control", "no-store");
        // Only where browsers know the authority: "localhost" would else be cut off from other programs' plain HTTP.
        if (settings.tls().orElse(null) instanceof ServerSettings.Tls.Files) {
            ctx.header("Strict-Transport-Security", "max-age=31536000");
        }
    }

    /** Says no more than whether it works: this one needs no login. */
    private void health(Context ctx) {
        boolean healthy = tenon.healthy();
        ctx.status(healthy ? 200 : 503)
                .contentType("application/json")
                .result(healthy ? "{\"status\":\"up\"}" : "{\"status\":\"down\"}");
    }

    private void fail(Exception failure, Context ctx) {
        Problem problem = Problem.of(failure, requestId(ctx));
        if (problem.status() >= 500) {
            log.error("request {} failed", problem.instance(), failure);
        }
        show(problem, ctx);
    }

    private void unmatched(Context ctx) {
        // A route that answers 404 itself has already said why.
        if (ctx.res().getContentType() == null || ctx.endpoints().lastHttpEndpoint() == null) {
            show(Problem.ofStatus(ctx.statusCode(), requestId(ctx)), ctx);
        }
    }

    private void show(Problem problem, Context ctx) {
        problem.retryAfterSeconds().ifPresent(s -> ctx.header("Retry-After", Long.toString(s)));
        if (problem.status() == 401) {
            ctx.header("WWW-Authenticate", "Bearer realm=\"tenon\"");
        }
        if (problem.status() == 413 || problem.status() == 408) {
            // What is left of the body must not be taken for the next request.
            ctx.header("Connection", "close");
        }
        if (!forPrograms(ctx.path())) {
            errorPage.show(ctx, problem);
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

    private void ended(Context ctx) {
        @Nullable Long begun = ctx.attribute(BEGUN);
        long nanos = begun == null ? 0 : ticker.getAsLong() - begun;
        var endpoint = ctx.endpoints().lastHttpEndpoint();
        String route = endpoint == null ? "none" : endpoint.path;
        String method = endpoint == null ? "other" : ctx.method().name();
        metrics.request(method, route, ctx.statusCode(), nanos);
        // The route, not the address: a query may hold what somebody searched for.
        boolean quiet = method.equals("GET") && ctx.statusCode() < 400;
        if (quiet && !access.isDebugEnabled() || !quiet && !access.isInfoEnabled()) {
            return;
        }
        String line = "{} {} {} {} ms, request {}, {}";
        Object[] values = {
            method,
            route,
            ctx.statusCode(),
            nanos / 1_000_000,
            requestId(ctx),
            auth.find(ctx).map(c -> c.user().name()).orElse("-")
        };
        if (quiet) {
            access.debug(line, values);
        } else {
            access.info(line, values);
        }
    }

    private static String requestId(Context ctx) {
        String id = ctx.attribute(REQUEST_ID);
        return id == null ? "-" : id;
    }

    /** Returns the port it listens on. */
    public int port() {
        return app.port();
    }

    Optional<ServerTls> tls() {
        return tls;
    }

    /** Returns its address as a browser wants it; on all addresses, that of this machine's name. */
    public String url() {
        String host = ServerNames.forBrowsers(settings.host());
        return (settings.tls().isPresent() ? "https://" : "http://") + host + ":" + port() + "/";
    }

    Tenon tenon() {
        return tenon;
    }

    /** Returns the accounts of this server. */
    public Users users() {
        return auth.users();
    }

    /** Returns the password of {@code admin} if it was made by this start. */
    public Optional<Secret> firstPassword() {
        return firstPassword;
    }

    /** Ends streams and in-flight requests, then the control plane. Durable databases go on. */
    @Override
    public void close() {
        streams.close();
        app.stop();
        tls.ifPresent(ServerTls::close);
        metrics.close();
        hosts.close();
        tenon.close();
    }
}
