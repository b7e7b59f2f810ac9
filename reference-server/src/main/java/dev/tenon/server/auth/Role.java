package dev.tenon.server.auth;

/** What an account of the server may do. */
public enum Role {
    /** Everything, in every tenant. */
    ADMIN,
    /** Everything in one tenant, nothing elsewhere. */
    MEMBER
}
