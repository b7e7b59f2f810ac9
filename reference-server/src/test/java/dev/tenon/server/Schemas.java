package dev.tenon.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/** Holds values against the schemas of the server's OpenAPI document; knows the keywords that document uses and no other. */
final class Schemas {
    private static final Set<String> KNOWN = Set.of(
            "type",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "enum",
            "pattern",
            "format",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "description",
            "default",
            "writeOnly",
            "$ref");

    private final JsonNode document;

    private Schemas(JsonNode document) {
        this.document = document;
    }

    static Schemas of(TestServer server) {
        return new Schemas(server.request("GET", "/openapi.json", "").send().body());
    }

    void check(String schema, JsonNode value) {
        JsonNode found = document.at("/components/schemas/" + schema);
        assertThat(found.isMissingNode()).as("no schema " + schema).isFalse();
        check(found, value, schema);
    }

    private void check(JsonNode schema, JsonNode value, String at) {
        schema.fieldNames().forEachRemaining(k -> assertThat(KNOWN).as(at).contains(k));
        if (schema.has("$ref")) {
            check(document.at(schema.get("$ref").textValue().substring(1)), value, at);
            return;
        }
        switch (schema.path("type").asText()) {
            case "object" -> object(schema, value, at);
            case "array" -> {
                assertThat(value.isArray()).as(at + " " + value).isTrue();
                int i = 0;
                for (JsonNode one : value) {
                    check(schema.get("items"), one, at + "[" + i++ + "]");
                }
            }
            case "integer" -> {
                assertThat(value.isIntegralNumber()).as(at + " " + value).isTrue();
                bounds(schema, value, at);
            }
            case "number" -> {
                assertThat(value.isNumber()).as(at + " " + value).isTrue();
                bounds(schema, value, at);
            }
            case "boolean" -> assertThat(value.isBoolean()).as(at + " " + value).isTrue();
            case "string" -> string(schema, value, at);
            default -> throw new AssertionError("no type at " + at);
        }
    }

    private void object(JsonNode schema, JsonNode value, String at) {
        assertThat(value.isObject()).as(at + " " + value).isTrue();
        for (JsonNode required : schema.path("required")) {
            assertThat(value.has(required.textValue()))
                    .as(at + "." + required.textValue() + " in " + value)
                    .isTrue();
        }
        value.properties().forEach(member -> {
            JsonNode property = schema.path("properties").path(member.getKey());
            JsonNode additional = schema.path("additionalProperties");
            String where = at + "." + member.getKey();
            if (!property.isMissingNode()) {
                check(property, member.getValue(), where);
            } else {
                assertThat(additional.isObject()).as("not documented: " + where).isTrue();
                check(additional, member.getValue(), where);
            }
        });
    }

    private static void string(JsonNode schema, JsonNode value, String at) {
        assertThat(value.isTextual()).as(at + " " + value).isTrue();
        String text = value.textValue();
        if (schema.has("pattern")) {
            assertThat(text).as(at).matches(schema.get("pattern").textValue());
        }
        if (schema.has("enum")) {
            assertThat(schema.get("enum")).as(at).contains(value);
        }
        switch (schema.path("format").asText()) {
            case "date-time" -> assertThat(java.time.Instant.parse(text)).as(at).isNotNull();
            case "duration" -> assertThat(java.time.Duration.parse(text)).as(at).isNotNull();
            default ->
                assertThat(text.length())
                        .as(at)
                        .isBetween(
                                schema.path("minLength").asInt(0),
                                schema.path("maxLength").asInt(Integer.MAX_VALUE));
        }
    }

    private static void bounds(JsonNode schema, JsonNode value, String at) {
        assertThat(value.doubleValue())
                .as(at)
                .isBetween(
                        schema.path("minimum").asDouble(-Double.MAX_VALUE),
                        schema.path("maximum").asDouble(Double.MAX_VALUE));
    }
}
