package dev.tenon.testkit.fault;

/** The control plane's process has ended: thrown by everything it still tries to call. An error, so that no handler mends it. */
public final class SimulatedCrash extends Error {
    private static final long serialVersionUID = 1L;

    /** Creates the crash. */
    public SimulatedCrash(String where) {
        super(where, null, false, false);
    }
}
