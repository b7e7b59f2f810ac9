package dev.tenon.server.auth;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.Actor;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenon;
import dev.tenon.server.http.HttpProblem;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import io.javalin.security.RouteRole;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logins and the decision whether a request may pass. The portal uses the cookie, programs use a bearer token; both are sessions.
 * Thread-safe.
 */
public final class Auth {
    /** Name of the session cookie. */
    public static final String COOKIE = "tenon_session";

    /** Header that carries the token of {@link #csrfToken}. */
    public static final String CSRF_HEADER = "X-CSRF-Token";

    /** Form field that carries it where there is no header. */
    public static final String CSRF_FIELD = "_csrf";

    private static final Logger log = LoggerFactory.getLogger(Auth.class);
    private static final String BEARER = "Bearer ";
    private static final String SESSION = "tenon.session";
    private static final String CALLER = "tenon.caller";

    /**
     * A bearer token.
     *
     * @param token the token; given out once
     * @param expiresAt when it ends
     */
    public record Token(String token, Instant expiresAt) {}

    private final Tenon tenon;
    private final Users users;
    private final Sessions sessions;
    private final LoginThrottle throttle;
    private final ServerKey key;
    private final boolean https;
    private final boolean openOnLoopback;

    /**
     * Puts it together.
     *
     * @param logins file that keeps logins over a restart
     */
    public Auth(
            Tenon tenon,
            Users users,
            Path logins,
            ObjectMapper json,
            ServerKey key,
            Clock clock,
            SecureRandom random,
            boolean https,
            boolean openOnLoopback) {
        this.tenon = tenon;
        this.users = users;
        this.key = key;
        this.sessions = new Sessions(logins, json, key, clock, random, users::stamp);
        this.throttle = new LoginThrottle(clock);
        this.https = https;
        this.openOnLoopback = openOnLoopback;
    }

    /** Returns the accounts of this server, for administrators. */
    public Users users() {
        return users;
    }

    /**
     * Lets a request pass or throws; called for every route before its handler.
     *
     * @throws AccessDeniedException {@code UNAUTHENTICATED} or {@code FORBIDDEN}
     */
    public void check(Context ctx) {
        Set<RouteRole> allowed = ctx.routeRoles();
        boolean safe = Set.of("GET", "HEAD", "OPTIONS").contains(ctx.method().name());
        if (!safe
                && session(ctx)
                        .filter(s -> s.carrier() == Sessions.Carrier.COOKIE)
                        .isPresent()) {
            checkCsrf(ctx);
        }
        if (allowed.contains(Allowed.ANYONE)) {
            return;
        }
        if (allowed.contains(Allowed.OBSERVERS) && openOnLoopback && fromLoopback(ctx)) {
            return;
        }
        Caller caller = caller(ctx);
        if (allowed.contains(Allowed.USERS)) {
            return;
        }
        if ((allowed.contains(Allowed.ADMINS) || allowed.contains(Allowed.OBSERVERS))
                && caller.user().admin()) {
            return;
        }
        throw new AccessDeniedException(ErrorCode.FORBIDDEN, "you may not do this");
    }

    /** Returns who calls; {@code UNAUTHENTICATED} if nobody is logged in. */
    public Caller caller(Context ctx) {
        return find(ctx)
                .orElseThrow(() -> new AccessDeniedException(
                        ErrorCode.UNAUTHENTICATED, "log in first, or send a valid bearer token"));
    }

    /** Returns who calls, if anybody is logged in. */
    public Optional<Caller> find(Context ctx) {
        Caller known = ctx.attribute(CALLER);
        if (known != null) {
            return Optional.of(known);
        }
        Optional<Caller> caller =
                session(ctx).flatMap(s -> active(s.user())).map(u -> new Caller(u, tenon.as(new Actor(u.name()))));
        caller.ifPresent(c -> ctx.attribute(CALLER, c));
        return caller;
    }

    private Optional<User> active(String name) {
        return users.find(name).filter(u -> !u.disabled());
    }

    /** Returns whether the login that this request came with still holds, without prolonging it; for long-lived answers. */
    public BooleanSupplier stillLoggedIn(Context ctx) {
        Optional<Sessions.Session> session = session(ctx);
        return () -> session.map(s -> sessions.live(s.key()) && active(s.user()).isPresent())
                .orElse(false);
    }

    /**
     * Logs a browser in: sets the session cookie.
     *
     * @throws AccessDeniedException {@code UNAUTHENTICATED} if name or password are wrong
     * @throws HttpProblem {@code TOO_MANY_REQUESTS} while the login is locked
     */
    public User logIn(Context ctx, String name, Secret password) {
        User user = verify(ctx, name, password);
        Sessions.Opened opened = sessions.open(user.name(), Sessions.Carrier.COOKIE);
        Cookie cookie = new Cookie(COOKIE, opened.token(), "/", -1, https);
        cookie.setHttpOnly(true);
        cookie.setSameSite(SameSite.STRICT);
        ctx.cookie(cookie);
        return user;
    }

