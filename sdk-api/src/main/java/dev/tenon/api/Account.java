package dev.tenon.api;

import java.util.Set;

/**
 * An account in an instance.
 *
 * @param name its name
 * @param grants what it may do
 * @param owner whether it is the instance's owner, who cannot be dropped
 */
public record Account(String name, Set<Grant> grants, boolean owner) {
    /** Copies the set. */
    public Account {
        grants = Set.copyOf(grants);
    }
}
