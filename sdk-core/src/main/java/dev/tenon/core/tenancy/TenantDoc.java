package dev.tenon.core.tenancy;

import dev.tenon.api.TenantId;
import dev.tenon.api.TenantSpec;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.store.Document;
import java.time.Instant;

/**
 * All that is stored of a tenant.
 *
 * @param id its identity
 * @param spec what it shall be
 * @param createdAt when it was made
 * @param version the document's version; not part of its body
 */
public record TenantDoc(TenantId id, TenantSpec spec, Instant createdAt, long version) {
    /** The kind of its document. */
    public static final String KIND = "tenant";

    static TenantDoc read(Document document) {
        Fields body = Json.read(document.body());
        return new TenantDoc(
                new TenantId(document.id()),
                SpecCodec.tenant(body.object("spec")),
                body.instant("createdAt"),
                document.version());
    }

    String write() {
        return Json.write(Fields.writer()
                .put("spec", SpecCodec.tenant(spec))
                .put("createdAt", createdAt)
                .map());
    }
}
