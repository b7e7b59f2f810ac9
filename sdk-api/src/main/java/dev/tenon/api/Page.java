package dev.tenon.api;

import java.util.List;
import java.util.Optional;

/**
 * One page of a list.
 *
 * @param items in order
 * @param next cursor of the next page, absent on the last
 */
public record Page<T>(List<T> items, Optional<String> next) {
    /** Copies the list. */
    public Page {
        items = List.copyOf(items);
    }
}
