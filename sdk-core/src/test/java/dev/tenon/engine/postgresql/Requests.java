package dev.tenon.engine.postgresql;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.spi.engine.EngineRequest;
import java.util.List;

/** Requests as the control plane makes them. */
final class Requests {
    static final InstanceId INSTANCE = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa");
    static final TenantId TENANT = new TenantId(TenantId.PREFIX + "bbbbbbbbbbbbbbbbbbbb");

    private Requests() {}

    static EngineRequest.Builder durable(String version) {
        return EngineRequest.builder()
                .tenant(TENANT)
                .instance(INSTANCE)
                .name("orders")
                .version(version)
                .topology(Topology.single())
                .resources(Resources.of(1, DataSize.mib(512), DataSize.gib(4)))
                .whitelist(List.of(Cidr.parse("127.0.0.1/32")))
                .ephemeral(false);
    }

    static EngineRequest.Builder ephemeral(String version) {
        return durable(version).ephemeral(true);
    }
}
