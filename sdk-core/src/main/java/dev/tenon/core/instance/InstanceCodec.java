package dev.tenon.core.instance;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Member;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.TenantId;
import dev.tenon.core.failover.FailoverCodec;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.store.Document;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Writes and reads the body of an instance's document. */
public final class InstanceCodec {
    private InstanceCodec() {}

    /** Returns the body. */
    public static String write(InstanceDoc doc) {
        return Json.write(Fields.writer()
                .put("id", doc.id())
                .put("spec", SpecCodec.instance(doc.spec()))
                .put("resources", SpecCodec.resources(doc.resources()))
                .put("delivery", doc.delivery())
                .put("lifecycle", SpecCodec.lifecycle(doc.lifecycle()))
                .put("before", doc.before())
                .put("health", SpecCodec.health(doc.health()))
                .put("queue", doc.queue().stream().map(InstanceCodec::queued).toList())
                .put("generation", doc.generation())
                .put("observedGeneration", doc.observedGeneration())
                .put("host", doc.address().map(InstanceDoc.Address::host))
                .put("port", doc.address().map(InstanceDoc.Address::port))
                .put(
                        "members",
                        doc.members().stream().map(InstanceCodec::member).toList())
                .put("failover", doc.failover().map(FailoverCodec::write))
                .put(
                        "rolled",
                        doc.rolled().entrySet().stream()
                                .sorted(Map.Entry.comparingByKey())
                                .map(InstanceCodec::rolled)
                                .toList())
                .put("atLeast", new TreeMap<>(doc.atLeast()))
                .put(
                        "stakes",
                        doc.stakes().entrySet().stream()
                                .sorted(Map.Entry.comparingByKey())
                                .map(InstanceCodec::stake)
                                .toList())
                .put(
                        "unseen",
                        doc.unseen().entrySet().stream()
                                .sorted(Map.Entry.comparingByKey())
                                .map(InstanceCodec::unseen)
                                .toList())
                .put("serverVersion", doc.serverVersion())
                .put("pendingRestart", new TreeSet<>(doc.pendingRestart()))
                .put("encrypted", doc.encrypted())
                .put("renewAt", doc.renewAt())
                .put("owner", doc.owner())
                .put("heals", doc.heals())
                .put("healedAt", doc.healedAt())
                .put("createdAt", doc.createdAt())
                .map());
    }

    /** Reads a document. */
    public static InstanceDoc read(Document document) {
        Fields body = Json.read(document.body());
        List<InstanceDoc.Queued> queue =
                body.objects("queue").stream().map(InstanceCodec::queued).toList();
        return InstanceDoc.builder()
                .id(new InstanceId(document.id()))
                .tenant(new TenantId(document.tenant()))
                .spec(SpecCodec.instance(body.object("spec")))
                .resources(SpecCodec.resources(body.object("resources")))
                .delivery(body.text("delivery"))
                .lifecycle(SpecCodec.lifecycle(body.object("lifecycle")))
                .before(body.maybe("before", Phase::valueOf))
                .health(SpecCodec.health(body.object("health")))
                .queue(queue)
                .generation(body.number("generation"))
                .observedGeneration(body.number("observedGeneration"))
                .address(body.maybe("host", host -> new InstanceDoc.Address(host, (int) body.number("port"))))
                .members(body.objects("members").stream()
                        .map(InstanceCodec::member)
                        .toList())
                .failover(body.maybeObject("failover").map(FailoverCodec::read))
                .rolled(body.objects("rolled").stream()
                        .collect(Collectors.toMap(fields -> fields.text("member"), InstanceCodec::rolled)))
                .atLeast(body.texts("atLeast"))
                .stakes(body.objects("stakes").stream()
                        .collect(Collectors.toMap(fields -> fields.text("member"), InstanceCodec::stake)))
                .unseen(body.objects("unseen").stream()
                        .collect(Collectors.toMap(fields -> fields.text("member"), InstanceCodec::unseen)))
                .serverVersion(body.maybe("serverVersion"))
                .pendingRestart(body.list("pendingRestart"))
                .encrypted(body.flag("encrypted"))
                .renewAt(body.maybe("renewAt", Instant::parse))
                .owner(body.maybe("owner"))
                .heals((int) body.number("heals", 0))
                .healedAt(body.maybe("healedAt", Instant::parse))
                .createdAt(body.instant("createdAt"))
                .version(document.version())
                .updatedAt(document.updatedAt())
                .build();
    }

