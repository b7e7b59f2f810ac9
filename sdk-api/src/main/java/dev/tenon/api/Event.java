package dev.tenon.api;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Something that happened. Delivered at least once; {@code sequence} tells repetitions.
 *
 * @param sequence grows with every event of the installation
 * @param at when, by the store's clock
 * @param tenant whose, absent for the installation's own
 * @param instance about which instance, if any
 * @param operation within which operation, if any
 * @param type a stable word: {@code instance.created}, {@code instance.healed}, {@code operation.failed}, …
 * @param severity how much it matters
 * @param message for people; no secrets
 * @param attributes details by name
 */
public record Event(
        long sequence,
        Instant at,
        Optional<TenantId> tenant,
        Optional<InstanceId> instance,
        Optional<OperationId> operation,
        String type,
        Severity severity,
        String message,
        Map<String, String> attributes) {
    /** How much an event matters. */
    public enum Severity {
        /** As asked for. */
        INFO,
        /** Handled, worth a look. */
        WARNING,
        /** A person must act. */
        ERROR
    }
}
