package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import java.util.List;

/** What was observed of an instance, independently of what it shall be. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "state")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Health.Healthy.class, name = "Healthy"),
    @JsonSubTypes.Type(value = Health.Degraded.class, name = "Degraded"),
    @JsonSubTypes.Type(value = Health.Down.class, name = "Down"),
    @JsonSubTypes.Type(value = Health.Unknown.class, name = "Unknown")
})
public sealed interface Health {
    /** Does what it shall. */
    record Healthy() implements Health {}

    /**
     * Serves, but not as it should.
     *
     * @param causes why; at least one
     */
    record Degraded(List<Reason> causes) implements Health {
        /** Copies the list. */
        public Degraded {
            causes = List.copyOf(causes);
        }
    }

    /**
     * Does not serve.
     *
     * @param causes why; at least one
     */
    record Down(List<Reason> causes) implements Health {
        /** Copies the list. */
        public Down {
            causes = List.copyOf(causes);
        }
    }

    /**
     * Cannot be seen; this is not the same as down.
     *
     * @param since when it was last seen
     */
    record Unknown(Instant since) implements Health {}

    /** Returns why it is not healthy; empty if it is, or if that is not known. */
    default List<Reason> reasons() {
        return this instanceof Degraded degraded
                ? degraded.causes()
                : this instanceof Down down ? down.causes() : List.of();
    }

    /** Returns the state's name, such as {@code Healthy}. */
    default String name() {
        return getClass().getSimpleName();
    }
}
