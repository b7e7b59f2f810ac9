package dev.tenon.spi.engine;

import dev.tenon.api.Secret;

/**
 * What a server needs to speak TLS.
 *
 * @param certificatePem the server's certificate, then intermediates
 * @param privateKeyPem the server's key, PKCS#8
 * @param authorityPem the private authority's certificate, for clients that verify
 */
public record TlsMaterial(String certificatePem, Secret privateKeyPem, String authorityPem) {}
