package dev.tenon.spi.engine;

import java.util.Optional;

/**
 * Where clients reach the instance.
 *
 * @param host address or name
 * @param port number
 * @param authorityFile path of the private authority's certificate on the client's machine, where there is one
 */
public record ClientEndpoint(String host, int port, Optional<String> authorityFile) {}
