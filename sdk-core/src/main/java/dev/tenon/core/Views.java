package dev.tenon.core;

import dev.tenon.api.Endpoint;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Secret;
import dev.tenon.core.catalogue.Offering;
import dev.tenon.core.change.Requests;
import dev.tenon.core.change.ServerCertificates;
import dev.tenon.core.instance.Fleet;
import dev.tenon.core.instance.InstanceDoc;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.Phase;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.TlsMaterial;
import java.util.List;
import java.util.Optional;

/** What callers see of documents. */
final class Views {
    private final Offering offering;
    private final Fleet fleet;
    private final ServerCertificates certificates;

    Views(Offering offering, Fleet fleet, ServerCertificates certificates) {
        this.offering = offering;
        this.fleet = fleet;
        this.certificates = certificates;
    }

    InstanceView of(InstanceDoc doc) {
        return fleet.view(doc, this::make);
    }

    private InstanceView make(InstanceDoc doc) {
        return InstanceView.builder()
                .id(doc.id())
                .tenant(doc.tenant())
                .spec(doc.spec())
                .resources(doc.resources())
                .lifecycle(doc.lifecycle())
                .health(doc.health())
                .operation(doc.head().or(() -> doc.queue().stream().findFirst()).map(InstanceDoc.Queued::id))
                .allowed(Legality.allowed(doc.projectedPhase()))
                .generation(doc.generation())
                .observedGeneration(doc.observedGeneration())
                .version(doc.version())
                .endpoint(endpoint(doc))
                .members(doc.members().stream()
                        .map(InstanceDoc.MemberStatus::member)
                        .toList())
                .delivery(doc.delivery())
                .serverVersion(doc.serverVersion())
                .pendingRestart(doc.pendingRestart())
                .createdAt(doc.createdAt())
                .updatedAt(doc.updatedAt())
                .build();
    }

    private Optional<Endpoint> endpoint(InstanceDoc doc) {
        return doc.address().filter(a -> doc.phase() != Phase.DELETED).map(address -> {
            ConnectionInfo info = connection(doc, address);
            return new Endpoint(
                    address.host(),
                    address.port(),
                    doc.spec().database(),
                    doc.spec().owner(),
                    doc.encrypted(),
                    info.jdbcUrl(),
                    info.uri(),
                    info.readers().map(ConnectionInfo.Readers::jdbcUrl),
                    info.readers().map(ConnectionInfo.Readers::uri),
                    doc.encrypted() ? Optional.of(certificates.authorityPem()) : Optional.empty(),
                    info.snippets());
        });
    }

    ConnectionInfo connection(InstanceDoc doc, InstanceDoc.Address address) {
        EngineRequest request = Requests.of(doc, Optional.empty());
        if (doc.encrypted()) {
            // For a client the authority is all that matters; the server's own key stays where it is.
            request = EngineRequest.builder()
                    .from(request)
                    .tls(new TlsMaterial("", Secret.of(""), certificates.authorityPem()))
                    .build();
        }
        return offering.engine(doc.spec().engine())
                .connection(
                        request,
                        new ClientEndpoint(
                                address.host(),
                                address.port(),
                                others(doc, address),
                                doc.encrypted() ? certificates.authorityFile() : Optional.empty()),
                        doc.spec().database(),
                        doc.spec().owner());
    }

    private static List<ClientEndpoint.Target> others(InstanceDoc doc, InstanceDoc.Address first) {
        return doc.members().stream()
                .flatMap(member -> member.address().stream())
                .filter(address -> !address.equals(first))
                .map(address -> new ClientEndpoint.Target(address.host(), address.port()))
                .toList();
    }
}
