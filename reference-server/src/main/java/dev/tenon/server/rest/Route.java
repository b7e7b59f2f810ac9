package dev.tenon.server.rest;

import dev.tenon.server.auth.Allowed;
import java.util.List;
import java.util.Optional;

/**
 * One method of one path: what is registered, what is checked before the handler, and what the OpenAPI document says.
 *
 * @param method the HTTP method
 * @param path the path, with parameters in braces
 * @param id a unique name, for generated clients
 * @param summary one sentence for people
 * @param allowed who may call it
 * @param query names of the query parameters it knows; others are refused
 * @param body schema of the body it takes; absent if it takes none
 * @param status status of a success
 * @param answer schema of a success; absent for no body
 * @param handler does it
 */
record Route(
        String method,
        String path,
        String id,
        String summary,
        Allowed allowed,
        List<String> query,
        Optional<String> body,
        int status,
        Optional<String> answer,
        Handler handler) {

    /** Schema of an answer that is a stream of events rather than one JSON value. */
    static final String STREAM = "EventStream";

    /** Does one request. */
    @FunctionalInterface
    interface Handler {
        void handle(Call call);
    }

    /** Returns whether it starts an operation, and so knows {@code Idempotency-Key}. */
    boolean startsOperation() {
        return status == 202;
    }

    static Route get(String path, String id, String summary, String answer, Handler handler) {
        return of("GET", path, id, summary, 200, Optional.of(answer), handler);
    }

    static Route post(String path, String id, String summary, int status, String answer, Handler handler) {
        return of("POST", path, id, summary, status, Optional.of(answer), handler);
    }

    /** Returns a route that starts an operation and answers with it. */
    static Route change(String method, String path, String id, String summary, Handler handler) {
        return of(method, path, id, summary, 202, Optional.of("Operation"), handler);
    }

    /** Returns a route that answers with nothing. */
    static Route silent(String method, String path, String id, String summary, Handler handler) {
        return of(method, path, id, summary, 204, Optional.empty(), handler);
    }

    private static Route of(
            String method,
            String path,
            String id,
            String summary,
            int status,
            Optional<String> answer,
            Handler handler) {
        return new Route(
                method, path, id, summary, Allowed.USERS, List.of(), Optional.empty(), status, answer, handler);
    }

    Route by(Allowed who) {
        return new Route(method, path, id, summary, who, query, body, status, answer, handler);
    }

    Route query(String... names) {
        return new Route(method, path, id, summary, allowed, List.of(names), body, status, answer, handler);
    }

    Route takes(String schema) {
        return new Route(method, path, id, summary, allowed, query, Optional.of(schema), status, answer, handler);
    }
}
