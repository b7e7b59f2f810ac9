package dev.tenon.server.rest;

import dev.tenon.api.EngineId;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.OperationId;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** An instance in a list: what a table of instances shows, without what only the instance's own page needs. */
record InstanceSummary(
        InstanceId id,
        TenantId tenant,
        String name,
        Optional<String> displayName,
        EngineId engine,
        String engineVersion,
        Optional<String> serverVersion,
        Topology topology,
        Optional<String> plan,
        Resources resources,
        String delivery,
        Map<String, String> tags,
        Lifecycle lifecycle,
        Health health,
        Optional<OperationId> operation,
        Optional<Address> endpoint,
        long version,
        Instant createdAt,
        Instant updatedAt) {

    /** Where it listens. */
    record Address(String host, int port) {}

    static InstanceSummary of(InstanceView view) {
        return new InstanceSummary(
                view.id(),
                view.tenant(),
                view.spec().name(),
                view.spec().displayName(),
                view.spec().engine(),
                view.spec().version(),
                view.serverVersion(),
                view.spec().topology(),
                view.spec().plan(),
                view.resources(),
                view.delivery(),
                view.spec().tags(),
                view.lifecycle(),
                view.health(),
                view.operation(),
                view.endpoint().map(e -> new Address(e.host(), e.port())),
                view.version(),
                view.createdAt(),
                view.updatedAt());
    }
}
