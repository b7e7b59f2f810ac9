package dev.tenon.spi.delivery;

import dev.tenon.api.DataSize;
import java.util.List;

/**
 * What a place has.
 *
 * @param hosts every host
 */
public record PlaceCapacity(List<Host> hosts) {
    /**
     * One host.
     *
     * @param location zone and name
     * @param cpuMillis processors in thousandths that members may use
     * @param memory memory that members may use
     * @param storage storage that is free for members now
     * @param storageInAll storage that members may have, what they use already included; at least {@code storage}
     */
    public record Host(Location location, int cpuMillis, DataSize memory, DataSize storage, DataSize storageInAll) {}

    /** Copies the list. */
    public PlaceCapacity {
        hosts = List.copyOf(hosts);
    }
}
