package dev.tenon.server.portal.view;

import dev.tenon.baremetal.HostStatus;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.spi.workload.MemberRef;
import java.math.BigDecimal;
import java.util.List;

/**
 * A host as the page shows it.
 *
 * @param status what it is and carries
 * @param look whether it answers, and takes new members
 * @param meters what of it is promised
 * @param carried its members
 */
public record HostRow(HostStatus status, Looks.Look look, List<Meter.Named> meters, List<Carried> carried) {
    /**
     * A member.
     *
     * @param ref whose it is
     * @param stays why it did not leave a host that is being drained, empty if it was not asked to or will
     */
    public record Carried(MemberRef ref, String stays) {}

    /** Returns the row of a host. */
    public static HostRow of(Hosts.Host host, Page page) {
        HostStatus status = host.status();
        HostStatus.Room has = status.promised();
        HostStatus.Room most = status.usable();
        return new HostRow(
                status,
                look(status),
                status.facts().isEmpty()
                        ? List.of()
                        : List.of(
                                Meter.named(
                                        "cpus",
                                        BigDecimal.valueOf(has.cpuMillis(), 3),
                                        BigDecimal.valueOf(most.cpuMillis(), 3),
                                        page),
                                Meter.sized("memory", has.memory(), most.memory(), page),
                                Meter.sized("storage", has.storage(), most.storage(), page)),
                status.members().stream()
                        .map(ref -> new Carried(ref, host.staying().getOrDefault(ref.instance(), "")))
                        .toList());
    }

    private static Looks.Look look(HostStatus status) {
        boolean silent = status.silent().isPresent();
        if (silent && status.mode() != HostStatus.Mode.LOST) {
            return new Looks.Look("bad", "x-circle-fill", "host.silent");
        }
        return switch (status.mode()) {
            case ENABLED -> new Looks.Look("ok", "check-circle-fill", "host.ENABLED");
            case DISABLED -> new Looks.Look("mute", "pause-circle-fill", "host.DISABLED");
            case LOST ->
                silent
                        ? new Looks.Look("bad", "x-circle-fill", "host.LOST")
                        : new Looks.Look("warn", "exclamation-triangle-fill", "host.BACK");
            case DRAINING ->
                status.members().isEmpty()
                        ? new Looks.Look("mute", "dash-circle", "host.DRAINED")
                        : new Looks.Look("warn", "arrow-repeat", "host.DRAINING", true);
        };
    }
}
