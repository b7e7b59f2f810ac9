package dev.tenon.core.failover;

/** A promise that a simulated run broke. */
final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1;

    Violation(String what) {
        super(what);
    }
}
