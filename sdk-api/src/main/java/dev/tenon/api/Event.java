package dev.tenon.api;

import java.time.Instant;
import java.util.List;
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
 * @param message the whole of it in English; no secrets
 * @param attributes details by name
 * @param reasons why it happened, as far as the type does not say it already
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
        Map<String, String> attributes,
        List<Reason> reasons) {
    /** Copies the collections. */
    public Event {
        attributes = Map.copyOf(attributes);
        reasons = List.copyOf(reasons);
    }

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
