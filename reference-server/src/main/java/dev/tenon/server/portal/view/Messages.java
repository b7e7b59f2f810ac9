package dev.tenon.server.portal.view;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;

/** The portal's words in one language. Immutable. */
public final class Messages {
    /** English. */
    public static final Messages ENGLISH = load("en");

    /** Chinese as written in mainland China. */
    public static final Messages CHINESE = load("zh-CN");

    private final String tag;
    private final Map<String, String> texts;

    private Messages(String tag, Map<String, String> texts) {
        this.tag = tag;
        this.texts = texts;
    }

    /**
     * Chooses a language.
     *
     * @param chosen what the reader chose, empty if nothing
     * @param acceptLanguage what the browser prefers, empty if it does not say
     */
    public static Messages choose(String chosen, String acceptLanguage) {
        if (chosen.equals("en")) {
            return ENGLISH;
        }
        if (chosen.equals("zh-CN")) {
            return CHINESE;
        }
        try {
            for (Locale.LanguageRange range : Locale.LanguageRange.parse(acceptLanguage)) {
                if (range.getRange().startsWith("zh")) {
                    return CHINESE;
                }
                if (range.getRange().startsWith("en")) {
                    return ENGLISH;
                }
            }
        } catch (IllegalArgumentException e) {
            return ENGLISH; // an empty or malformed header says nothing
        }
        return ENGLISH;
    }

    /** Returns the language's tag, such as {@code zh-CN}. */
    public String tag() {
        return tag;
    }

    /** Returns the text of a key, with {@code {0}}, {@code {1}}… replaced; the key itself if there is none. */
    public String t(String key, Object... arguments) {
        String text = texts.getOrDefault(key, key);
        for (int i = 0; i < arguments.length; i++) {
            text = text.replace("{" + i + "}", String.valueOf(arguments[i]));
        }
        return text;
    }

    /** Returns the text of a key if there is one. */
    public Optional<String> find(String key) {
        return Optional.ofNullable(texts.get(key));
    }

    Set<String> keys() {
        return texts.keySet();
    }

    private static Messages load(String tag) {
        Properties file = new Properties();
        try (InputStream in =
                Messages.class.getResourceAsStream("/dev/tenon/server/portal/messages-" + tag + ".properties")) {
            if (in == null) {
                throw new IllegalStateException("the portal's texts are not on the class path: " + tag);
            }
            file.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the portal's texts", e);
        }
        Map<String, String> texts = new TreeMap<>();
        file.forEach((key, value) -> texts.put(key.toString(), value.toString()));
        return new Messages(tag, texts);
    }
}
