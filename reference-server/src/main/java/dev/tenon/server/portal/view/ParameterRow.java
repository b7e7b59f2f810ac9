package dev.tenon.server.portal.view;

import dev.tenon.api.Parameter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * One parameter as the list shows it.
 *
 * @param name the engine's name
 * @param value in force, or what the tenant set while nothing runs
 * @param builtIn the engine's default
 * @param allowed what may be set, in words
 * @param choices the only values there are, for switches and enumerations
 * @param description the engine's words
 * @param restart whether a change needs a restart
 * @param forbidden whether tenants may not set it
 * @param changed whether the tenant set it
 * @param pending whether its new value waits for a restart
 */
public record ParameterRow(
        String name,
        String value,
        String builtIn,
        String allowed,
        List<String> choices,
        String description,
        boolean restart,
        boolean forbidden,
        boolean changed,
        boolean pending) {
    /** Joins what a parameter is with what it is set to, by name; only those that hold {@code text}. */
    public static List<ParameterRow> join(
            Map<String, Parameter> parameters,
            Map<String, String> inForce,
            Map<String, String> set,
            Set<String> pending,
            String text) {
        return new TreeMap<>(parameters)
                .values().stream()
                        .filter(p -> text.isEmpty() || p.name().contains(text.toLowerCase(java.util.Locale.ROOT)))
                        .map(p -> new ParameterRow(
                                p.name(),
                                inForce.getOrDefault(p.name(), set.getOrDefault(p.name(), "")),
                                builtIn(p),
                                allowed(p),
                                choices(p),
                                p.description(),
                                p.restart(),
                                p.access() == Parameter.Access.FORBIDDEN,
                                set.containsKey(p.name()),
                                pending.contains(p.name())))
                        .toList();
    }

    private static String unit(Parameter p) {
        return p.unit().map(u -> " " + u).orElse("");
    }

    /** A bare number gets its unit; -1 and 0 often mean "none" or "off" and have none. */
    private static String builtIn(Parameter p) {
        return p.defaultValue().matches("[1-9][0-9]*(\\.[0-9]+)?") ? p.defaultValue() + unit(p) : p.defaultValue();
    }

    private static List<String> choices(Parameter p) {
        return switch (p.type()) {
            case BOOLEAN -> List.of("on", "off");
            case ENUM -> p.allowed();
            case INTEGER, REAL, STRING -> List.of();
        };
    }

    private static String allowed(Parameter p) {
        return switch (p.type()) {
            case BOOLEAN, ENUM -> String.join(", ", choices(p));
            case INTEGER, REAL -> p.min().orElse("") + " … " + p.max().orElse("") + unit(p);
            case STRING -> "";
        };
    }
}
