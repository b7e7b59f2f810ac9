package dev.tenon.testkit.fault;

/**
 * A call of the control plane to something outside it.
 *
 * @param target what is called
 * @param verb the method's name
 * @param subject what it is about: a member, an instance, the documents of a commit; holds no secret
 * @param changes whether it changes something outside
 * @param size how many things it is about, 1 for most
 */
public record Call(Target target, String verb, String subject, boolean changes, int size) {
    /** What is called. */
    public enum Target {
        /** A {@link dev.tenon.spi.delivery.DeliveryDriver}. */
        DELIVERY,
        /** A {@link dev.tenon.spi.engine.EngineDriver}. */
        ENGINE,
        /** A {@link dev.tenon.spi.engine.EngineSession}. */
        SESSION,
        /** A {@link dev.tenon.spi.store.StateStore}. */
        STORE
    }

    @Override
    public String toString() {
        return target + "." + verb + "(" + subject + ")";
    }
}
