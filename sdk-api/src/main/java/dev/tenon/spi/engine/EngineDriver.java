package dev.tenon.spi.engine;

import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ParameterCatalogue;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Topology;
import dev.tenon.spi.delivery.AdminAddress;
import dev.tenon.spi.workload.BootstrapStep;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * A database engine. Found through {@link java.util.ServiceLoader}, or given to the builder.
 *
 * <p>Thread-safe and without state of its own; {@link #workloads} is a pure function.
 */
public interface EngineDriver {
    /** Returns the engine's name. */
    default EngineId id() {
        return describe().id();
    }

    /** Returns what the engine is and can describe. */
    EngineDescription describe();

    /**
     * Reads the parameters of a version from the server's own programs; the control plane caches the answer by build.
     *
     * @throws dev.tenon.api.ProviderException {@code UNSUPPORTED} where no program can tell
     */
    ParameterCatalogue parameters(String version, SoftwareTool tool);

    /**
     * Returns the settings that fit a size, each with the reason, and the proof that their worst case stays inside the memory.
     *
     * @throws dev.tenon.api.InvalidSpecException {@code SIZE_INVALID} if the engine cannot run in so little, or
     *     {@code PARAMETER_INVALID} if the user's own parameters break the proof
     */
    Sizing sizing(String version, Resources resources, Map<String, String> parameters);

    /**
     * Returns what {@link #sizing} would for members whose data may be thrown away; errors as there. The same unless the driver
     * describes such members in another way.
     */
    default Sizing ephemeralSizing(String version, Resources resources, Map<String, String> parameters) {
        return sizing(version, resources, parameters);
    }

    /** Returns the names of the passwords that {@link #workloads} and sessions need, made once per instance and kept. */
    Set<String> secretsNeeded();

    /**
     * Describes the members of an instance, in start order.
     *
     * @throws dev.tenon.api.InvalidSpecException {@code VERSION_UNKNOWN}, or {@code UNSUPPORTED} for a topology the engine does
     *     not describe
     */
    List<MemberWorkload> workloads(EngineRequest request);

    /**
     * Returns what accounts of a version can be given; sessions refuse the rest with {@code UNSUPPORTED}. Without
     * {@link Grant#CREATE_DATABASE}, all databases are the instance's owner's. Everything unless the driver says otherwise.
     */
    default Set<Grant> grants(String version) {
        return Set.of(Grant.values());
    }

    /**
     * Refuses what the engine cannot deliver in this shape, before anything is stored.
     *
     * @throws dev.tenon.api.InvalidSpecException {@code UNSUPPORTED}
     */
    default void check(String version, Topology topology, boolean ephemeral) {
        if (!describe().topologies().contains(topology.kind())) {
            throw new InvalidSpecException(
                    ErrorCode.UNSUPPORTED,
                    "topology",
                    id() + " cannot be delivered as " + topology.kind() + "; expected one of "
                            + new TreeSet<>(describe().topologies()));
        }
    }

    /**
     * Begins a copy of a running member's data, for {@link dev.tenon.spi.delivery.DeliveryDriver#fill}: a tar archive that ends
     * only if it is whole and was checked.
     *
     * @throws dev.tenon.api.ProviderException {@code UNSUPPORTED} for an engine that has no such stream
     */
    default InputStream copy(EngineRequest request, AdminAddress address) {
        throw new ProviderException(ErrorCode.UNSUPPORTED, id() + " has no stream of its data");
    }

    /**
     * Returns a command that reads from the files of a stopped member where its log ends, for {@link #endOfLog(String)}.
     *
     * @throws dev.tenon.api.ProviderException {@code UNSUPPORTED} for an engine whose files do not say so
     */
    default Command endOfLog() {
        throw new ProviderException(
                ErrorCode.UNSUPPORTED, id() + " does not say where the log of a stopped member ends");
    }

    /** Reads what that command printed; empty if the server did not stop cleanly, so that its end is not known. */
    default OptionalLong endOfLog(String printed) {
        return OptionalLong.empty();
    }

    /**
     * Describes how fresh members become an instance, in order: what needs a running server or more than one member. Empty for
     * an engine whose members only need to be prepared and started. A pure function, like {@link #workloads}.
     */
    default List<BootstrapStep> bootstrap(EngineRequest request) {
        return List.of();
    }

    /**
     * Returns which changed parameters need a restart when the first settings become the second.
     *
     * @param before all settings in force, by name
     * @param after all settings wanted, by name
     */
    Set<String> restartNeeded(String version, Map<String, String> before, Map<String, String> after);

    /**
     * Returns the settings of which a standby must have as much as its primary, each with the greatest value among these; empty if there
     * are none. A pure function.
     *
     * @param settings settings by name; what is missing has its built-in value
     * @see <a href="https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN">PostgreSQL: hot standby</a>
     */
    default Map<String, String> standbysNeed(String version, List<Map<String, String>> settings) {
        return Map.of();
    }

    /**
     * Opens a session as the platform's own role. A driver may wait with the connection until the session is used.
     *
     * @param timeout for the connection and for each statement
     * @throws dev.tenon.api.ProviderException here or at the first use: {@code TIMEOUT} if the server does not answer in time,
     *     {@code PROVIDER_UNAVAILABLE} if there is none or it lets nobody in now
     */
    EngineSession connect(EngineRequest request, AdminAddress address, Duration timeout);

    /**
     * Loads what the first session will need: drivers, algorithms. Called once, in the background, when a control plane starts; may
     * take its time, has no other effect, and may fail.
     */
    default void warmUp() {}

    /** Returns what clients need to connect as {@code user}: URLs and snippets, without any password in them. */
    ConnectionInfo connection(EngineRequest request, ClientEndpoint endpoint, String database, String user);
}
