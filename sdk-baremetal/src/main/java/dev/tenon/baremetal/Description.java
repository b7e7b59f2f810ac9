package dev.tenon.baremetal;

import dev.tenon.spi.workload.AdminRoute;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Probe;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Writes into a member's record what later calls need and only the workload says; the same for every kind of host. */
final class Description {
    private Description() {}

    /**
     * Returns the described record.
     *
     * @param content with ports and software
     * @param home where its lasting directories lie
     * @param run where those lie that a restart of the host may lose
     * @param cgroups directories of limits made for it
     * @param rendering fills holes for a record with directories and ports
     */
    static MemberRecord of(
            MemberRecord content,
            MemberWorkload workload,
            String home,
            String run,
            List<String> cgroups,
            Function<MemberRecord, Rendering> rendering) {
        Map<String, String> directories = new LinkedHashMap<>();
        workload.directories()
                .forEach(d -> directories.put(
                        d.name(), (d.purpose() == Directory.Purpose.RUN ? run : home) + "/" + d.name()));
        Map<String, Long> sizes = new HashMap<>(content.sizes());
        workload.directories().forEach(d -> d.size().ifPresent(s -> sizes.merge(d.name(), s.bytes(), Math::max)));
        MemberRecord placed = content.edit()
                .directories(directories)
                .logDirectories(workload.directories().stream()
                        .filter(d -> d.purpose() == Directory.Purpose.LOG)
                        .map(Directory::name)
                        .toList())
                .sizes(sizes)
                .processes(workload.processes().stream()
                        .map(p -> new MemberRecord.ProcessEntry(
                                p.name(),
                                p.stop().signal(),
                                p.stop().grace().toMillis(),
                                p.stop().discard()))
                        .toList())
                .cgroups(cgroups)
                .build()
                .limited(workload.resources());
        Rendering filled = rendering.apply(placed);
        ImmutableMemberRecord.Builder described = placed.edit()
                .ready(ready(workload.ready(), filled))
                .adminSocket("")
                .adminPort(0);
        for (AdminRoute route : workload.adminRoutes()) {
            if (route instanceof AdminRoute.UnixSocket socket) {
                String path = placed.directories().get(socket.directory()) + "/" + filled.text(socket.fileName());
                // The kernel's limit on a socket's path, its final zero byte included.
                if (path.length() < 108) {
                    return described.adminSocket(path).build();
                }
            } else if (route instanceof AdminRoute.TcpPort tcp && placed.ports().containsKey(tcp.port())) {
                return described.adminPort(placed.ports().get(tcp.port())).build();
            }
        }
        return described.build();
    }

    private static MemberRecord.ReadyEntry ready(Probe probe, Rendering rendering) {
        if (probe instanceof Probe.FileLine file) {
            return new MemberRecord.ReadyEntry(
                    0, rendering.directories().get(file.directory()) + "/" + file.path(), file.line(), List.of());
        } else if (probe instanceof Probe.PortOpen port) {
            return new MemberRecord.ReadyEntry(rendering.ports().getOrDefault(port.port(), 0), "", "", List.of());
        }
        if (probe instanceof Probe.Exec exec) {
            return new MemberRecord.ReadyEntry(
                    0,
                    "",
                    exec.command().successText().orElse(""),
                    rendering.argv(exec.command().argv()));
        }
        return MemberRecord.ReadyEntry.ALWAYS;
    }
}
