package dev.tenon.testkit.contract;

import dev.tenon.spi.store.StateStore;
import java.util.List;
import java.util.function.Function;

/**
 * How another process reaches a store.
 *
 * @param factory a class with a public constructor without parameters that makes a handle, not opened, from the arguments
 * @param arguments handed over through the process's standard input, one line each
 */
public record StoreAddress(Class<? extends Function<List<String>, StateStore>> factory, List<String> arguments) {
    /** Copies the list. */
    public StoreAddress {
        arguments = List.copyOf(arguments);
    }
}
