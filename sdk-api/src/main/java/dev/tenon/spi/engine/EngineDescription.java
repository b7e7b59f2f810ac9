package dev.tenon.spi.engine;

import dev.tenon.api.EngineId;
import dev.tenon.api.TopologyKind;
import java.util.List;
import java.util.Set;

/**
 * What an engine is.
 *
 * @param id its name
 * @param displayName its name for people
 * @param versions versions it can describe workloads for, newest first; a place may have fewer
 * @param topologies shapes it can describe workloads for
 * @param tls whether its servers speak TLS with a certificate of their own, which the control plane then makes and renews for every
 *     instance that is not ephemeral; otherwise {@link EngineRequest#tls()} is always empty
 */
public record EngineDescription(
        EngineId id, String displayName, List<String> versions, Set<TopologyKind> topologies, boolean tls) {
    /** Copies the collections. */
    public EngineDescription {
        versions = List.copyOf(versions);
        topologies = Set.copyOf(topologies);
    }
}
