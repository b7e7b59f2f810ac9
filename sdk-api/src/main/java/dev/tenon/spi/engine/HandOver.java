package dev.tenon.spi.engine;

import dev.tenon.api.Secret;

/**
 * What a tenant gets at delivery: a database and its owner. Nobody outside the platform gets more than the owner has.
 *
 * @param database the first database
 * @param owner the tenant's administrator: no superuser
 * @param password its password; the session sends only what the server stores, such as a SCRAM verifier
 */
public record HandOver(String database, String owner, Secret password) {}
