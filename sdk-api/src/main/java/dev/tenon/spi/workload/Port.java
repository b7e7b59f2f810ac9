package dev.tenon.spi.workload;

import java.util.OptionalInt;

/**
 * A port that a process of the member listens on. The place assigns the number when the member is first ensured and keeps it
 * until the member is destroyed.
 *
 * @param name 1 to 15 characters of {@code a-z0-9-}; unique in the member
 * @param preferred the engine's usual number, used where every member has an address of its own
 * @param exposure who may reach it
 */
public record Port(String name, OptionalInt preferred, Exposure exposure) {
    /** Who may reach a port. */
    public enum Exposure {
        /** Clients of the database. */
        CLIENTS,
        /** Only other members of the instance and the control plane. */
        MEMBERS
    }
}
