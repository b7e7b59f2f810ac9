package dev.tenon.api;

import java.time.Instant;

/**
 * Everything known of a tenant at one moment.
 *
 * @param id its identity
 * @param spec what it shall be
 * @param usage what it uses of its quota
 * @param version raised by one with every write of the specification
 * @param createdAt when it was made
 */
public record TenantView(TenantId id, TenantSpec spec, Quota usage, long version, Instant createdAt) {}
