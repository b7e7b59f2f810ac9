package dev.tenon.core.event;

import dev.tenon.api.Event;
import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.TenantId;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.store.Commit;
import dev.tenon.spi.store.StoredEvent;
import java.util.Optional;
import java.util.TreeMap;

/** Writes and reads events. */
public final class EventCodec {
    /** The tenant of what belongs to the installation. */
    public static final String NOBODY = "-";

    private EventCodec() {}

    /** Returns the event as a part of a commit. */
    public static Commit.Event write(
            Optional<TenantId> tenant, Optional<InstanceId> instance, Optional<OperationId> operation, Told told) {
        return new Commit.Event(
                tenant.map(TenantId::value).orElse(NOBODY),
                instance.map(InstanceId::value).orElse(""),
                told.type(),
                Json.write(Fields.writer()
                        .put("operation", operation)
                        .put("severity", told.severity())
                        .put("message", told.message())
                        .put("attributes", new TreeMap<>(told.attributes()))
                        .put("reasons", SpecCodec.reasons(told.reasons()))
                        .map()));
    }

    /** Returns the event as callers see it. */
    public static Event read(StoredEvent stored) {
        Fields body = Json.read(stored.body());
        return new Event(
                stored.sequence(),
                stored.at(),
                stored.tenant().equals(NOBODY) ? Optional.empty() : Optional.of(new TenantId(stored.tenant())),
                stored.subject().isEmpty() ? Optional.empty() : Optional.of(new InstanceId(stored.subject())),
                body.maybe("operation", OperationId::new),
                stored.type(),
                Event.Severity.valueOf(body.text("severity")),
                body.text("message"),
                body.texts("attributes"),
                SpecCodec.reasons(body));
    }
}
