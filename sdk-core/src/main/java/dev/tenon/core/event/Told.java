package dev.tenon.core.event;

import dev.tenon.api.Event.Severity;
import dev.tenon.api.Reason;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the world is told, without its subject.
 *
 * @param type a stable word
 * @param severity how much it matters
 * @param message the whole of it in English
 * @param attributes details by name
 * @param reasons why, for other languages
 */
public record Told(
        String type, Severity severity, String message, Map<String, String> attributes, List<Reason> reasons) {
    /** Copies the collections. */
    public Told {
        attributes = Map.copyOf(attributes);
        reasons = List.copyOf(reasons);
    }

    /** Returns what was asked for, or follows from it. */
    public static Told info(String type, String message) {
        return new Told(type, Severity.INFO, message, Map.of(), List.of());
    }

    /** Returns what was handled and is worth a look. */
    public static Told warning(String type, String message) {
        return new Told(type, Severity.WARNING, message, Map.of(), List.of());
    }

    /** Returns what a person must act on. */
    public static Told error(String type, String message) {
        return new Told(type, Severity.ERROR, message, Map.of(), List.of());
    }

    /** Returns reasons in one line of English. */
    public static String joined(List<Reason> reasons) {
        return reasons.stream().map(Reason::text).collect(Collectors.joining("; "));
    }

    /** Returns it with these details instead. */
    public Told with(Map<String, String> details) {
        return new Told(type, severity, message, details, reasons);
    }

    /** Returns it with these reasons instead. */
    public Told because(List<Reason> why) {
        return new Told(type, severity, message, attributes, why);
    }

    /** Returns it with this reason instead. */
    public Told because(Reason why) {
        return because(List.of(why));
    }
}
