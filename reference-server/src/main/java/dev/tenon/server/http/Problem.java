package dev.tenon.server.http;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import io.javalin.http.HttpResponseException;
import java.util.Optional;

/**
 * A failure as callers see it (RFC 9457).
 *
 * @param type where the code is explained
 * @param title the code in words
 * @param status the HTTP status
 * @param code stable; see {@link ErrorCode}
 * @param detail what was seen and what is allowed; no secrets
 * @param field the wrong field, if one is
 * @param instance the request's id, as in the server's log
 * @param retryAfterSeconds how long to wait before trying again, if that helps
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record Problem(
        String type,
        String title,
        int status,
        ErrorCode code,
        String detail,
        Optional<String> field,
        String instance,
        @JsonIgnore Optional<Long> retryAfterSeconds) {

    /** Turns any failure into a problem. What is not ours says nothing but its request id. */
    public static Problem of(Exception failure, String requestId) {
        if (failure instanceof HttpProblem p) {
            return of(
                    p.status(), p.code(), String.valueOf(p.getMessage()), p.field(), requestId, p.retryAfterSeconds());
        }
        if (failure instanceof TenonException e) {
            Optional<String> field =
                    e instanceof InvalidSpecException invalid ? Optional.of(invalid.field()) : Optional.empty();
            Optional<Long> retryAfter = e.retryable() ? Optional.of(1L) : Optional.empty();
            return of(status(e.code()), e.code(), text(e), field, requestId, retryAfter);
        }
        if (failure instanceof HttpResponseException e) {
            return ofStatus(e.getStatus(), requestId);
        }
        return of(
                500,
                ErrorCode.INTERNAL,
                "the server failed; its log says why under this request id",
                Optional.empty(),
                requestId,
                Optional.empty());
    }

    /** Returns the problem for a status that HTTP's own machinery set. */
    public static Problem ofStatus(int status, String requestId) {
        ErrorCode code =
                switch (status) {
                    case 404 -> ErrorCode.NOT_FOUND;
                    case 500 -> ErrorCode.INTERNAL;
                    default -> ErrorCode.REQUEST_INVALID;
                };
        String detail =
                switch (status) {
                    case 404 -> "no such resource";
                    case 405 -> "the resource does not know this method";
                    case 413 -> "the body is larger than 1 MiB";
                    case 414 -> "the address is too long";
                    case 431 -> "the headers are too large";
                    default -> "the request cannot be read";
                };
        return of(status, code, detail, Optional.empty(), requestId, Optional.empty());
    }

    private static Problem of(
            int status,
            ErrorCode code,
            String detail,
            Optional<String> field,
            String requestId,
            Optional<Long> retryAfter) {
        return new Problem(
                "https://tenon.dev/errors#" + code.name(),
                code.name().replace('_', ' ').toLowerCase(java.util.Locale.ROOT),
                status,
                code,
                detail,
                field,
                requestId,
                retryAfter);
    }

    /** The one table from codes to statuses. */
    public static int status(ErrorCode code) {
        return switch (code) {
            case NAME_INVALID,
                    RESERVED,
                    SIZE_INVALID,
                    SPEC_INVALID,
                    ID_INVALID,
                    ENGINE_UNKNOWN,
                    VERSION_UNKNOWN,
                    PLAN_UNKNOWN,
                    PARAMETER_INVALID,
                    PASSWORD_POLICY,
                    PRIVILEGE_INVALID,
                    CIDR_INVALID,
                    PAGE_INVALID,
                    REQUEST_INVALID,
                    IDEMPOTENCY_KEY_INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case FORBIDDEN, SELF_APPROVAL, PARAM_FORBIDDEN -> 403;
            case NOT_FOUND -> 404;
            case NAME_TAKEN,
                    ILLEGAL_STATE,
                    SHRINK_UNSUPPORTED,
                    DELETION_PROTECTED,
                    STALE,
                    NOT_EMPTY,
                    CANCELLED,
                    QUOTA_EXCEEDED,
                    CAPACITY_EXCEEDED -> 409;
            case GONE -> 410;
            case VERSION_CONFLICT -> 412;
            case IDEMPOTENCY_MISMATCH, UNSUPPORTED -> 422;
            case TOO_MANY_REQUESTS -> 429;
            case PROVIDER_FAILED,
                    PORT_TAKEN,
                    SOFTWARE_MISSING,
                    SOFTWARE_CORRUPT,
                    WRONG_OWNER,
                    HOST_KEY_MISMATCH,
                    INTERNAL -> 500;
            case PROVIDER_UNAVAILABLE, STORE_UNAVAILABLE, FENCED, STORE_LOCKED -> 503;
            case TIMEOUT -> 504;
            case DISK_FULL -> 507;
        };
    }

    private static String text(TenonException e) {
        // Every failed login and every bad token reads alike, so that nothing can be learned from the difference.
        if (e instanceof AccessDeniedException && e.code() == ErrorCode.UNAUTHENTICATED) {
            return "log in with a valid name and password, or send a valid bearer token";
        }
        String message = e.getMessage();
        return message == null ? e.code().name() : message;
    }
}
