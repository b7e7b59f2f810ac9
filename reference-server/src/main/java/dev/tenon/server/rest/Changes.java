package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.server.http.Bodies;
import dev.tenon.server.http.HttpProblem;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads changes of instances out of request bodies. */
final class Changes {
    private record ResizeBody(Optional<String> plan, Optional<Resources> resources) {}

    private record UpdateBody(
            Optional<String> displayName,
            Optional<String> description,
            Optional<Map<String, String>> tags,
            Optional<Boolean> deletionProtection) {}

    private record AccessBody(Optional<List<Cidr>> whitelist) {}

    private record ParametersBody(
            Optional<Map<String, String>> set, Optional<Set<String>> reset, Optional<Boolean> restart) {}

    private record DeleteBody(Optional<String> retention) {}

    private record MemberBody(Optional<String> member) {}

    private record FailoverBody(Optional<String> member, Optional<AcceptedBody> accepted) {}

    private record AcceptedBody(Optional<Long> knownBytes, Optional<Instant> safeUntil) {}

    private record Nothing() {}

    private Changes() {}

    /** Reads a specification; its password, which the SDK keeps out of JSON, is taken from beside it. */
    static InstanceSpec spec(Bodies bodies, ObjectNode body) {
        Optional<Secret> password = password(body);
        InstanceSpec spec = bodies.value(body, InstanceSpec.class);
        return password.isEmpty()
                ? spec
                : InstanceSpec.builder().from(spec).password(password).build();
    }

    /** Takes the field {@code password} out of a body. */
    static Optional<Secret> password(ObjectNode body) {
        return secret(body, "password", ErrorCode.PASSWORD_POLICY);
    }

    /**
     * Takes a field out of a body that must not be seen.
     *
     * @param wrong code if it is no text
     */
    static Optional<Secret> secret(ObjectNode body, String field, ErrorCode wrong) {
        JsonNode value = body.remove(field);
        if (value == null || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isTextual()) {
            throw HttpProblem.invalid(wrong, field, "expected text");
        }
        return Optional.of(Secret.of(value.textValue()));
    }

    /** Reads a change of an existing instance, by the word in its field {@code kind}. */
    static Change any(Bodies bodies, ObjectNode body) {
        JsonNode kind = body.remove("kind");
        if (kind == null || !kind.isTextual()) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "kind", "is missing; expected a kind of change");
        }
        return read(kind.textValue(), bodies, body);
    }

    static Change read(String kind, Bodies bodies, ObjectNode body) {
        return switch (kind) {
            case "START" -> without(bodies, body, new Change.Start());
            case "STOP" -> without(bodies, body, new Change.Stop());
            case "RESTART" -> without(bodies, body, new Change.Restart());
            case "FREEZE" -> without(bodies, body, new Change.Freeze());
            case "UNFREEZE" -> without(bodies, body, new Change.Unfreeze());
            case "RECOVER" -> without(bodies, body, new Change.Recover());
            case "PURGE" -> without(bodies, body, new Change.Purge());
            case "RESIZE" -> {
                ResizeBody read = bodies.value(body, ResizeBody.class);
                yield new Change.Resize(read.plan(), read.resources());
            }
            case "UPDATE" -> {
                UpdateBody read = bodies.value(body, UpdateBody.class);
                yield new Change.Update(read.displayName(), read.description(), read.tags(), read.deletionProtection());
            }
            case "ACCESS" -> {
                AccessBody read = bodies.value(body, AccessBody.class);
                yield new Change.Access(read.whitelist().orElse(List.of()));
            }
            case "PARAMETERS" -> {
                ParametersBody read = bodies.value(body, ParametersBody.class);
                yield new Change.Parameters(
                        read.set().orElse(Map.of()),
                        read.reset().orElse(Set.of()),
                        read.restart().orElse(false));
            }
            case "STANDBY_ADD" -> without(bodies, body, new Change.AddStandby());
            case "STANDBY_REMOVE" -> new Change.RemoveStandby(member(bodies, body));
            case "STANDBY_REBUILD" -> new Change.RebuildStandby(member(bodies, body));
            case "SWITCHOVER" -> new Change.Switchover(member(bodies, body));
            case "FAILOVER" -> failover(bodies.value(body, FailoverBody.class));
            case "DELETE" ->
                new Change.Delete(retention(bodies.value(body, DeleteBody.class).retention()));
            default -> throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "kind", "no kind of change of an instance");
        };
    }

    private static String member(Bodies bodies, ObjectNode body) {
        return member(bodies.value(body, MemberBody.class).member());
    }

    private static String member(Optional<String> given) {
        return given.orElseThrow(() ->
                HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "member", "is missing; expected the name of a standby"));
    }

    private static Change failover(FailoverBody body) {
        return new Change.Failover(
                member(body.member()),
                body.accepted()
                        .map(accepted -> new PossibleLoss(
                                accepted.knownBytes()
                                        .orElseThrow(() -> HttpProblem.invalid(
                                                ErrorCode.REQUEST_INVALID,
                                                "accepted.knownBytes",
                                                "is missing; expected a number of bytes")),
                                accepted.safeUntil())));
    }

    static Optional<Duration> retention(Optional<String> text) {
        try {
            return text.map(Duration::parse);
        } catch (DateTimeParseException | ArithmeticException e) {
            throw HttpProblem.invalid(
                    ErrorCode.SPEC_INVALID, "retention", "expected a duration such as P7D (ISO 8601)");
        }
    }

    private static Change without(Bodies bodies, ObjectNode body, Change change) {
        bodies.value(body, Nothing.class);
        return change;
    }
}
