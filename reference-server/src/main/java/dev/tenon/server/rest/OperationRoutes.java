package dev.tenon.server.rest;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Events;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationView;
import dev.tenon.api.Operations;
import dev.tenon.api.Subscription;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.http.HttpProblem;
import dev.tenon.server.http.Streams;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** Operations and events: of a tenant, of an instance, and of everything for administrators. */
final class OperationRoutes {
    private record EventList(List<Event> items) {}

    private record Reason(Optional<String> reason) {}

    private final Streams streams;

    OperationRoutes(Streams streams) {
        this.streams = streams;
    }

    List<Route> all() {
        List<Route> routes = new ArrayList<>();
        routes.addAll(operations(
                "/v1/tenants/{tenant}", "", Allowed.USERS, c -> c.tenant().operations()));
        routes.addAll(operations(
                "/v1", "Any", Allowed.ADMINS, c -> c.caller().everything().operations()));
        routes.addAll(events(
                "/v1/tenants/{tenant}", "Tenant", Allowed.USERS, c -> c.tenant().events()));
        routes.addAll(events("/v1/tenants/{tenant}/instances/{instance}", "Instance", Allowed.USERS, c -> c.instance()
                .events()));
        routes.addAll(events(
                "/v1", "All", Allowed.ADMINS, c -> c.caller().everything().events()));
        return routes;
    }

    private List<Route> operations(String prefix, String suffix, Allowed who, Function<Call, Operations> scope) {
        String all = prefix + "/operations";
        String one = all + "/{operation}";
        return List.of(
                Route.get(all, "list" + suffix + "Operations", "Lists operations, newest first", "OperationPage", c -> {
                            Operations operations = scope.apply(c);
                            Optional<InstanceId> instance = c.query("instance").map(InstanceId::new);
                            c.answer(200, operations.list(instance, c.page()));
                        })
                        .query("size", "cursor", "instance")
                        .by(who),
                Route.get(one, "get" + suffix + "Operation", "Shows an operation", "Operation", c -> {
                            OperationView view = find(scope, c).view();
                            c.answer(200, view, view.version());
                        })
                        .by(who),
                Route.get(
                                one + "/stream",
                                "follow" + suffix + "Operation",
                                "Streams an operation's progress until it is done",
                                Route.STREAM,
                                c -> follow(find(scope, c), c))
                        .by(who),
                Route.post(one + "/cancel", "cancel" + suffix + "Operation", "Asks to stop it", 200, "Operation", c -> {
                            Operation<Void> operation = find(scope, c);
                            operation.cancel();
                            c.answer(200, operation.view());
                        })
                        .by(who),
                Route.post(one + "/retry", "retry" + suffix + "Operation", "Begins it again", 200, "Operation", c -> {
                            Operation<Void> operation = find(scope, c);
                            operation.retry();
                            c.answer(200, operation.view());
                        })
                        .by(who),
                Route.post(one + "/approve", "approve" + suffix + "Operation", "Approves it", 200, "Operation", c -> {
                            Operation<Void> operation = find(scope, c);
                            scope.apply(c).approve(operation.id());
                            c.answer(200, operation.view());
                        })
                        .by(who),
                Route.post(one + "/reject", "reject" + suffix + "Operation", "Rejects it", 200, "Operation", c -> {
                            Operation<Void> operation = find(scope, c);
                            String reason = c.bodies()
                                    .value(c.object(true), Reason.class)
                                    .reason()
                                    .orElse("");
                            scope.apply(c).reject(operation.id(), reason);
                            c.answer(200, operation.view());
                        })
                        .takes("Reason")
                        .by(who));
    }

    private static Operation<Void> find(Function<Call, Operations> scope, Call c) {
        return scope.apply(c).get(new OperationId(c.path("operation")));
    }

    private void follow(Operation<Void> operation, Call c) {
        // Looked at before the answer begins, so that what is wrong can still be said with a status.
        operation.view();
        stream(
                c,
                stream -> operation.follow(view -> {
                    stream.send(
                            Long.toString(view.version()),
                            "operation",
                            c.answers().bytes(view));
                    if (view.state().done()) {
                        stream.end();
                    }
                }));
    }

    private List<Route> events(String prefix, String suffix, Allowed who, Function<Call, Events> scope) {
        return List.of(
                Route.get(
                                prefix + "/events",
                                "list" + suffix + "Events",
                                "Lists the newest events first, or those after a sequence number in order",
                                "Events",
                                c -> {
                                    Events events = scope.apply(c);
                                    int limit = c.number("limit", 100, 1, 1_000);
                                    OptionalLong after = c.number("after", ErrorCode.REQUEST_INVALID);
                                    c.answer(
                                            200,
                                            new EventList(
                                                    after.isPresent()
                                                            ? events.after(after.getAsLong(), limit)
                                                            : events.latest(limit)));
                                })
                        .query("after", "limit")
                        .by(who),
                Route.get(
                                prefix + "/events/stream",
                                "follow" + suffix + "Events",
                                "Streams events from now on, or from Last-Event-ID on",
                                Route.STREAM,
                                c -> {
                                    Events events = scope.apply(c);
                                    long last = Streams.lastEventId(c.ctx());
                                    long from = last >= 0
                                            ? last
                                            : events.latest(1).stream()
                                                    .mapToLong(Event::sequence)
                                                    .findFirst()
                                                    .orElse(0);
                                    stream(
                                            c,
                                            stream -> events.subscribe(
                                                    from,
                                                    event -> stream.send(
                                                            Long.toString(event.sequence()),
                                                            "event",
                                                            c.answers().bytes(event))));
                                })
                        .by(who));
    }

    private void stream(Call c, Function<Streams.Stream, Subscription> source) {
        if (c.ctx().method().name().equals("HEAD")) {
            throw HttpProblem.of(405, "a stream has no HEAD");
        }
        streams.answer(c.ctx(), c.caller().user().name(), c.auth().stillLoggedIn(c.ctx()), source);
    }
}
