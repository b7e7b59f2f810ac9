package dev.tenon.spi.engine;

import dev.tenon.api.Cidr;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.SdkStyle;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.immutables.value.Value;

/** What an engine needs to know of an instance to describe its members. Holds no place and no address. */
@Value.Immutable
@SdkStyle
public interface EngineRequest {
    /** The owner. */
    TenantId tenant();

    /** The instance. */
    InstanceId instance();

    /** Its technical name. */
    String name();

    /** Engine version as the user named it. */
    String version();

    /** Its shape. */
    Topology topology();

    /**
     * Names of the members there are, the primary first; empty before an instance is made. An engine that copies standbys from a
     * primary keeps to these and adds names where the topology asks for more.
     */
    List<String> members();

    /**
     * What each member shall be, by name. A member that is missing here is what its place in {@link #members()} says: the first takes
     * writes and waits for nobody, the others follow it.
     */
    Map<String, Stance> stances();

    /** What each member may use. */
    Resources resources();

    /** Parameters the user set, already checked against the catalogue. */
    Map<String, String> parameters();

    /**
     * What members that follow must not have less of, by the names of {@link EngineDriver#standbysNeed}: the greatest values with which
     * a primary runs or may be started.
     */
    Map<String, String> atLeast();

    /** Addresses that may connect; rendered by the engine into its own form. */
    List<Cidr> whitelist();

    /** Certificate, key and authority for the client port; absent where encryption is off. */
    Optional<TlsMaterial> tls();

    /** Passwords the engine needs at initialisation, by the names in {@link EngineDriver#secretsNeeded}. */
    Map<String, Secret> secrets();

    /** Whether the data may be thrown away, so that durability may be traded for speed. */
    boolean ephemeral();

    /** The zone the members must be in, if any. */
    Optional<String> zone();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds an {@link EngineRequest}. */
    final class Builder extends ImmutableEngineRequest.Builder {
        Builder() {}
    }
}
