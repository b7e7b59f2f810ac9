package dev.tenon.api;

/** One owner of instances. A handle: every call looks anew. Thread-safe. */
public interface Tenant {
    /** Returns its identity. */
    TenantId id();

    /** Returns everything known of it now. */
    TenantView view();

    /** Returns its instances. */
    Instances instances();

    /** Returns its operations. */
    Operations operations();

    /** Returns its events. */
    Events events();

    /**
     * Replaces its specification; the name stays.
     *
     * @param expectedVersion the version last seen
     * @throws ConflictException {@code VERSION_CONFLICT} if it has another version
     * @throws InvalidSpecException {@code SPEC_INVALID} if the name differs
     */
    TenantView update(TenantSpec spec, long expectedVersion);

    /**
     * Removes it.
     *
     * @throws ConflictException {@code NOT_EMPTY} while it has instances, also in the recycle bin
     */
    void delete();
}
