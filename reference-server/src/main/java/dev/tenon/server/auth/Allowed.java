package dev.tenon.server.auth;

import io.javalin.security.RouteRole;

/** Who may call a route. A route without one of these is refused for everybody. */
public enum Allowed implements RouteRole {
    /** Anybody, also without a login. */
    ANYONE,
    /** Programs on this machine, and administrators from anywhere. */
    OBSERVERS,
    /** Whoever is logged in; what they reach is decided by {@link Caller}. */
    USERS,
    /** Administrators. */
    ADMINS
}
