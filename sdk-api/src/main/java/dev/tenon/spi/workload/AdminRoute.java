package dev.tenon.spi.workload;

/** How the engine's administration reaches the member, offered by the engine in order of preference. */
public sealed interface AdminRoute {
    /** A Unix-domain socket in a directory of the member; the operating system says who connects. */
    record UnixSocket(String directory, Template fileName) implements AdminRoute {}

    /** A port of the member. */
    record TcpPort(String port) implements AdminRoute {}
}