    private static Map<String, Object> queued(InstanceDoc.Queued queued) {
        return Fields.writer()
                .put("id", queued.id())
                .put("kind", queued.kind())
                .put("size", queued.size().map(SpecCodec::resources))
                .put("purge", queued.purge())
                .put("parked", queued.parked())
                .map();
    }

    private static InstanceDoc.Queued queued(Fields fields) {
        return new InstanceDoc.Queued(
                new OperationId(fields.text("id")),
                OperationKind.valueOf(fields.text("kind")),
                fields.maybeObject("size").map(SpecCodec::resources),
                fields.flag("purge"),
                fields.flag("parked"));
    }

    private static Map<String, Object> rolled(Map.Entry<String, InstanceDoc.Rolled> entry) {
        InstanceDoc.Rolled rolled = entry.getValue();
        return Fields.writer()
                .put("member", entry.getKey())
                .put("by", rolled.by())
                .put("parameters", new TreeMap<>(rolled.parameters()))
                .put("resources", SpecCodec.resources(rolled.resources()))
                .put("ended", rolled.ended())
                .map();
    }

    private static InstanceDoc.Rolled rolled(Fields fields) {
        return new InstanceDoc.Rolled(
                fields.text("by"),
                fields.texts("parameters"),
                SpecCodec.resources(fields.object("resources")),
                fields.maybe("ended"));
    }

    private static Map<String, Object> stake(Map.Entry<String, InstanceDoc.Stake> entry) {
        InstanceDoc.Stake stake = entry.getValue();
        return Fields.writer()
                .put("member", entry.getKey())
                .put("position", stake.position())
                .put("knownBytes", stake.loss().knownBytes())
                .put("safeUntil", stake.loss().since())
                .map();
    }

    private static InstanceDoc.Stake stake(Fields fields) {
        return new InstanceDoc.Stake(
                fields.number("position"),
                new Loss(fields.number("knownBytes"), fields.maybe("safeUntil", Instant::parse)));
    }

    private static Map<String, Object> unseen(Map.Entry<String, InstanceDoc.Unseen> entry) {
        InstanceDoc.Unseen unseen = entry.getValue();
        return Fields.writer()
                .put("member", entry.getKey())
                .put("since", unseen.since())
                .put("lost", unseen.lost())
                .put("refused", unseen.refused())
                .map();
    }

    private static InstanceDoc.Unseen unseen(Fields fields) {
        return new InstanceDoc.Unseen(fields.instant("since"), fields.flag("lost"), fields.maybe("refused"));
    }

    private static Map<String, Object> member(InstanceDoc.MemberStatus status) {
        Member member = status.member();
        return Fields.writer()
                .put("name", member.name())
                .put("role", member.role())
                .put("state", member.state())
                .put("zone", member.zone())
                .put("host", member.host())
                .put("startedAt", member.startedAt())
                .put("incarnation", status.incarnation())
                .put("address", status.address().map(InstanceDoc.Address::host))
                .put("port", status.address().map(InstanceDoc.Address::port))
                .put("follows", member.replication().map(Member.Replication::state))
                .put("sync", member.replication().map(Member.Replication::sync))
                .map();
    }

    private static InstanceDoc.MemberStatus member(Fields fields) {
        return new InstanceDoc.MemberStatus(
                new Member(
                        fields.text("name"),
                        fields.text("role"),
                        fields.text("state"),
                        fields.maybe("zone"),
                        fields.maybe("host"),
                        fields.maybe("startedAt", Instant::parse),
                        fields.maybe(
                                "follows",
                                state -> new Member.Replication(
                                        state, fields.text("sync"), OptionalLong.empty(), Optional.empty()))),
                fields.maybe("incarnation"),
                fields.maybe("address", host -> new InstanceDoc.Address(host, (int) fields.number("port"))));
    }
}
