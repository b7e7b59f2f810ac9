package dev.tenon.api;

import java.util.List;

/** Databases of one instance. Changes are operations on the instance and need it {@code Active}. Thread-safe. */
public interface Databases {
    /** Lists them, as the server has them now. */
    List<Database> list();

    /**
     * Creates a database that the owner, or another account, owns.
     *
     * @throws InvalidSpecException {@code NAME_INVALID}, {@code RESERVED}
     * @throws ConflictException {@code NAME_TAKEN} if it exists
     */
    Operation<Void> create(String name, String owner);

    /** Drops a database and ends its sessions; {@code NOT_FOUND} if there is none. */
    Operation<Void> drop(String name);
}
