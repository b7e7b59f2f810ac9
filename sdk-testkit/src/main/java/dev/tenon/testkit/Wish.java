package dev.tenon.testkit;

import java.lang.reflect.Constructor;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;

/** What an annotation asks for, as a value. */
record Wish(
        String version,
        List<String> migrations,
        Class<? extends DatabaseTemplate> template,
        List<String> parameters,
        Database.Scope scope,
        String name,
        boolean isolated,
        int keepMinutes) {
    @Database
    private static final class Bare {}

    /** An annotation without any attribute. */
    static final Wish PLAIN = of(Objects.requireNonNull(Bare.class.getAnnotation(Database.class)));

    static Wish of(Database annotation) {
        return new Wish(
                annotation.version(),
                List.of(annotation.migrations()),
                annotation.template(),
                List.of(annotation.parameters()),
                annotation.scope(),
                annotation.name(),
                annotation.isolated(),
                annotation.keepMinutes());
    }

    Wish withOwnServer() {
        return new Wish(version, migrations, template, parameters, scope, name, true, keepMinutes);
    }

    DatabaseSpec spec() {
        DatabaseSpec.Builder spec = DatabaseSpec.builder()
                .version(version)
                .addAllMigrations(migrations)
                .parameters(settings())
                .isolated(isolated)
                .keep(Duration.ofMinutes(keepMinutes));
        if (template != DatabaseTemplate.None.class) {
            spec.template(newTemplate());
        }
        return spec.build();
    }

    private DatabaseTemplate newTemplate() {
        try {
            Constructor<? extends DatabaseTemplate> constructor = template.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new ExtensionConfigurationException(
                    template.getName() + " cannot be made; a template needs a constructor without parameters", e);
        }
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String parameter : parameters) {
            int equals = parameter.indexOf('=');
            if (equals < 1) {
                throw new ExtensionConfigurationException("parameters: " + parameter + "; expected name=value");
            }
            settings.put(
                    parameter.substring(0, equals).strip(),
                    parameter.substring(equals + 1).strip());
        }
        return settings;
    }
}
