package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.server.auth.Allowed;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The OpenAPI document: its paths come from the same table that the server registers, its schemas from a resource beside this
 * class. So no path can be missing; a test holds the schemas against real answers.
 */
final class OpenApi {
    private static final Pattern PARAMETER = Pattern.compile("\\{([a-z]+)}");
    private static final String SCHEMAS = "#/components/schemas/";

    private OpenApi() {}

    static byte[] document(List<Route> table, JsonMapper json) {
        try (InputStream in = OpenApi.class.getResourceAsStream("openapi.json")) {
            if (in == null) {
                throw new IllegalStateException("openapi.json is not beside " + OpenApi.class.getName());
            }
            ObjectNode document = (ObjectNode) json.readTree(in);
            ObjectNode paths = document.putObject("paths");
            for (Route route : table) {
                describe(
                        route,
                        paths.withObjectProperty(route.path())
                                .putObject(route.method().toLowerCase(java.util.Locale.ROOT)),
                        document.at("/components/parameters"));
            }
            return json.writeValueAsBytes(document);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void describe(Route route, ObjectNode operation, JsonNode parameters) {
        operation.put("operationId", route.id());
        operation.put("summary", route.summary());
        if (route.allowed() == Allowed.ANYONE) {
            operation.putArray("security");
        } else if (route.allowed() == Allowed.ADMINS) {
            operation.put("description", "For administrators.");
        }
        ArrayNode list = operation.putArray("parameters");
        PARAMETER.matcher(route.path()).results().forEach(m -> {
            ObjectNode parameter = list.addObject();
            parameter.put("name", m.group(1)).put("in", "path").put("required", true);
            parameter.putObject("schema").put("type", "string");
        });
        route.query().forEach(name -> reference(list.addObject(), "#/components/parameters/" + name));
        if (route.startsOperation()) {
            reference(list.addObject(), "#/components/parameters/IdempotencyKey");
        }
        if (route.query().contains("preview") && !route.id().equals("createInstance")
                || route.id().equals("updateTenant")) {
            reference(list.addObject(), "#/components/parameters/IfMatch");
        }
        route.body().ifPresent(schema -> {
            ObjectNode body = operation.putObject("requestBody");
            body.put("required", !schema.startsWith("Optional") && !schema.equals("Reason"));
            reference(body.putObject("content").putObject("application/json").putObject("schema"), SCHEMAS + schema);
        });
        ObjectNode responses = operation.putObject("responses");
        ObjectNode success = responses.putObject(Integer.toString(route.status()));
        success.put("description", route.summary());
        route.answer().ifPresent(schema -> {
            String type = schema.equals(Route.STREAM) ? "text/event-stream" : "application/json";
            reference(success.putObject("content").putObject(type).putObject("schema"), SCHEMAS + schema);
        });
        if (route.startsOperation()) {
            reference(success.putObject("headers").putObject("Location"), "#/components/headers/Location");
        }
        reference(responses.putObject("default"), "#/components/responses/Problem");
    }

    private static void reference(ObjectNode node, String to) {
        node.put("$ref", to);
    }
}
