package dev.tenon.server.auth;

import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantView;
import dev.tenon.api.Tenon;
import java.util.List;
import java.util.Optional;

/**
 * Who calls, and the only way from a request to the control plane: whatever a caller may not reach does not exist for them. Made
 * for one request.
 */
public final class Caller {
    private final User user;
    private final Tenon tenon;

    Caller(User user, Tenon tenon) {
        this.user = user;
        this.tenon = tenon;
    }

    /** Returns who calls. */
    public User user() {
        return user;
    }

    /** Returns the same caller for one change under a request key; see {@link Tenon#under}. */
    public Caller under(RequestKey key) {
        return new Caller(user, tenon.under(key));
    }

    /**
     * Finds a tenant; {@code NOT_FOUND} alike if there is none and if the caller may not see it.
     *
     * @param id as it came with the request
     */
    public Tenant tenant(String id) {
        TenantId wanted = new TenantId(id);
        if (!user.admin() && !user.tenant().equals(Optional.of(wanted))) {
            throw new NotFoundException("no such tenant");
        }
        return tenon.tenants().get(wanted);
    }

    /** Lists the tenants that the caller may see. */
    public Page<TenantView> tenants(PageRequest page) {
        if (user.admin()) {
            return tenon.tenants().list(page);
        }
        return new Page<>(List.of(tenant(user.tenant().orElseThrow().value()).view()), Optional.empty());
    }

    /** Returns the whole control plane to an administrator; {@code FORBIDDEN} to anybody else. */
    public Tenon everything() {
        if (!user.admin()) {
            throw new AccessDeniedException(ErrorCode.FORBIDDEN, "only an administrator may do this");
        }
        return tenon;
    }

    /** Returns what can be ordered, which everybody may know. */
    public dev.tenon.api.Catalogue catalogue() {
        return tenon.catalogue();
    }
}