    /** Logs a program in; errors as for {@link #logIn}. */
    public Token issueToken(Context ctx, String name, Secret password) {
        User user = verify(ctx, name, password);
        Sessions.Opened opened = sessions.open(user.name(), Sessions.Carrier.BEARER);
        return new Token(opened.token(), opened.session().endsAt());
    }

    /** Ends the login that this request came with; does nothing without one. */
    public void logOut(Context ctx) {
        session(ctx).ifPresent(sessions::close);
        ctx.removeCookie(COOKIE, "/");
        ctx.attribute(CALLER, null);
        ctx.attribute(SESSION, null);
    }

    /** Gives a user another password and ends all its logins; errors as for {@link Users#password}. */
    public void password(String user, Secret password) {
        users.password(user, password);
        sessions.closeAllOf(user);
    }

    /**
     * Changes the caller's own password and logs the browser in anew.
     *
     * @throws AccessDeniedException {@code UNAUTHENTICATED} if {@code present} is not the present one
     */
    public void changeOwnPassword(Context ctx, Secret present, Secret next) {
        User user = verify(ctx, caller(ctx).user().name(), present);
        password(user.name(), next);
        logIn(ctx, user.name(), next);
    }

    /** Lets a user log in or not, and ends its logins if not; errors as for {@link Users#disable}. */
    public void disable(String user, boolean disabled) {
        users.disable(user, disabled);
        if (disabled) {
            sessions.closeAllOf(user);
        }
    }

    /** Removes a user and ends its logins; errors as for {@link Users#remove}. */
    public void remove(String user) {
        users.remove(user);
        sessions.closeAllOf(user);
    }

    /** Returns the token that changes made by this browser must bring back; empty without a login by cookie. */
    public String csrfToken(Context ctx) {
        return session(ctx).map(s -> key.macHex("csrf", s.key())).orElse("");
    }

    private User verify(Context ctx, String name, Secret password) {
        checkOrigin(ctx);
        String source = ctx.ip();
        String account = name.length() > 64 ? name.substring(0, 64) : name;
        Duration locked = throttle.locked(account, source);
        if (!locked.isZero()) {
            throw HttpProblem.tooManyRequests(
                    "too many failed logins; try again in " + locked.toMinutes() + " minutes", locked);
        }
        boolean plausible = name.length() <= 64 && password.reveal(p -> p.length() <= 32_768);
        Optional<User> user = plausible ? users.verify(name, password) : Optional.empty();
        if (user.isEmpty()) {
            throttle.failed(account, source);
            log.info("login failed, source {}", source);
            throw new AccessDeniedException(ErrorCode.UNAUTHENTICATED, "name or password is wrong");
        }
        throttle.succeeded(account, source);
        log.info("login of {}, source {}", user.get().name(), source);
        return user.get();
    }

    private Optional<Sessions.Session> session(Context ctx) {
        Sessions.Session known = ctx.attribute(SESSION);
        if (known != null) {
            return Optional.of(known);
        }
        String header = ctx.header("Authorization");
        Optional<Sessions.Session> session;
        if (header != null) {
            // A header that is there decides alone: a wrong one is not made good by a cookie.
            session = header.startsWith(BEARER)
                    ? sessions.use(header.substring(BEARER.length()), Sessions.Carrier.BEARER)
                    : Optional.empty();
        } else {
            session = Optional.ofNullable(ctx.cookie(COOKIE))
                    .flatMap(token -> sessions.use(token, Sessions.Carrier.COOKIE));
        }
        session.ifPresent(s -> ctx.attribute(SESSION, s));
        return session;
    }

    private void checkCsrf(Context ctx) {
        checkOrigin(ctx);
        String expected = csrfToken(ctx);
        String header = ctx.header(CSRF_HEADER);
        String seen = header == null && isForm(ctx) ? ctx.formParam(CSRF_FIELD) : header;
        if (seen == null
                || !MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.US_ASCII), seen.getBytes(StandardCharsets.UTF_8))) {
            throw new AccessDeniedException(
                    ErrorCode.FORBIDDEN, "a change by cookie needs the header " + CSRF_HEADER + " of this login");
        }
    }

    private static boolean isForm(Context ctx) {
        String type = ctx.header("Content-Type");
        return type != null && type.startsWith("application/x-www-form-urlencoded");
    }

    private static void checkOrigin(Context ctx) {
        String origin = ctx.header("Origin");
        String host = ctx.header("Host");
        if (origin != null
                && (host == null
                        || !origin.toLowerCase(Locale.ROOT)
                                .equals(ctx.scheme() + "://" + host.toLowerCase(Locale.ROOT)))) {
            throw new AccessDeniedException(ErrorCode.FORBIDDEN, "the request comes from another site's page");
        }
    }

    private static boolean fromLoopback(Context ctx) {
        try {
            return InetAddress.getByName(ctx.ip()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
