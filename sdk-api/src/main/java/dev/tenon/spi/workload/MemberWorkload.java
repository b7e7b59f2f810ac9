package dev.tenon.spi.workload;

import dev.tenon.api.Resources;
import dev.tenon.api.SdkStyle;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.immutables.value.Value;

/**
 * All that one member needs from a place, and nothing about which place: the way a pod template does, but for child processes,
 * SSH hosts, virtual machines and containers alike. Pure data, compared by value.
 */
@Value.Immutable
@SdkStyle
public interface MemberWorkload {
    /** Names the member. */
    MemberRef ref();

    /** What the place must have installed. */
    Software software();

    /** Directories, made before anything runs. */
    List<Directory> directories();

    /**
     * Directories of the member that the place must show inside the software's home, by their path below it: for programs that
     * insist on writing beside their binaries. A place that cannot do so refuses with {@code UNSUPPORTED}.
     */
    Map<String, String> softwareDirectories();

    /** Run once on a fresh member, before the files are written. */
    List<InitialiseStep> initialise();

    /**
     * Names of directories whose content comes from another member through {@link dev.tenon.spi.delivery.DeliveryDriver#fill}
     * instead of from {@link #initialise()}. Until then a fresh member is {@code INCOMPLETE} and cannot be started.
     */
    Set<String> filled();

    /** Files the control plane owns. */
    List<FileSpec> files();

    /** Main process first. Empty for a member that is only files. */
    List<ProcessSpec> processes();

    /** Signal or command that makes the main process read its files again. */
    Optional<Stop> reload();

    /** Ports that the processes listen on. */
    List<Port> ports();

    /** Ways for the engine's administration to reach the member, best first. */
    List<AdminRoute> adminRoutes();

    /** Processor, memory and storage of this member. */
    Resources resources();

    /** When a started member is ready. */
    Probe ready();

    /** Where it may be. */
    @Value.Default
    default Placement placement() {
        return Placement.anywhere();
    }

    /** Order among the members of the instance: lower starts first and stops last. Defaults to 0. */
    @Value.Default
    default int startOrder() {
        return 0;
    }

    /** Whether the member ends with the control plane's process and its data may be thrown away. Defaults to false. */
    @Value.Default
    default boolean ephemeral() {
        return false;
    }

    /** For people and tools that look at the place; never read back. */
    Map<String, String> labels();

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link MemberWorkload}. */
    final class Builder extends ImmutableMemberWorkload.Builder {
        Builder() {}
    }
}
