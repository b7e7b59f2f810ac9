package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.Catalogue;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Plan;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Auth;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.User;
import dev.tenon.server.http.HttpProblem;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Logins, accounts of the server, and what can be ordered. */
final class SystemRoutes {
    private record UserBody(String name, Role role, Optional<TenantId> tenant) {}

    private record DisabledBody(Optional<Boolean> disabled) {}

    private record Credentials(String user) {}

    private record Me(String name, Role role, Optional<TenantId> tenant, Optional<String> csrfToken) {}

    private record CatalogueBody(List<Catalogue.Offer> engines, List<Plan> plans, List<Place> places) {}

    private record Place(String id, java.util.Set<String> capabilities, Optional<List<Catalogue.Host>> hosts) {}

    private record Items<T>(List<T> items) {}

    private SystemRoutes() {}

    static List<Route> all() {
        return List.of(
                Route.post("/v1/login", "login", "Exchanges name and password for a bearer token", 200, "Token", c -> {
                            ObjectNode body = c.object(false);
                            Secret password = required(Changes.password(body));
                            String user =
                                    c.bodies().value(body, Credentials.class).user();
                            if (user == null) {
                                throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "user", "is missing");
                            }
                            Auth.Token token = c.auth().issueToken(c.ctx(), user, password);
                            c.ctx().header("Cache-Control", "no-store");
                            c.answer(200, token);
                        })
                        .by(Allowed.ANYONE)
                        .takes("Login"),
                Route.silent("POST", "/v1/logout", "logout", "Ends the login that the request came with", c -> {
                    c.auth().logOut(c.ctx());
                    c.ctx().status(204);
                }),
                Route.get("/v1/me", "me", "Says who is logged in", "Me", c -> {
                    User user = c.caller().user();
                    String csrf = c.auth().csrfToken(c.ctx());
                    boolean cookie = c.ctx().header("Authorization") == null;
                    c.answer(
                            200,
                            new Me(
                                    user.name(),
                                    user.role(),
                                    user.tenant(),
                                    cookie ? Optional.of(csrf) : Optional.empty()));
                }),
                Route.get("/v1/users", "listUsers", "Lists the accounts of this server", "Users", c -> {
                            c.answer(200, new Items<>(c.auth().users().list()));
                        })
                        .by(Allowed.ADMINS),
                Route.post("/v1/users", "createUser", "Makes an account of this server", 201, "User", c -> {
                            ObjectNode body = c.object(false);
                            Secret password = required(Changes.password(body));
                            UserBody read = c.bodies().value(body, UserBody.class);
                            if (read.name() == null) {
                                throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "name", "is missing");
                            }
                            if (read.role() == null) {
                                throw HttpProblem.invalid(
                                        ErrorCode.REQUEST_INVALID,
                                        "role",
                                        "is missing; expected one of " + Arrays.toString(Role.values()));
                            }
                            User user = new User(read.name(), read.role(), read.tenant());
                            user.tenant().ifPresent(t -> c.caller().tenant(t.value()));
                            c.auth().users().add(user, password);
                            c.answer(201, user);
                        })
                        .by(Allowed.ADMINS)
                        .takes("NewUser"),
                Route.silent(
                                "DELETE",
                                "/v1/users/{user}",
                                "deleteUser",
                                "Removes an account and ends its logins",
                                c -> {
                                    c.auth().remove(c.path("user"));
                                    c.ctx().status(204);
                                })
                        .by(Allowed.ADMINS),
                Route.silent(
                                "PUT",
                                "/v1/users/{user}/disabled",
                                "disableUser",
                                "Lets an account log in or not, and ends its logins if not",
                                c -> {
                                    boolean disabled = c.body(DisabledBody.class)
                                            .disabled()
                                            .orElseThrow(() -> HttpProblem.invalid(
                                                    ErrorCode.REQUEST_INVALID,
                                                    "disabled",
                                                    "is missing; expected true or false"));
                                    c.auth().disable(c.path("user"), disabled);
                                    c.ctx().status(204);
                                })
                        .by(Allowed.ADMINS)
                        .takes("Disabled"),
                Route.silent(
                                "PUT",
                                "/v1/users/{user}/password",
                                "setUserPassword",
                                "Changes one's own password, or any as an administrator, and ends the account's logins",
                                SystemRoutes::setPassword)
                        .takes("NewPassword"),
                Route.get("/v1/catalogue", "catalogue", "Says what can be ordered", "Catalogue", c -> {
                    Catalogue catalogue = c.caller().catalogue();
                    boolean admin = c.caller().user().admin();
                    List<Place> places = catalogue.places().stream()
                            .map(p -> new Place(
                                    p.id(), p.capabilities(), admin ? Optional.of(p.hosts()) : Optional.empty()))
                            .toList();
                    c.answer(200, new CatalogueBody(catalogue.offers(), catalogue.plans(), places));
                }),
                Route.get(
                        "/v1/catalogue/{engine}/{version}/parameters",
                        "engineParameters",
                        "Describes the parameters of an engine's version",
                        "Parameters",
                        c -> c.answer(
                                200,
                                new Items<>(List.copyOf(c.caller()
                                        .catalogue()
                                        .parameters(new EngineId(c.path("engine")), c.path("version"))
                                        .parameters()
                                        .values())))));
    }

    private static void setPassword(Call c) {
        ObjectNode body = c.object(false);
        Secret password = required(Changes.password(body));
        if (!body.isEmpty()) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "has more than the field password");
        }
        String name = c.path("user");
        User caller = c.caller().user();
        if (!caller.admin() && !caller.name().equals(name)) {
            throw new AccessDeniedException(ErrorCode.FORBIDDEN, "only an administrator may do this");
        }
        c.auth().password(name, password);
        c.ctx().status(204);
    }

    private static Secret required(Optional<Secret> password) {
        return password.orElseThrow(() -> HttpProblem.invalid(ErrorCode.PASSWORD_POLICY, "password", "is missing"));
    }
}
