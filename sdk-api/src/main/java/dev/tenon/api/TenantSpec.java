package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.util.Optional;
import java.util.function.Consumer;
import org.immutables.value.Value;

/** What a tenant shall be. */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableTenantSpec.class)
public interface TenantSpec {
    /** Technical name, unique in the installation: a DNS-1123 label of 1 to 63 characters. */
    String name();

    /** Name for people, 1 to 128 visible characters. */
    Optional<String> displayName();

    /** The most it may have. */
    @Value.Default
    default Quota quota() {
        return Quota.builder().build();
    }

    /** Whether creating and resizing needs somebody else's approval; defaults to false. */
    @Value.Default
    default boolean approvalRequired() {
        return false;
    }

    /** Checks the names. */
    @Value.Check
    default TenantSpec check() {
        Names.label("name", name());
        Optional<String> display = displayName().map(t -> Names.display("displayName", t, 128));
        return display.equals(displayName())
                ? this
                : builder().from(this).displayName(display).build();
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link TenantSpec}. */
    final class Builder extends ImmutableTenantSpec.Builder {
        Builder() {}

        /** Fills the quota. */
        public Builder quota(Consumer<Quota.Builder> quota) {
            Quota.Builder builder = Quota.builder();
            quota.accept(builder);
            return quota(builder.build());
        }
    }
}
