package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceId;
import dev.tenon.api.PageRequest;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Tenant;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.Caller;
import dev.tenon.server.auth.ServerKey;
import dev.tenon.server.http.Bodies;
import dev.tenon.server.http.HttpProblem;
import io.javalin.http.Context;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One request on its way to one call of the SDK: reads what came, strictly, and writes what goes back. */
final class Call {
    static final String IDEMPOTENCY_KEY = "Idempotency-Key";
    private static final int DEFAULT_PAGE = 50;
    private static final Pattern NUMBER = Pattern.compile("\\d{1,18}");
    private static final Pattern TAG = Pattern.compile("\"(\\d{1,18})\"");

    private final Context ctx;
    private final Auth auth;
    private final Answers answers;
    private final Bodies bodies;
    private final ServerKey key;
    private byte @Nullable [] raw;

    Call(Context ctx, Auth auth, Answers answers, Bodies bodies, ServerKey key) {
        this.ctx = ctx;
        this.auth = auth;
        this.answers = answers;
        this.bodies = bodies;
        this.key = key;
    }

    Context ctx() {
        return ctx;
    }

    Auth auth() {
        return auth;
    }

    Bodies bodies() {
        return bodies;
    }

    /** Returns who calls, not yet bound to the request's idempotency key. */
    Caller caller() {
        return auth.caller(ctx);
    }

    /** Returns the caller for the one change that this request makes. */
    Caller changer() {
        String given = ctx.header(IDEMPOTENCY_KEY);
        if (given == null) {
            return caller();
        }
        if (given.length() > 255) {
            throw HttpProblem.invalid(
                    ErrorCode.IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY, "expected at most 255 characters");
        }
        // Keyed, because a body may hold a password that could be guessed from its plain hash.
        String query = ctx.queryString() == null ? "" : ctx.queryString();
        String ifMatch = ctx.header("If-Match") == null ? "" : ctx.header("If-Match");
        String request = ctx.method().name() + "\n" + ctx.path() + "\n" + query + "\n" + ifMatch + "\n"
                + new String(body(), StandardCharsets.ISO_8859_1);
        try {
            return caller().under(new RequestKey(given, key.macHex("request", request)));
        } catch (dev.tenon.api.InvalidSpecException e) {
            throw e.code() == ErrorCode.IDEMPOTENCY_KEY_INVALID
                    ? HttpProblem.invalid(e.code(), IDEMPOTENCY_KEY, "expected 1 to 255 printable ASCII characters")
                    : e;
        }
    }

    /** Returns a password for an account that gives none: the same for the same request under the same idempotency key. */
    Optional<String> repeatablePassword(String what) {
        return Optional.ofNullable(ctx.header(IDEMPOTENCY_KEY)).map(given -> HexFormat.of()
                .formatHex(key.mac("password", ctx.path() + "\n" + what + "\n" + given), 0, 16));
    }

    /** Returns the tenant of the path. */
    Tenant tenant() {
        return caller().tenant(path("tenant"));
    }

    /** Returns the instance of the path. */
    Instance instance() {
        return tenant().instances().get(new InstanceId(path("instance")));
    }

    /** Returns the instance of the path for the one change that this request makes. */
    Instance changedInstance() {
        return changer().tenant(path("tenant")).instances().get(new InstanceId(path("instance")));
    }

    String path(String name) {
        return ctx.pathParam(name);
    }

    private byte[] body() {
        byte[] read = raw;
        if (read == null) {
            read = bodies.read(ctx);
            raw = read;
        }
        return read;
    }

    /** Returns the body; an empty one stands for an empty object where {@code optional}. */
    ObjectNode object(boolean optional) {
        byte[] content = body();
        if (content.length == 0 && optional) {
            return bodies.empty();
        }
        return bodies.object(ctx.header("Content-Type"), content);
    }

    /** Returns the body as a value. */
    <T> T body(Class<T> type) {
        return bodies.value(object(false), type);
    }

    Optional<String> query(String name) {
        List<String> values = ctx.queryParams(name);
        if (values.size() > 1) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, name, "given more than once");
        }
        return values.stream().findFirst();
    }

    OptionalLong number(String name, ErrorCode code) {
        Optional<String> text = query(name);
        if (text.isEmpty()) {
            return OptionalLong.empty();
        }
        if (!NUMBER.matcher(text.get()).matches()) {
            throw HttpProblem.invalid(code, name, "expected a whole number");
        }
        return OptionalLong.of(Long.parseLong(text.get()));
    }

    int number(String name, int fallback, int min, int max) {
        long n = number(name, ErrorCode.REQUEST_INVALID).orElse(fallback);
        if (n < min || n > max) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, name, n + "; expected " + min + " to " + max);
        }
        return (int) n;
    }

    PageRequest page() {
        long size = number("size", ErrorCode.PAGE_INVALID).orElse(DEFAULT_PAGE);
        Optional<String> cursor = query("cursor");
        if (cursor.filter(c -> c.isEmpty() || c.length() > 512).isPresent()) {
            throw HttpProblem.invalid(ErrorCode.PAGE_INVALID, "cursor", "not a cursor of this server");
        }
        return new PageRequest((int) Math.min(size, Integer.MAX_VALUE), cursor);
    }

    /** Returns the version of {@code If-Match}, if it is there. */
    OptionalLong ifMatch() {
        String header = ctx.header("If-Match");
        if (header == null || header.equals("*")) {
            return OptionalLong.empty();
        }
        var tag = TAG.matcher(header);
        if (!tag.matches()) {
            // A weak tag or one of another form can match nothing (RFC 9110, 13.1.1).
            throw new dev.tenon.api.ConflictException(
                    ErrorCode.VERSION_CONFLICT, "If-Match: no entity tag of this server; expected one such as \"7\"");
        }
        return OptionalLong.of(Long.parseLong(tag.group(1)));
    }

    /** Writes a value. */
    void answer(int status, Object value) {
        ctx.status(status);
        bytes(answers.bytes(value));
    }

    /** Writes a value that has a version: with an entity tag, or 304 if the caller has it already. */
    void answer(int status, Object value, long version) {
        if (tagged(version)) {
            answer(status, value);
        }
    }

    /** Sets the entity tag; returns false, having answered 304, if the caller has this version already. */
    boolean tagged(long version) {
        String tag = "\"" + version + "\"";
        ctx.header("ETag", tag);
        ctx.header("Cache-Control", "private, no-cache");
        String known = ctx.header("If-None-Match");
        if (known != null && ctx.method().name().equals("GET")) {
            for (String one : known.split(",", 64)) {
                String candidate = one.strip();
                if (candidate.equals("*") || candidate.equals(tag) || candidate.equals("W/" + tag)) {
                    ctx.status(304);
                    return false;
                }
            }
        }
        return true;
    }

    void bytes(byte[] json) {
        // Said here, because Jetty sends in chunks what is larger than its buffer and has no length.
        ctx.res().setContentLengthLong(json.length);
        ctx.contentType("application/json").result(json);
    }

    Answers answers() {
        return answers;
    }
}
