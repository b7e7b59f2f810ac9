package dev.tenon.api;

import java.util.List;
import java.util.Set;

/** What can be ordered (服务目录). Thread-safe. */
public interface Catalogue {
    /**
     * An engine that some place can run.
     *
     * @param engine its name
     * @param displayName its name for people
     * @param versions versions that can be ordered, newest first
     * @param topologies shapes that can be ordered
     */
    record Offer(EngineId engine, String displayName, List<Version> versions, Set<TopologyKind> topologies) {}

    /**
     * A version that some place can run.
     *
     * @param version as users name it, such as {@code 17}
     * @param build the exact build, such as {@code 17.11}
     * @param deliveries ids of the places that have it
     */
    record Version(String version, String build, List<String> deliveries) {}

    /** Returns what can be ordered. */
    List<Offer> offers();

    /** Returns the plans, smallest first. */
    List<Plan> plans();

    /** Returns the places by id, with what they can do. */
    List<Place> places();

    /** Returns the parameters of a version; {@code ENGINE_UNKNOWN} or {@code VERSION_UNKNOWN} if nobody has it. */
    ParameterCatalogue parameters(EngineId engine, String version);

    /**
     * A place that carries instances.
     *
     * @param id its name
     * @param capabilities what it can do, by name
     * @param hosts its hosts
     */
    record Place(String id, Set<String> capabilities, List<Host> hosts) {}

    /**
     * A host of a place.
     *
     * @param zone its zone
     * @param name its name
     * @param cpuMillis processors in thousandths that members may use
     * @param memory memory that members may use
     * @param storage storage that is free
     */
    record Host(String zone, String name, int cpuMillis, DataSize memory, DataSize storage) {}
}
