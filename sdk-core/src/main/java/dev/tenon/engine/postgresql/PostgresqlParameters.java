package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of one build, read from {@code postgres --describe-config}: one line each with tabs between name, context, group,
 * type, default, least, greatest, description and more of it.
 *
 * @see <a href="https://www.postgresql.org/docs/current/app-postgres.html">PostgreSQL: postgres</a>
 */
final class PostgresqlParameters implements ParameterCatalogue {
    private final Map<String, ServerSetting> settings;
    private final Map<String, Parameter> parameters;

    private PostgresqlParameters(Map<String, ServerSetting> settings, Map<String, Parameter> parameters) {
        this.settings = settings;
        this.parameters = parameters;
    }

    static PostgresqlParameters read(PostgresqlVersion version, String output) {
        Map<String, ServerSetting> known = ServerSettings.of(version);
        Map<String, ServerSetting> settings = new TreeMap<>();
        Map<String, Parameter> parameters = new TreeMap<>();
        for (String line : output.split("\n", -1)) {
            if (line.isBlank()) {
                continue;
            }
            String[] f = line.split("\t", -1);
            if (f.length < 9) {
                throw new ProviderException(
                        ErrorCode.PROVIDER_FAILED,
                        "postgres --describe-config printed a line of " + f.length + " fields; expected 9");
            }
            ServerSetting setting = merge(known.get(f[0]), f);
            settings.put(f[0], setting);
            String description = f[8].isEmpty() ? f[7] : f[7] + " " + f[8];
            boolean forbidden = !known.containsKey(f[0]) || ForbiddenParameters.contains(f[0], setting);
            parameters.put(f[0], setting.describe(forbidden, f[2], description));
        }
        if (!settings.keySet().containsAll(Set.of("shared_buffers", "work_mem", "max_connections"))) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_FAILED, "postgres --describe-config did not print the parameters of a server");
        }
        return new PostgresqlParameters(settings, Collections.unmodifiableMap(parameters));
    }

    /** The build itself says name, context, type and range; the rest is known by major version. */
    private static ServerSetting merge(@Nullable ServerSetting known, String[] f) {
        Parameter.Type type =
                switch (f[3]) {
                    case "BOOLEAN" -> Parameter.Type.BOOLEAN;
                    case "INTEGER" -> Parameter.Type.INTEGER;
                    case "REAL" -> Parameter.Type.REAL;
                    case "ENUM" -> Parameter.Type.ENUM;
                    default -> Parameter.Type.STRING;
                };
        return new ServerSetting(
                f[0],
                f[1],
                type,
                known == null ? "" : known.unit(),
                f[5],
                f[6],
                known == null ? List.of() : known.words(),
                known == null ? f[4] : known.builtIn());
    }

    @Override
    public Map<String, Parameter> parameters() {
        return parameters;
    }

    @Override
    public String check(String name, String value) {
        ServerSetting setting = settings.get(name);
        Parameter parameter = parameters.get(name);
        if (setting == null || parameter == null) {
            // Also refused where the server has it but never lists it, such as what only its developers use.
            if (ForbiddenParameters.namedBySecurity(name)) {
                throw forbidden(name);
            }
            throw new InvalidSpecException(
                    ErrorCode.PARAMETER_INVALID, "parameters", "this version of PostgreSQL has no such parameter");
        }
        if (parameter.access() == Parameter.Access.FORBIDDEN) {
            throw forbidden(name);
        }
        return setting.canonical(value);
    }

    private static InvalidSpecException forbidden(String name) {
        return new InvalidSpecException(
                ErrorCode.PARAM_FORBIDDEN,
                "parameters." + name,
                "belongs to the platform: it names files, programs, listeners or replication, or guards durability or isolation");
    }
}
