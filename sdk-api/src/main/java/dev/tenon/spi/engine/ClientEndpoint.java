package dev.tenon.spi.engine;

import java.util.List;
import java.util.Optional;

/**
 * Where clients reach the instance.
 *
 * @param host address or name of the member that serves
 * @param port its number
 * @param others the other members that may come to serve, in the order they are to be tried
 * @param authorityFile path of the private authority's certificate on the client's machine, where there is one
 */
public record ClientEndpoint(String host, int port, List<Target> others, Optional<String> authorityFile) {
    /**
     * Another member.
     *
     * @param host address or name
     * @param port number
     */
    public record Target(String host, int port) {}

    /** Copies the list. */
    public ClientEndpoint {
        others = List.copyOf(others);
    }

    /** Creates an endpoint of one member. */
    public ClientEndpoint(String host, int port, Optional<String> authorityFile) {
        this(host, port, List.of(), authorityFile);
    }
}
