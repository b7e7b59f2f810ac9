package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The shape of an instance and how many members beside the first it has.
 *
 * @param kind the shape
 * @param standbys members beside the first; 0 for {@code SINGLE}, else 1 to 8
 * @param durability what a commit waits for; means nothing for {@code SINGLE}
 * @param acrossZones whether the members must be in different zones (可用区), not only on different hosts
 */
public record Topology(TopologyKind kind, int standbys, Durability durability, boolean acrossZones) {
    /** So many members beside the first an instance may have. */
    public static final int MOST_STANDBYS = 8;

    /**
     * Checks that the count fits the shape.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if it does not
     */
    public Topology {
        if (kind == TopologyKind.SINGLE ? standbys != 0 : standbys < 1 || standbys > MOST_STANDBYS) {
            throw new InvalidSpecException(
                    "topology.standbys",
                    standbys + "; expected " + (kind == TopologyKind.SINGLE ? "0" : "1 to " + MOST_STANDBYS) + " for "
                            + kind);
        }
    }

    /** Reads a shape: what is missing has its default, as with the builder. */
    @JsonCreator
    static Topology of(
            @JsonProperty("kind") @Nullable TopologyKind kind,
            @JsonProperty("standbys") @Nullable Integer standbys,
            @JsonProperty("durability") @Nullable Durability durability,
            @JsonProperty("acrossZones") @Nullable Boolean acrossZones) {
        int count = standbys == null ? 0 : standbys;
        TopologyKind usual = count == 0 ? TopologyKind.SINGLE : TopologyKind.PRIMARY_STANDBY;
        return new Topology(
                kind == null ? usual : kind,
                count,
                durability == null ? Durability.BALANCED : durability,
                acrossZones != null && acrossZones);
    }

    /** Creates a shape whose members may share a zone. */
    public Topology(TopologyKind kind, int standbys, Durability durability) {
        this(kind, standbys, durability, false);
    }

    /** Creates a shape with the default durability. */
    public Topology(TopologyKind kind, int standbys) {
        this(kind, standbys, Durability.BALANCED);
    }

    /** Returns one member. */
    public static Topology single() {
        return new Topology(TopologyKind.SINGLE, 0);
    }

    /** Returns a primary with {@code standbys} standbys, 1 to 8. */
    public static Topology primaryStandby(int standbys) {
        return new Topology(TopologyKind.PRIMARY_STANDBY, standbys);
    }

    /** Returns a primary that takes writes and so many standbys, 1 to 8, that serve reads. */
    public static Topology readWriteSplit(int standbys) {
        return new Topology(TopologyKind.READ_WRITE_SPLIT, standbys);
    }

    /** Returns the same shape with so many standbys, 0 to 8; none is one member alone. */
    public Topology withStandbys(int count) {
        TopologyKind shape = kind == TopologyKind.SINGLE ? TopologyKind.PRIMARY_STANDBY : kind;
        return new Topology(count == 0 ? TopologyKind.SINGLE : shape, count, durability, acrossZones);
    }

    /** Builds a {@link Topology}; not safe for use by several threads. */
    public static final class Builder {
        private int standbys;
        private boolean reads;
        private Durability durability = Durability.BALANCED;
        private boolean acrossZones;

        Builder() {}

        /** Sets how many standbys there are, 0 to 8; defaults to none. */
        public Builder standbys(int count) {
            this.standbys = count;
            return this;
        }

        /** Lets the standbys serve reads, see {@link Instance#dataSource()}. */
        public Builder readWriteSplit() {
            this.reads = true;
            return this;
        }

        /** Sets what a commit waits for; defaults to {@link Durability#BALANCED}. */
        public Builder durability(Durability wanted) {
            this.durability = wanted;
            return this;
        }

        /** Requires that members are in different zones; defaults to different hosts where the place has several. */
        public Builder acrossZones() {
            this.acrossZones = true;
            return this;
        }

        Topology build() {
            TopologyKind several = reads ? TopologyKind.READ_WRITE_SPLIT : TopologyKind.PRIMARY_STANDBY;
            return new Topology(standbys == 0 ? TopologyKind.SINGLE : several, standbys, durability, acrossZones);
        }
    }
}
