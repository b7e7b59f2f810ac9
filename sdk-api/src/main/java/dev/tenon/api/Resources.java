package dev.tenon.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.math.BigDecimal;

/**
 * What one member may use.
 *
 * @param cpus processors, in steps of a thousandth; 0.1 to 256
 * @param memory 64 MiB to 4 TiB
 * @param storage 256 MiB to 64 TiB
 */
public record Resources(BigDecimal cpus, DataSize memory, DataSize storage) {
    private static final BigDecimal MIN_CPUS = new BigDecimal("0.1");
    private static final BigDecimal MAX_CPUS = new BigDecimal("256");

    /**
     * Checks the bounds.
     *
     * @throws InvalidSpecException {@code SIZE_INVALID} if an amount lies outside its bounds
     */
    @JsonCreator
    public Resources(
            @JsonProperty(value = "cpus", required = true) BigDecimal cpus,
            @JsonProperty(value = "memory", required = true) DataSize memory,
            @JsonProperty(value = "storage", required = true) DataSize storage) {
        // Scale and precision first: 1e999999 must not be expanded to compare it.
        if (cpus.precision() > 9
                || Math.abs((long) cpus.scale()) > 9
                || cpus.compareTo(MIN_CPUS) < 0
                || cpus.compareTo(MAX_CPUS) > 0
                || cpus.stripTrailingZeros().scale() > 3) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID, "resources.cpus", "expected 0.1 to 256 in steps of 0.001");
        }
        this.cpus = cpus.stripTrailingZeros();
        this.memory = within("resources.memory", memory, DataSize.mib(64), DataSize.gib(4096));
        this.storage = within("resources.storage", storage, DataSize.mib(256), DataSize.gib(65536));
    }

    /**
     * Creates the value from a number of processors.
     *
     * @throws InvalidSpecException {@code SIZE_INVALID} if an amount is not a number or lies outside its bounds
     */
    public static Resources of(double cpus, DataSize memory, DataSize storage) {
        if (!Double.isFinite(cpus)) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, "resources.cpus", cpus + " is not a number");
        }
        return new Resources(BigDecimal.valueOf(cpus), memory, storage);
    }

    /** Returns the processors in thousandths. */
    public int cpuMillis() {
        return cpus.movePointRight(3).intValueExact();
    }

    private static DataSize within(String field, DataSize seen, DataSize min, DataSize max) {
        if (seen.compareTo(min) < 0 || seen.compareTo(max) > 0) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, field, seen + "; expected " + min + " to " + max);
        }
        return seen;
    }
}
