package dev.tenon.api;

import java.util.Optional;
import java.util.function.Consumer;

/** All tenants. Thread-safe. */
public interface Tenants {
    /**
     * Makes a tenant.
     *
     * @throws InvalidSpecException {@code NAME_INVALID}, {@code RESERVED}, {@code SIZE_INVALID}
     * @throws ConflictException {@code NAME_TAKEN}
     */
    default Tenant create(Consumer<TenantSpec.Builder> spec) {
        TenantSpec.Builder builder = TenantSpec.builder();
        spec.accept(builder);
        return create(builder.build());
    }

    /** Makes a tenant; errors as for {@link #create(Consumer)}. */
    Tenant create(TenantSpec spec);

    /** Finds a tenant by id; {@code NOT_FOUND} if there is none. */
    Tenant get(TenantId id);

    /** Finds a tenant by its technical name. */
    Optional<Tenant> find(String name);

    /** Lists tenants, newest first. */
    Page<TenantView> list(PageRequest page);
}
