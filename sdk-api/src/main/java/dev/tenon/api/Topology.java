package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The shape of an instance and how many members beside the first it has.
 *
 * @param kind the shape
 * @param standbys members beside the first; 0 for {@code SINGLE}, else 1 to 8
 */
public record Topology(TopologyKind kind, int standbys) {
    /**
     * Checks that the count fits the shape.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if it does not
     */
    @JsonCreator
    public Topology(@JsonProperty("kind") TopologyKind kind, @JsonProperty("standbys") int standbys) {
        if (kind == TopologyKind.SINGLE ? standbys != 0 : standbys < 1 || standbys > 8) {
            throw new InvalidSpecException(
                    "topology.standbys",
                    standbys + "; expected " + (kind == TopologyKind.SINGLE ? "0" : "1 to 8") + " for " + kind);
        }
        this.kind = kind;
        this.standbys = standbys;
    }

    /** Returns one member. */
    public static Topology single() {
        return new Topology(TopologyKind.SINGLE, 0);
    }

    /** Returns a primary with {@code standbys} standbys, 1 to 8. */
    public static Topology primaryStandby(int standbys) {
        return new Topology(TopologyKind.PRIMARY_STANDBY, standbys);
    }
}
