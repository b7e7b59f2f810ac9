package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.baremetal.HostFacts;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.hosts.HostFields;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.server.http.HttpProblem;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The hosts of the installation, for administrators. */
final class HostRoutes {
    private record Items(List<Body> items) {}

    private record ModeBody(Optional<HostStatus.Mode> mode, Optional<Set<InstanceId>> accepted) {}

    /** A host; {@code silent} says why it does not answer, if so. */
    private record Body(
            String name,
            String zone,
            Map<String, String> labels,
            HostStatus.Mode mode,
            Optional<String> silent,
            Optional<Facts> facts,
            HostStatus.Room usable,
            HostStatus.Room promised,
            boolean adopted,
            List<Carried> members) {
        static Body of(Hosts.Host host) {
            HostStatus status = host.status();
            return new Body(
                    status.name(),
                    status.zone(),
                    status.labels(),
                    status.mode(),
                    status.silent(),
                    status.facts().map(Facts::of),
                    status.usable(),
                    status.promised(),
                    status.adopted(),
                    status.members().stream()
                            .map(ref -> new Carried(
                                    ref.tenant(),
                                    ref.instance(),
                                    ref.member(),
                                    Optional.ofNullable(host.staying().get(ref.instance()))))
                            .toList());
        }
    }

    private record Facts(
            String system,
            String kernel,
            String architecture,
            int cores,
            DataSize memory,
            DataSize disk,
            DataSize diskFree,
            String fileSystem,
            boolean systemd,
            boolean units,
            Duration clockOffset) {
        static Facts of(HostFacts facts) {
            return new Facts(
                    facts.system(),
                    facts.kernel(),
                    facts.architecture(),
                    facts.cores(),
                    facts.memory(),
                    facts.disk().size(),
                    facts.disk().free(),
                    facts.disk().type(),
                    facts.systemd(),
                    facts.units(),
                    facts.clockOffset());
        }
    }

    /** A member; {@code stays} says why it did not leave a host that is being drained. */
    private record Carried(TenantId tenant, InstanceId instance, String member, Optional<String> stays) {}

    private static final String HOST = "host.";

    private final Hosts hosts;

    HostRoutes(Hosts hosts) {
        this.hosts = hosts;
    }

    List<Route> all() {
        return List.of(
                Route.get(
                                "/v1/hosts",
                                "listHosts",
                                "Lists the hosts of the installation",
                                "Hosts",
                                c -> c.answer(
                                        200,
                                        new Items(hosts.list().stream()
                                                .map(Body::of)
                                                .toList())))
                        .by(Allowed.ADMINS),
                Route.post("/v1/hosts", "adoptHost", "Connects to a host and adds it", 201, "Host", this::adopt)
                        .by(Allowed.ADMINS)
                        .takes("NewHost"),
                Route.silent("DELETE", "/v1/hosts/{host}", "removeHost", "Removes a host that carries nothing", c -> {
                            hosts.remove(c.path("host"));
                            c.ctx().status(204);
                        })
                        .by(Allowed.ADMINS),
                Route.get("/v1/hosts/{host}", "getHost", "Shows a host and what it carries", "Host", this::show)
                        .by(Allowed.ADMINS),
                new Route(
                        "PUT",
                        "/v1/hosts/{host}/mode",
                        "setHostMode",
                        "Says whether a host takes new members, is to be emptied, or is lost for good",
                        Allowed.ADMINS,
                        List.of(),
                        Optional.of("HostMode"),
                        200,
                        Optional.of("Host"),
                        c -> {
                            ModeBody body = c.body(ModeBody.class);
                            HostStatus.Mode mode = body.mode()
                                    .orElseThrow(
                                            () -> HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "mode", "is missing"));
                            if (mode == HostStatus.Mode.LOST) {
                                hosts.lost(c.path("host"), body.accepted().orElse(Set.of()));
                            } else if (body.accepted().isPresent()) {
                                throw HttpProblem.invalid(
                                        ErrorCode.REQUEST_INVALID, "accepted", "is for the mode LOST only");
                            } else {
                                hosts.mode(c.path("host"), mode);
                            }
                            show(c);
                        }));
    }

    private void adopt(Call c) {
        ObjectNode body = c.object(false);
        Optional<Secret> privateKey = Changes.secret(body, "privateKey", ErrorCode.REQUEST_INVALID);
        Optional<Secret> password = Changes.secret(body, "password", ErrorCode.REQUEST_INVALID);
        HostFields fields = c.bodies().value(body, HostFields.class);
        try {
            Hosts.Host adopted = hosts.adopt(spec -> {
                fields.describe(spec);
                spec.privateKey(privateKey).password(password);
            });
            c.answer(201, Body.of(adopted));
        } catch (InvalidSpecException e) {
            // The body is the host, so that its fields have no prefix.
            String field = e.field().startsWith(HOST) ? e.field().substring(HOST.length()) : e.field();
            throw new InvalidSpecException(
                    e.code(),
                    field,
                    String.valueOf(e.getMessage()).substring(e.field().length() + 2));
        } catch (ProviderException e) {
            // What answers there is not what was described, which is for the caller to mend.
            throw switch (e.code()) {
                case HOST_KEY_MISMATCH -> HttpProblem.invalid(e.code(), "hostKeys", String.valueOf(e.getMessage()));
                case PROVIDER_FAILED -> HttpProblem.invalid(e.code(), "address", String.valueOf(e.getMessage()));
                default -> e;
            };
        }
    }

    private void show(Call c) {
        c.answer(200, Body.of(hosts.get(c.path("host"))));
    }
}
