package dev.tenon.spi.delivery;

import java.nio.file.Path;

/** How the control plane's process reaches a member for administration. */
public sealed interface AdminAddress {
    /** Through a Unix-domain socket on this machine. */
    record Unix(Path socket) implements AdminAddress {}

    /** Through TCP, directly or through a tunnel that the delivery keeps open. */
    record Tcp(String host, int port) implements AdminAddress {}
}
