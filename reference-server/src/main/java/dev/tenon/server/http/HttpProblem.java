package dev.tenon.server.http;

import dev.tenon.api.ErrorCode;
import java.time.Duration;
import java.util.Optional;

/** A request that fails for a reason of HTTP's own, which the SDK below knows nothing of: too large, wrong media type, too often. */
public final class HttpProblem extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int status;
    private final ErrorCode code;
    private final String field;
    private final long retryAfterSeconds;

    private HttpProblem(int status, ErrorCode code, String field, String message, long retryAfterSeconds) {
        super(message, null, false, false);
        this.status = status;
        this.code = code;
        this.field = field;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /** Creates a {@code REQUEST_INVALID} problem with a status of its own, such as 413 or 415. */
    public static HttpProblem of(int status, String message) {
        return new HttpProblem(status, ErrorCode.REQUEST_INVALID, "", message, -1);
    }

    /** Creates a 400 about one field, header or query parameter. */
    public static HttpProblem invalid(ErrorCode code, String field, String message) {
        return new HttpProblem(400, code, field, field + ": " + message, -1);
    }

    /** Creates a 429. */
    public static HttpProblem tooManyRequests(String message, Duration retryAfter) {
        return new HttpProblem(429, ErrorCode.TOO_MANY_REQUESTS, "", message, Math.max(1, retryAfter.toSeconds()));
    }

    /** Returns the HTTP status. */
    public int status() {
        return status;
    }

    /** Returns the code. */
    public ErrorCode code() {
        return code;
    }

    /** Returns the field, if it is about one. */
    public Optional<String> field() {
        return field.isEmpty() ? Optional.empty() : Optional.of(field);
    }

    /** Returns how many seconds to wait before trying again, if that helps. */
    public Optional<Long> retryAfterSeconds() {
        return retryAfterSeconds < 0 ? Optional.empty() : Optional.of(retryAfterSeconds);
    }
}
