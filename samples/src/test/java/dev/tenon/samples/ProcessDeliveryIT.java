package dev.tenon.samples;

import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.Software;
import dev.tenon.testkit.contract.DeliveryContract;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

// begin
class ProcessDeliveryIT extends DeliveryContract {
    private final Map<MemberRef, Integer> ports = new HashMap<>();

    @Override
    protected DeliveryDriver newDriver() {
        Software server = new Software(SimulatedEngine.SIMDB, version());
        return new ProcessDelivery(root(), Map.of(server, Listener.install(directory.resolve("software"))));
    }

    private Path root() {
        return directory.resolve("members");
    }

    /** Its workloads run anywhere: here with a program that only listens. */
    @Override
    protected EngineDriver engine() {
        return SimulatedEngine.on(SimulatedPlace.create());
    }

    @Override
    protected Map<String, String> restartParameter() {
        return Map.of("max_sessions", "7");
    }

    @Override
    protected Map<String, String> reloadParameter() {
        return Map.of("log_level", "debug");
    }

    /** As the kernel would: without the driver's knowing. */
    @Override
    protected void killMain(MemberRef ref) {
        processes(ref).forEach(ProcessHandle::destroyForcibly);
    }

    /** Processes, directories, ports: whatever is left of a member, found without the driver. */
    @Override
    protected List<String> residue(MemberRef ref) {
        List<String> found = new ArrayList<>();
        processes(ref).forEach(process -> found.add(process.toString()));
        if (Files.exists(root().resolve(ref.externalName()))) {
            found.add(ref.externalName());
        }
        return found;
    }

    private Stream<ProcessHandle> processes(MemberRef ref) {
        int port = Listener.port(root().resolve(ref.externalName()).resolve("state"));
        if (port > 0) {
            ports.put(ref, port);
        }
        return Listener.on(ports.getOrDefault(ref, 0));
    }

    /** Arguments and environments that other users of the place can read. */
    @Override
    protected List<String> publicTexts(MemberRef ref) {
        return processes(ref)
                .map(process -> process.info().commandLine().orElse(""))
                .toList();
    }
}
// end
