package dev.tenon.server.http;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenonException;
import io.javalin.http.Context;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads request bodies: bounded in size and time, JSON in UTF-8 only, and says which field is wrong. Thread-safe. */
public final class Bodies {
    /** Largest body in bytes. */
    public static final int MAX_BYTES = 1 << 20;

    private static final long MAX_NANOS = 10_000_000_000L;
    private static final Pattern MISSING = Pattern.compile("required attributes are not set \\[([A-Za-z, ]+)]");

    private final JsonMapper json;
    private final LongSupplier ticker;

    /**
     * Creates it.
     *
     * @param ticker elapsed nanoseconds
     */
    public Bodies(JsonMapper json, LongSupplier ticker) {
        this.json = json;
        this.ticker = ticker;
    }

    /** Reads the whole body; 413 if it is too large, 408 if it comes too slowly. */
    public byte[] read(Context ctx) {
        long length = ctx.req().getContentLengthLong();
        if (length > MAX_BYTES) {
            throw HttpProblem.of(413, "the body is larger than 1 MiB");
        }
        if (ctx.header("Content-Encoding") != null) {
            throw HttpProblem.of(415, "Content-Encoding is not accepted; send the body as it is");
        }
        long begun = ticker.getAsLong();
        byte[] buffer = new byte[(int) Math.max(1_024, Math.min(length + 1, 16_384))];
        ByteArrayOutputStream content = new ByteArrayOutputStream(buffer.length);
        try {
            InputStream in = ctx.req().getInputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                content.write(buffer, 0, n);
                if (content.size() > MAX_BYTES) {
                    throw HttpProblem.of(413, "the body is larger than 1 MiB");
                }
                if (ticker.getAsLong() - begun > MAX_NANOS) {
                    throw HttpProblem.of(408, "the body did not arrive within 10 seconds");
                }
            }
        } catch (IOException e) {
            throw HttpProblem.of(408, "the body did not arrive");
        }
        return content.toByteArray();
    }

    /** Returns an object without members. */
    public ObjectNode empty() {
        return json.createObjectNode();
    }

    /** Reads a JSON object. */
    public ObjectNode object(@Nullable String contentType, byte[] content) {
        checkType(contentType);
        try (JsonParser parser = json.createParser(utf8(content))) {
            try {
                JsonNode node = json.readTree(parser);
                if (parser.nextToken() != null) {
                    throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "something follows the JSON object");
                }
                if (node instanceof ObjectNode object) {
                    return object;
                }
                throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "expected a JSON object");
            } catch (JsonProcessingException e) {
                String field = dotted(parser.getParsingContext().pathAsPointer().toString());
                // NaN and Infinity are no JSON either, but whoever writes them there means a size.
                ErrorCode code = code(field) == ErrorCode.SIZE_INVALID ? code(field) : ErrorCode.REQUEST_INVALID;
                throw HttpProblem.invalid(code, field, "not valid JSON: " + firstLine(e));
            }
        } catch (IOException e) {
            throw new IllegalStateException("bytes in memory can be read", e);
        }
    }

    /** Turns an object into a value, or says which field is wrong. */
    public <T> T value(ObjectNode object, Class<T> type) {
        try {
            return json.treeToValue(object, type);
        } catch (JsonMappingException e) {
            throw explain(e);
        } catch (JsonProcessingException e) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "cannot be read");
        }
    }

    private static RuntimeException explain(JsonMappingException e) {
        String path = path(e);
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof InvalidSpecException invalid) {
                String field = invalid.field();
                if (path.isEmpty() || field.startsWith(path)) {
                    return invalid;
                }
                String message = String.valueOf(invalid.getMessage()).substring(field.length() + 2);
                return new InvalidSpecException(invalid.code(), path, message);
            }
            if (cause instanceof TenonException ours) {
                return ours;
            }
            Matcher missing = MISSING.matcher(String.valueOf(cause.getMessage()));
            if (cause instanceof IllegalStateException && missing.find()) {
                String name = missing.group(1).split(",", 2)[0].strip();
                String field = path.isEmpty() ? name : path + "." + name;
                return HttpProblem.invalid(code(field), field, "is missing");
            }
            if (cause instanceof NullPointerException) {
                String field = path.isEmpty() ? "body" : path;
                return HttpProblem.invalid(code(field), field, "is missing or null");
            }
        }
        if (e instanceof UnrecognizedPropertyException) {
            return HttpProblem.invalid(ErrorCode.REQUEST_INVALID, path, "no such field");
        }
        String field = path.isEmpty() ? "body" : path;
        return HttpProblem.invalid(code(field), field, "has the wrong type or form");
    }

    /** The code for a field whose value has the wrong JSON type, so that it does not depend on how wrong the value is. */
    private static ErrorCode code(String field) {
        String plain = field.replaceAll("\\[\\d+]", "");
        return switch (plain.substring(plain.lastIndexOf('.') + 1)) {
            case "cpus", "memory", "storage", "resources", "plan", "quota", "instances" -> ErrorCode.SIZE_INVALID;
            case "name", "displayName", "database", "owner" -> ErrorCode.NAME_INVALID;
            case "engine" -> ErrorCode.ENGINE_UNKNOWN;
            case "version" -> ErrorCode.VERSION_UNKNOWN;
            case "whitelist" -> ErrorCode.CIDR_INVALID;
            case "grants" -> ErrorCode.PRIVILEGE_INVALID;
            case "password" -> ErrorCode.PASSWORD_POLICY;
            default -> ErrorCode.REQUEST_INVALID;
        };
    }

    private static String path(JsonMappingException e) {
        StringBuilder path = new StringBuilder();
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                path.append('[').append(step.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(printable(step.getFieldName()));
            }
        }
        return path.toString();
    }

    private static String dotted(String pointer) {
        return pointer.isEmpty() ? "body" : printable(pointer.substring(1).replace('/', '.'));
    }

    /** A field's name is the caller's own text: it goes back into the answer and the log without anything that could harm there. */
    private static String printable(String text) {
        String cut = text.length() > 64 ? text.substring(0, 64) + "…" : text;
        return cut.replaceAll("[^A-Za-z0-9_.\\-\\[\\]…]", "?");
    }

    private static String firstLine(JsonProcessingException e) {
        String message = e.getOriginalMessage();
        if (message == null || message.startsWith("Unrecognized token")) {
            return "unexpected token";
        }
        if (message.startsWith("Duplicate field")) {
            return "a field is there twice";
        }
        if (e.getLocation() == null) {
            return "beyond a limit of depth, of length, or of the number of values";
        }
        // Jackson's texts may quote the input, which may be a secret; what helps is where.
        return "line " + e.getLocation().getLineNr() + ", column "
                + e.getLocation().getColumnNr();
    }

    private static void checkType(@Nullable String header) {
        String type = header == null ? "" : header.toLowerCase(Locale.ROOT);
        String[] parts = type.split(";", -1);
        boolean utf8 = true;
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            utf8 &= parameter.equals("charset=utf-8");
        }
        if (!parts[0].strip().equals("application/json") || !utf8) {
            throw HttpProblem.of(415, "expected Content-Type: application/json, in UTF-8");
        }
    }

    /** Decodes before parsing, because a JSON parser given bytes would also take UTF-16 and UTF-32. */
    private static String utf8(byte[] content) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content))
                    .toString();
        } catch (CharacterCodingException e) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "not valid UTF-8");
        }
        if (text.startsWith("\uFEFF")) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "body", "begins with a byte order mark");
        }
        return text;
    }
}
