package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.immutables.value.Value;

/** What an instance shall be. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableInstanceSpec.class)
public interface InstanceSpec {
    /** Technical name, unique in the tenant: a DNS-1123 label of 1 to 63 characters. */
    String name();

    /** Name for people, 1 to 128 visible characters; stored in Unicode's composed form. */
    Optional<String> displayName();

    /** Free text, at most 1,000 visible characters. */
    Optional<String> description();

    /** The engine. */
    EngineId engine();

    /** Engine version as the catalogue names it, such as {@code 17}. */
    String version();

    /** Size class from the catalogue; give either this or {@link #resources()}. */
    Optional<String> plan();

    /** Size of one's own; give either this or {@link #plan()}. */
    Optional<Resources> resources();

    /** Shape; defaults to one member. */
    @Value.Default
    default Topology topology() {
        return Topology.single();
    }

    /** Place that shall carry it, by its id; defaults to the installation's first. */
    Optional<String> delivery();

    /** Zone (可用区) that its members must be in; anywhere if absent. */
    Optional<String> zone();

    /** Tags: at most 32; keys are 1 to 63 characters of {@code A-Za-z0-9._-}, values at most 128 visible characters. */
    Map<String, String> tags();

    /** Engine parameters to set beside what the size implies; checked against the engine's catalogue. */
    Map<String, String> parameters();

    /** Addresses that may connect, at most 256; defaults to this machine only. An open block needs an approval. */
    @Value.Default
    default List<Cidr> whitelist() {
        return List.of(Cidr.parse("127.0.0.1/32"), Cidr.parse("::1/128"));
    }

    /** Name of the first database; defaults to {@code app}. */
    @Value.Default
    default String database() {
        return "app";
    }

    /** Name of the tenant's administrator in the database; defaults to {@code app_owner}. */
    @Value.Default
    default String owner() {
        return "app_owner";
    }

    /** Password of the owner; generated if absent. Never written with the rest of the specification. */
    @JsonIgnore
    Optional<Secret> password();

    /** Whether it ends with this process and its data may be thrown away; defaults to false. */
    @Value.Default
    default boolean ephemeral() {
        return false;
    }

    /** Whether {@code delete} is refused; defaults to false. */
    @Value.Default
    default boolean deletionProtection() {
        return false;
    }

    /** Checks the fields that need no catalogue. */
    @Value.Check
    default InstanceSpec check() {
        Names.label("name", name());
        Specs.tags(tags());
        Names.databaseObject("database", database());
        Names.databaseObject("owner", owner());
        if (plan().isPresent() == resources().isPresent()) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "plan", "give either plan or resources");
        }
        if (!version().matches("[0-9]{1,4}(\\.[0-9]{1,4}){0,3}")) {
            throw new InvalidSpecException(ErrorCode.VERSION_UNKNOWN, "version", "not a version number");
        }
        if (topology().acrossZones() && zone().isPresent()) {
            throw new InvalidSpecException(
                    "zone", zone().get() + "; expected none where the topology asks for members in different zones");
        }
        Specs.whitelist(whitelist());
        password().ifPresent(p -> Passwords.check("password", owner(), p));
        Optional<String> display = displayName().map(t -> Names.display("displayName", t, 128));
        Optional<String> text =
                description().filter(t -> !t.isEmpty()).map(t -> Names.display("description", t, 1_000));
        if (display.equals(displayName()) && text.equals(description())) {
            return this;
        }
        return builder().from(this).displayName(display).description(text).build();
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link InstanceSpec}. */
    final class Builder extends ImmutableInstanceSpec.Builder {
        Builder() {}

        /** Sets engine and version. */
        public Builder engine(EngineId engine, String version) {
            return engine(engine).version(version);
        }

        /** Sets the shape. */
        public Builder topology(Consumer<Topology.Builder> shape) {
            Topology.Builder topology = new Topology.Builder();
            shape.accept(topology);
            return topology(topology.build());
        }

        /** Sets a size of one's own. */
        public Builder size(double cpus, DataSize memory, DataSize storage) {
            return resources(Resources.of(cpus, memory, storage));
        }

        /** Adds one tag. */
        public Builder tag(String key, String value) {
            return putTags(key, value);
        }

        /** Adds one engine parameter. */
        public Builder parameter(String name, String value) {
            return putParameters(name, value);
        }
    }
}
