package dev.tenon.core.json;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The fields of a JSON object that was read. A missing field that must be there is a damaged document. */
@SuppressWarnings("unchecked")
public final class Fields {
    private final Map<String, Object> map;

    Fields(Map<String, Object> map) {
        this.map = map;
    }

    /** Returns a text that must be there. */
    public String text(String name) {
        return (String) must(name);
    }

    /** Returns a text that may be missing. */
    public Optional<String> maybe(String name) {
        return Optional.ofNullable((String) map.get(name));
    }

    /** Returns a text that may be missing, as another type. */
    public <T> Optional<T> maybe(String name, Function<String, T> as) {
        return maybe(name).map(as);
    }

    /** Returns a number that must be there. */
    public long number(String name) {
        return (Long) must(name);
    }

    /** Returns a number, or {@code otherwise} if it is missing. */
    public long number(String name, long otherwise) {
        Object value = map.get(name);
        return value == null ? otherwise : (Long) value;
    }

    /** Returns a truth value; a missing one is false. */
    public boolean flag(String name) {
        return Boolean.TRUE.equals(map.get(name));
    }

    /** Returns a truth value that may be missing. */
    public Optional<Boolean> maybeFlag(String name) {
        return Optional.ofNullable((Boolean) map.get(name));
    }

    /** Returns a moment that must be there. */
    public Instant instant(String name) {
        return Instant.parse(text(name));
    }

    /** Returns an object that must be there. */
    public Fields object(String name) {
        return new Fields((Map<String, Object>) must(name));
    }

    /** Returns an object that may be missing. */
    public Optional<Fields> maybeObject(String name) {
        return Optional.ofNullable((Map<String, Object>) map.get(name)).map(Fields::new);
    }

    /** Returns an object whose values are texts; empty if missing. */
    public Map<String, String> texts(String name) {
        return (Map<String, String>) map.getOrDefault(name, Map.of());
    }

    /** Returns all fields of an object that holds nothing but texts. */
    public Map<String, String> allTexts() {
        return (Map<String, String>) (Map<String, ?>) map;
    }

    /** Returns a list of texts; empty if missing. */
    public List<String> list(String name) {
        return (List<String>) map.getOrDefault(name, List.of());
    }

    /** Returns a list of objects; empty if missing. */
    public List<Fields> objects(String name) {
        return ((List<Map<String, Object>>) map.getOrDefault(name, List.of()))
                .stream().map(Fields::new).toList();
    }

    private Object must(String name) {
        Object value = map.get(name);
        if (value == null) {
            throw new IllegalStateException("a document lacks the field " + name);
        }
        return value;
    }

    /** Starts an object to write: entries keep their order, and what is absent is left out. */
    public static Writer writer() {
        return new Writer();
    }

    /** Collects the fields of an object to write. Not thread-safe. */
    public static final class Writer {
        private final Map<String, Object> map = new LinkedHashMap<>();

        private Writer() {}

        /** Adds a field unless it is null, false or empty. */
        public Writer put(String name, @Nullable Object value) {
            Object plain = value instanceof Optional<?> optional ? optional.orElse(null) : value;
            if (plain == null
                    || Boolean.FALSE.equals(plain)
                    || (plain instanceof Map<?, ?> m && m.isEmpty())
                    || (plain instanceof java.util.Collection<?> c && c.isEmpty())) {
                return this;
            }
            boolean asIs = plain instanceof String
                    || plain instanceof Boolean
                    || plain instanceof Integer
                    || plain instanceof Long
                    || plain instanceof Map
                    || plain instanceof java.util.Collection;
            map.put(name, asIs ? plain : plain.toString());
            return this;
        }

        /** Adds a field, also if it is false or empty. */
        public Writer always(String name, Object value) {
            map.put(name, value);
            return this;
        }

        /** Returns the fields. */
        public Map<String, Object> map() {
            return map;
        }
    }
}
