package dev.tenon.server.portal;

import dev.tenon.api.InvalidSpecException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Names and values written one pair per line: {@code name=value}. */
final class Tags {
    private Tags() {}

    static Map<String, String> parse(String field, String text) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String line :
                text.lines().map(String::strip).filter(l -> !l.isEmpty()).toList()) {
            int equals = line.indexOf('=');
            String name = (equals < 0 ? line : line.substring(0, equals)).strip();
            String value = equals < 0 ? "" : line.substring(equals + 1).strip();
            if (pairs.put(name, value) != null) {
                throw new InvalidSpecException(field, "the same name is there twice");
            }
        }
        return pairs;
    }

    static String write(Map<String, String> pairs) {
        return new TreeMap<>(pairs)
                .entrySet().stream()
                        .map(e -> e.getValue().isEmpty() ? e.getKey() : e.getKey() + "=" + e.getValue())
                        .collect(Collectors.joining("\n"));
    }
}
