package dev.tenon.baremetal;

import dev.tenon.api.DataSize;
import dev.tenon.spi.workload.MemberRef;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A host as a control plane sees it.
 *
 * @param name its name
 * @param zone its zone (可用区)
 * @param labels as described
 * @param mode whether it takes new members
 * @param silent why it does not answer, if so
 * @param facts what it said of itself when it was last connected to; empty if it never was
 * @param usable what may be promised to members, nothing if it was never connected to
 * @param promised what is promised to those below
 * @param adopted whether it was adopted while a control plane ran, so that it can be removed; else it is described in the builder
 * @param members the members that it carries or was chosen for; a host without any may be removed, or left out of the next builder
 */
public record HostStatus(
        String name,
        String zone,
        Map<String, String> labels,
        Mode mode,
        Optional<String> silent,
        Optional<HostFacts> facts,
        Room usable,
        Room promised,
        boolean adopted,
        List<MemberRef> members) {
    /** Whether a host takes new members. */
    public enum Mode {
        /** It does. */
        ENABLED,
        /** It does not; those that are there stay. */
        DISABLED,
        /** It does not; those that are there are to be moved elsewhere. */
        DRAINING,
        /**
         * It does not: somebody said that it is lost for good. Standbys that it carried are made elsewhere at once, and removed from it should it
         * ever answer again.
         */
        LOST
    }

    /**
     * Amounts of what can run out.
     *
     * @param cpuMillis processors in thousandths
     * @param memory memory
     * @param storage storage
     */
    public record Room(long cpuMillis, DataSize memory, DataSize storage) {}

    /** Copies the collections. */
    public HostStatus {
        labels = Map.copyOf(labels);
        members = List.copyOf(members);
    }
}
