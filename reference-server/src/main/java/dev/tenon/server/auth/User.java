package dev.tenon.server.auth;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenantId;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A person or program with an account of this server.
 *
 * @param name 1 to 64 characters of {@code a-z0-9._-}, a letter or digit first
 * @param role what it may do
 * @param tenant the one tenant of a {@code MEMBER}; absent for an {@code ADMIN}
 * @param disabled whether it may not log in
 */
public record User(String name, Role role, Optional<TenantId> tenant, boolean disabled) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}");

    /** Checks that role and tenant fit. */
    public User {
        if (!NAME.matcher(name).matches()) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID,
                    "name",
                    "expected 1 to 64 characters of a-z, 0-9, '.', '_' and '-', a letter or digit first");
        }
        if (tenant.isPresent() != (role == Role.MEMBER)) {
            throw new InvalidSpecException(
                    "tenant", role == Role.MEMBER ? "a member needs one" : "an administrator has none");
        }
    }

    /** Creates one that may log in. */
    public User(String name, Role role, Optional<TenantId> tenant) {
        this(name, role, tenant, false);
    }

    /** Returns whether this is an administrator. */
    public boolean admin() {
        return role == Role.ADMIN;
    }
}
