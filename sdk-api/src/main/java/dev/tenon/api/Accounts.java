package dev.tenon.api;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Accounts of one instance. Changes are operations on the instance and need it {@code Active}. Thread-safe. */
public interface Accounts {
    /** Lists them, as the server has them now. */
    List<Account> list();

    /**
     * Creates an account.
     *
     * @param name see {@link Names#databaseObject}
     * @param password generated if absent; yielded by the operation either way
     * @throws InvalidSpecException {@code NAME_INVALID}, {@code RESERVED}, {@code PASSWORD_POLICY}
     * @throws ConflictException {@code NAME_TAKEN} if it exists
     */
    Operation<Credential> create(String name, Optional<Secret> password, Set<Grant> grants);

    /** Gives an account exactly these privileges; {@code NOT_FOUND} if there is none. */
    Operation<Void> grant(String name, Set<Grant> grants);

    /** Gives an account a new password, generated if absent. The owner's is also kept for {@link Instance#credential()}. */
    Operation<Credential> resetPassword(String name, Optional<Secret> password);

    /** Drops an account; what it owns passes to the owner. The owner itself is refused with {@code ILLEGAL_STATE}. */
    Operation<Void> drop(String name);
}
