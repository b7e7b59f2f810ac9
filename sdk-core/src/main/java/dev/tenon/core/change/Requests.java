package dev.tenon.core.change;

import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Resources;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.spi.engine.EngineRequest;
import java.util.List;
import java.util.Optional;

/** Says to an engine what instance is meant. */
public final class Requests {
    private Requests() {}

    /** Returns the request for an instance as it shall be. */
    public static EngineRequest of(
            InstanceDoc doc,
            InstanceSpec spec,
            Resources resources,
            List<String> members,
            Optional<InstanceSecrets> secrets) {
        EngineRequest.Builder builder = EngineRequest.builder()
                .tenant(doc.tenant())
                .instance(doc.id())
                .name(spec.name())
                .version(spec.version())
                .topology(spec.topology())
                .members(members)
                .synchronous(doc.synchronous())
                .resources(resources)
                .parameters(spec.parameters())
                .whitelist(spec.whitelist())
                .ephemeral(spec.ephemeral())
                .zone(spec.zone());
        secrets.ifPresent(s -> builder.tls(s.tls()).secrets(s.engine()));
        return builder.build();
    }

    /** Returns the request for an instance as it is. */
    public static EngineRequest of(InstanceDoc doc, Optional<InstanceSecrets> secrets) {
        return of(doc, doc.spec(), doc.resources(), doc.names(), secrets);
    }
}
