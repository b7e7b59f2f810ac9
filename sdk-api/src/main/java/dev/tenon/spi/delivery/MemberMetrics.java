package dev.tenon.spi.delivery;

import dev.tenon.api.DataSize;
import java.time.Duration;
import java.util.Optional;

/**
 * What a member uses.
 *
 * @param cpuTime processor time of its processes since they started
 * @param memory resident memory of its processes, shared pages counted as the place counts them
 * @param storage bytes in its directories, where the place can tell cheaply
 */
public record MemberMetrics(Duration cpuTime, DataSize memory, Optional<DataSize> storage) {}
