package dev.tenon.testkit;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.SdkStyle;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** Which database a test wants; the plain-Java form of {@link Database}. */
@Value.Immutable
@SdkStyle
public interface DatabaseSpec {
    /** PostgreSQL's major version; defaults to 17. */
    @Value.Default
    default String version() {
        return "17";
    }

    /** What fills it, see {@link Database#migrations}. */
    List<String> migrations();

    /** What fills it after the migrations. */
    Optional<DatabaseTemplate> template();

    /** Settings of its server; each combination has a server of its own. */
    Map<String, String> parameters();

    /** Whether it gets a server of its own; defaults to false. */
    @Value.Default
    default boolean isolated() {
        return false;
    }

    /** How long it is kept by {@link TestDatabase#keep}; up to one day; defaults to 15 minutes. */
    @Value.Default
    default Duration keep() {
        return Duration.ofMinutes(15);
    }

    /** Checks the bounds. */
    @Value.Check
    default void check() {
        if (keep().isNegative() || keep().compareTo(Duration.ofDays(1)) > 0) {
            throw new InvalidSpecException("keep", keep() + "; expected 0 minutes to 1 day");
        }
        template().ifPresent(template -> {
            if (template.key().isBlank() || template.key().length() > 200) {
                throw new InvalidSpecException("template.key", "expected 1 to 200 characters");
            }
        });
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link DatabaseSpec}. */
    final class Builder extends ImmutableDatabaseSpec.Builder {
        Builder() {}
    }
}
