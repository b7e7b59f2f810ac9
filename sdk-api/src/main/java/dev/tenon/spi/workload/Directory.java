package dev.tenon.spi.workload;

import dev.tenon.api.DataSize;
import java.util.Optional;

/**
 * A directory of the member, owned by its run-as user, mode 0700.
 *
 * @param name 1 to 16 characters of {@code a-z0-9-}; unique in the member
 * @param purpose what it holds; decides the kind of storage
 * @param size how much it may grow to, where it counts against the plan's storage
 */
public record Directory(String name, Purpose purpose, Optional<DataSize> size) {
    /** What a directory holds. */
    public enum Purpose {
        /** The database: survives everything but a purge. */
        DATA,
        /** The engine's log files. */
        LOG,
        /** Configuration and keys written by the control plane. */
        CONFIG,
        /** Sockets and the like: may be lost at every stop. */
        RUN
    }
}
