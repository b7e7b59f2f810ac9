package dev.tenon.server.rest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Page;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes answers. An instance's line in a list is written once per version of the instance, because lists are asked for far more
 * often than instances change. Thread-safe.
 */
final class Answers {
    private static final int MAX_LINES = 5_000;
    private static final byte[] ITEMS = ascii("{\"items\":[");
    private static final byte[] NEXT = ascii("],\"next\":");
    private static final byte[] END = ascii("]}");

    private record Line(long version, byte[] json) {}

    private final JsonMapper json;
    private final Map<InstanceId, Line> lines = new ConcurrentHashMap<>();

    Answers(JsonMapper json) {
        this.json = json;
    }

    byte[] bytes(Object value) {
        try {
            return json.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value.getClass().getSimpleName(), e);
        }
    }

    byte[] instances(Page<InstanceView> page) {
        ByteArrayOutputStream out =
                new ByteArrayOutputStream(1_024 * (1 + page.items().size()));
        out.writeBytes(ITEMS);
        boolean first = true;
        for (InstanceView view : page.items()) {
            if (!first) {
                out.write(',');
            }
            first = false;
            out.writeBytes(line(view));
        }
        if (page.next().isPresent()) {
            out.writeBytes(NEXT);
            out.writeBytes(bytes(page.next().get()));
            out.write('}');
        } else {
            out.writeBytes(END);
        }
        return out.toByteArray();
    }

    private byte[] line(InstanceView view) {
        Line known = lines.get(view.id());
        if (known != null && known.version() == view.version()) {
            return known.json();
        }
        if (lines.size() >= MAX_LINES) {
            lines.clear();
        }
        Line fresh = new Line(view.version(), bytes(InstanceSummary.of(view)));
        lines.put(view.id(), fresh);
        return fresh.json();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
