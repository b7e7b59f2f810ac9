package dev.tenon.api;

/** Something that goes on until closed. Closing twice is harmless. */
@FunctionalInterface
public interface Subscription extends AutoCloseable {
    /**
     * Ends it. Waits for a call of the listener that is under way, 10 seconds at most, so that none is made after this has
     * returned; a listener that closes its own subscription does not wait for itself.
     */
    @Override
    void close();
}
