package dev.tenon.bench;

import dev.tenon.api.DataSize;
import dev.tenon.api.Operation;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.server.Server;
import dev.tenon.server.ServerSettings;
import dev.tenon.testkit.sim.SimulatedDelivery;
import dev.tenon.testkit.sim.SimulatedEngine;
import dev.tenon.testkit.sim.SimulatedPlace;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The real server and control plane in front of simulated instances, as a process of its own for {@link ServerBench}. */
final class SimulatedServer {
    private SimulatedServer() {}

    public static void main(String[] words) throws Exception {
        Path directory = Path.of(words[0]);
        int instances = Integer.parseInt(words[1]);
        SimulatedPlace place = SimulatedPlace.create();
        Tenon tenon = Tenon.builder()
                .directory(directory)
                .delivery(SimulatedDelivery.on(place))
                .engine(SimulatedEngine.on(place))
                .build();
        Tenant tenant = tenon.tenants().create(t -> t.name("bench").quota(q -> q.cpus(BigDecimal.valueOf(1_000))
                .memory(DataSize.gib(1_000))
                .storage(DataSize.gib(10_000))
                .instances(1_000)));
        List<Operation<?>> all = new ArrayList<>();
        for (int i = 0; i < instances; i++) {
            String name = "db-" + i;
            all.add(tenant.instances().create(s -> s.name(name)
                    .engine(SimulatedEngine.SIMDB, "2")
                    .plan("micro")
                    .tag("team", "shop")
                    .tag("stage", "test")));
        }
        for (Operation<?> one : all) {
            one.await(Duration.ofMinutes(1));
        }
        try (Server server = Server.start(
                ServerSettings.builder()
                        .directory(directory)
                        .port(0)
                        .adminPassword(Secret.of(words[2]))
                        .build(),
                tenon)) {
            System.out.println("ready " + server.port() + " " + tenant.id());
            // Ends with the bench: its end closes our standard input.
            while (System.in.read() >= 0) {
                continue;
            }
        }
    }
}
