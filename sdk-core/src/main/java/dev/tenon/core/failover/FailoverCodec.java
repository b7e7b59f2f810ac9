package dev.tenon.core.failover;

import dev.tenon.core.json.Fields;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Writes and reads a fail-over record as a part of its instance's document. */
public final class FailoverCodec {
    private FailoverCodec() {}

    /** Returns the fields. */
    public static Map<String, Object> write(FailoverRecord record) {
        return Fields.writer()
                .put("revision", record.revision())
                .put("epoch", record.epoch())
                .put("term", record.term())
                .put("primary", record.primary())
                .put("timeline", record.timeline())
                .put("guaranteed", quorum(record.guaranteed()))
                .put("setting", quorum(record.setting()))
                .put("phase", phase(record.phase()))
                .put(
                        "rebuilds",
                        record.rebuilds().entrySet().stream()
                                .map(FailoverCodec::rebuild)
                                .toList())
                .put("automaticAt", record.automaticAt())
                .put("loss", record.loss().map(FailoverCodec::loss))
                .put("answered", record.answered())
                .map();
    }

    /** Reads the fields. */
    public static FailoverRecord read(Fields fields) {
        SortedMap<String, Rebuild> rebuilds = new TreeMap<>();
        for (Fields one : fields.objects("rebuilds")) {
            rebuilds.put(one.text("member"), new Rebuild(Rebuild.How.valueOf(one.text("how")), one.number("since")));
        }
        return new FailoverRecord(
                fields.number("revision"),
                fields.number("epoch"),
                fields.number("term"),
                fields.text("primary"),
                Math.toIntExact(fields.number("timeline")),
                quorum(fields.object("guaranteed")),
                quorum(fields.object("setting")),
                phase(fields.object("phase")),
                Collections.unmodifiableSortedMap(rebuilds),
                fields.maybe("automaticAt", Instant::parse),
                fields.maybeObject("loss").map(FailoverCodec::loss),
                fields.text("answered"));
    }

    private static Map<String, Object> quorum(Quorum quorum) {
        return Fields.writer()
                .put("needed", quorum.needed())
                .put("members", List.copyOf(quorum.members()))
                .map();
    }

    private static Quorum quorum(Fields fields) {
        return new Quorum(new TreeSet<>(fields.list("members")), Math.toIntExact(fields.number("needed")));
    }

    private static Map<String, Object> phase(Phase phase) {
        Fields.Writer out = Fields.writer();
        if (phase instanceof Phase.Steady steady) {
            out.put("name", "STEADY").put("since", steady.since());
        } else if (phase instanceof Phase.Revoking revoking) {
            out.put("name", "REVOKING").put("since", revoking.since());
            revoking.forced().ifPresent(force -> out.put("request", force.id())
                    .put("member", force.target())
                    .put("accepted", loss(force.accepted())));
        } else if (phase instanceof Phase.HandingOver handingOver) {
            out.put("name", "HANDING_OVER").put("since", handingOver.since()).put("member", handingOver.target());
        } else if (phase instanceof Phase.Promoting promoting) {
            out.put("name", "PROMOTING").put("since", promoting.since()).put("member", promoting.elected());
        }
        return out.map();
    }

    private static Phase phase(Fields fields) {
        Instant since = fields.instant("since");
        return switch (fields.text("name")) {
            case "STEADY" -> new Phase.Steady(since);
            case "REVOKING" ->
                new Phase.Revoking(
                        since,
                        fields.maybe("request")
                                .map(id ->
                                        new Request.Force(id, fields.text("member"), loss(fields.object("accepted")))));
            case "HANDING_OVER" -> new Phase.HandingOver(fields.text("member"), since);
            case "PROMOTING" -> new Phase.Promoting(fields.text("member"), since);
            default -> throw new IllegalStateException("unknown phase " + fields.text("name"));
        };
    }

    private static Map<String, Object> rebuild(Map.Entry<String, Rebuild> entry) {
        return Fields.writer()
                .put("member", entry.getKey())
                .put("how", entry.getValue().how().name())
                .put("since", entry.getValue().since())
                .map();
    }

    private static Map<String, Object> loss(Loss loss) {
        return Fields.writer()
                .put("knownBytes", loss.knownBytes())
                .put("since", loss.since())
                .map();
    }

    private static Loss loss(Fields fields) {
        return new Loss(fields.number("knownBytes"), fields.maybe("since", Instant::parse));
    }
}
