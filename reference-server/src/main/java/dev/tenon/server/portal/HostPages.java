package dev.tenon.server.portal;

import dev.tenon.api.ConflictException;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.hosts.HostFields;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.HostRow;
import dev.tenon.server.portal.view.Page;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The hosts of the installation: what they carry, and whether they take more. */
final class HostPages {
    private static final Map<String, HostStatus.Mode> CHANGES = Map.of(
            "enable", HostStatus.Mode.ENABLED,
            "disable", HostStatus.Mode.DISABLED,
            "drain", HostStatus.Mode.DRAINING,
            "lost", HostStatus.Mode.LOST);

    private static final String REMOVE = "remove";
    /** Those of the form that are not secret. */
    private static final List<String> FIELDS =
            List.of("name", "zone", "address", "port", "user", "hostKeys", "clientAddress", "memberAddress", "listen");

    private final Site site;
    private final Hosts hosts;

    HostPages(Site site, Hosts hosts) {
        this.site = site;
        this.hosts = hosts;
    }

    void register(RoutesConfig routes) {
        routes.get("/ui/hosts", this::list, Allowed.ADMINS);
        routes.get("/ui/hosts/new", ctx -> form(ctx, Map.of(), Map.of(), Optional.empty()), Allowed.ADMINS);
        routes.post("/ui/hosts", this::adopt, Allowed.ADMINS);
        routes.get("/ui/hosts/{host}/{change}", this::ask, Allowed.ADMINS);
        routes.post("/ui/hosts/{host}/{change}", this::change, Allowed.ADMINS);
    }

    private void list(Context ctx) {
        Page page = site.page(ctx, Optional.empty(), "hosts");
        site.show(
                ctx,
                "hosts.jte",
                Map.of(
                        "page",
                        page,
                        "hosts",
                        hosts.list().stream()
                                .map(host -> HostRow.of(host, page))
                                .toList()));
    }

    private void form(
            Context ctx, Map<String, String> values, Map<String, String> errors, Optional<TenonException> problem) {
        Page page = site.page(ctx, Optional.empty(), "hosts");
        site.show(
                ctx,
                "hostform.jte",
                Map.of(
                        "page",
                        problem.map(e -> page.saying(Problems.notice(page, e))).orElse(page),
                        "values",
                        values,
                        "errors",
                        errors));
    }

    /** What was typed is shown again, except what is secret. */
    private void adopt(Context ctx) {
        Map<String, String> values =
                FIELDS.stream().collect(Collectors.toMap(field -> field, field -> Site.form(ctx, field)));
        try {
            hosts.adopt(spec -> {
                fields(values).describe(spec);
                secret(ctx, "privateKey").ifPresent(spec::privateKey);
                secret(ctx, "password").ifPresent(spec::password);
            });
            site.go(ctx, "/ui/hosts", "created");
        } catch (InvalidSpecException e) {
            form(ctx.status(422), values, Map.of(e.field(), Problems.detail(e)), Optional.empty());
        } catch (ProviderException | ConflictException e) {
            form(ctx.status(422), values, Map.of(), Optional.of(e));
        }
    }

    private static HostFields fields(Map<String, String> values) {
        return new HostFields(
                values.get("name"),
                typed(values, "zone"),
                values.get("address"),
                typed(values, "port").map(HostPages::port),
                typed(values, "user"),
                typed(values, "hostKeys")
                        .orElse("")
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .toList(),
                typed(values, "clientAddress"),
                typed(values, "memberAddress"),
                typed(values, "listen"),
                Map.of());
    }

    private static Optional<String> typed(Map<String, String> values, String field) {
        return Optional.ofNullable(values.get(field)).filter(value -> !value.isEmpty());
    }

    private static int port(String typed) {
        try {
            return Integer.parseInt(typed);
        } catch (NumberFormatException e) {
            throw new InvalidSpecException("host.port", "expected a number, such as 22");
        }
    }

    private static Optional<Secret> secret(Context ctx, String field) {
        // A key's last line ends with a line feed, and browsers send others than OpenSSH writes.
        return Optional.of(Site.text(ctx.formParam(field)).replace("\r\n", "\n"))
                .filter(value -> !value.isEmpty())
                .map(Secret::of);
    }

    private void ask(Context ctx) {
        ask(ctx, hosts.get(ctx.pathParam("host")).status().name(), known(ctx));
    }

    private void ask(Context ctx, String host, String change) {
        boolean lost = change.equals("lost");
        Map<InstanceId, String> only = lost ? hosts.onlyCopies(host) : Map.of();
        boolean part = Site.fragment(ctx);
        Page page = part ? site.bare(ctx) : site.page(ctx, Optional.empty(), "hosts");
        Confirm confirm = new Confirm(
                page.t("ask.host." + change, host),
                page.t("ask.host." + change + ".text")
                        + (only.isEmpty() ? "" : " " + page.t("ask.host.lost.only", String.join(", ", only.values()))),
                "/ui/hosts/" + Page.encode(host) + "/" + change,
                "/ui/hosts",
                page.t("host." + change),
                lost || change.equals("drain") || change.equals(REMOVE),
                Optional.empty(),
                lost
                        ? Map.of(
                                "accepted",
                                only.keySet().stream().map(InstanceId::value).collect(Collectors.joining(",")))
                        : Map.of(),
                lost ? host : "",
                false,
                List.of());
        site.show(ctx, part ? "confirm.jte" : "confirmpage.jte", Map.of("page", page, "confirm", confirm));
    }

    private void change(Context ctx) {
        String host = ctx.pathParam("host");
        if (known(ctx).equals("lost")) {
            if (!Site.form(ctx, "typed").equals(host)) {
                ask(ctx, hosts.get(host).status().name(), "lost");
                return;
            }
            hosts.lost(
                    host,
                    Stream.of(Site.form(ctx, "accepted").split(","))
                            .filter(id -> !id.isEmpty())
                            .map(InstanceId::new)
                            .collect(Collectors.toSet()));
        } else if (known(ctx).equals(REMOVE)) {
            hosts.remove(host);
        } else {
            hosts.mode(host, Objects.requireNonNull(CHANGES.get(known(ctx))));
        }
        site.go(ctx, "/ui/hosts", "saved");
    }

    private static String known(Context ctx) {
        String change = ctx.pathParam("change");
        if (!CHANGES.containsKey(change) && !change.equals(REMOVE)) {
            throw new NotFoundException("no such change");
        }
        return change;
    }
}
