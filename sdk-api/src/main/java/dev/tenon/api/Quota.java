package dev.tenon.api;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.math.BigDecimal;
import org.immutables.value.Value;

/**
 * The most a tenant may have, over all instances that are not deleted. Those in the recycle bin count their storage only; one that
 * could not be made counts as an instance and nothing else, until it is purged.
 */
@Value.Immutable
@SdkStyle
@JsonDeserialize(as = ImmutableQuota.class)
public interface Quota {
    /** Processors; 0 to 1,000,000; defaults to 16. */
    @Value.Default
    default BigDecimal cpus() {
        return BigDecimal.valueOf(16);
    }

    /** Memory; defaults to 64 GiB. */
    @Value.Default
    default DataSize memory() {
        return DataSize.gib(64);
    }

    /** Storage; defaults to 1 TiB. */
    @Value.Default
    default DataSize storage() {
        return DataSize.gib(1_024);
    }

    /** Instances; 0 to 1,000,000; defaults to 50. */
    @Value.Default
    default int instances() {
        return 50;
    }

    /** Checks the bounds. */
    @Value.Check
    default void check() {
        if (cpus().precision() > 12
                || Math.abs((long) cpus().scale()) > 9
                || cpus().signum() < 0
                || cpus().compareTo(BigDecimal.valueOf(1_000_000)) > 0
                || cpus().stripTrailingZeros().scale() > 3) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID, "quota.cpus", "expected 0 to 1000000 in steps of 0.001");
        }
        if (instances() < 0 || instances() > 1_000_000) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID, "quota.instances", instances() + "; expected 0 to 1000000");
        }
    }

    /** Returns a new builder; not safe for use by several threads. */
    static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link Quota}. */
    final class Builder extends ImmutableQuota.Builder {
        Builder() {}

        /** Sets the processors. */
        public Builder cpus(long cpus) {
            return cpus(BigDecimal.valueOf(cpus));
        }
    }
}
