package dev.tenon.server;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One method of one path as the server's own OpenAPI document describes it. */
record Documented(String method, String template, JsonNode operation) {
    private static final Pattern PARAMETER = Pattern.compile("\\{([a-z]+)}");

    static List<Documented> all(TestServer server) {
        JsonNode paths =
                server.request("GET", "/openapi.json", "").send().body().get("paths");
        List<Documented> all = new ArrayList<>();
        paths.properties().forEach(path -> path.getValue()
                .properties()
                .forEach(method -> all.add(new Documented(
                        method.getKey().toUpperCase(java.util.Locale.ROOT), path.getKey(), method.getValue()))));
        return all;
    }

    String id() {
        return operation.get("operationId").textValue();
    }

    boolean forAdministrators() {
        return operation.path("description").asText().contains("For administrators");
    }

    boolean has(String parameter) {
        return template.contains("{" + parameter + "}");
    }

    String path(UnaryOperator<String> values) {
        Matcher m = PARAMETER.matcher(template);
        return m.replaceAll(found -> Matcher.quoteReplacement(values.apply(found.group(1))));
    }
}
