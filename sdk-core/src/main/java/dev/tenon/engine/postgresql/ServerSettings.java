package dev.tenon.engine.postgresql;

import dev.tenon.api.Parameter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the settings of each major version look like. {@code postgres --describe-config} leaves out units, the words of
 * enumerations and the defaults of numbers, so these come from files read from each server's own {@code pg_settings}.
 */
final class ServerSettings {
    private static final Map<PostgresqlVersion, Map<String, ServerSetting>> LOADED = new ConcurrentHashMap<>();

    private ServerSettings() {}

    /** Returns the settings of a version by name; constant data, read once. */
    static Map<String, ServerSetting> of(PostgresqlVersion version) {
        return LOADED.computeIfAbsent(version, ServerSettings::load);
    }

    private static Map<String, ServerSetting> load(PostgresqlVersion version) {
        // 14 has no file of its own: what it shares with 15 looks the same there, and its own --describe-config says
        // what that is.
        String file =
                "settings-" + (version == PostgresqlVersion.V14 ? PostgresqlVersion.V15 : version).text() + ".tsv";
        try (InputStream in = ServerSettings.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(file + " is missing from the class path");
            }
            Map<String, ServerSetting> settings = new TreeMap<>();
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(ServerSettings::parse)
                    .forEach(setting -> settings.put(setting.name(), setting));
            return Collections.unmodifiableMap(settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ServerSetting parse(String line) {
        String[] f = line.split("\t", -1);
        Parameter.Type type =
                switch (f[2]) {
                    case "bool" -> Parameter.Type.BOOLEAN;
                    case "integer" -> Parameter.Type.INTEGER;
                    case "real" -> Parameter.Type.REAL;
                    case "enum" -> Parameter.Type.ENUM;
                    default -> Parameter.Type.STRING;
                };
        List<String> words = f[6].isEmpty() ? List.of() : Arrays.asList(f[6].split(","));
        return new ServerSetting(f[0], f[1], type, f[3], f[4], f[5], words, f[7]);
    }
}
