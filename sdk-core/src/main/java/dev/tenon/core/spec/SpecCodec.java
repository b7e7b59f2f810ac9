package dev.tenon.core.spec;

import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.PossibleLoss;
import dev.tenon.api.Quota;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.core.json.Fields;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Writes and reads the values of the API that documents hold. Maps and sets are written in order, so that equal values have equal
 * texts and a digest can be taken of them.
 */
public final class SpecCodec {
    private SpecCodec() {}

    /** Writes an instance's specification, without its password. */
    public static Map<String, Object> instance(InstanceSpec spec) {
        return Fields.writer()
                .put("name", spec.name())
                .put("displayName", spec.displayName())
                .put("description", spec.description())
                .put("engine", spec.engine())
                .put("version", spec.version())
                .put("plan", spec.plan())
                .put("resources", spec.resources().map(SpecCodec::resources))
                .put("topology", topology(spec.topology()))
                .put("delivery", spec.delivery())
                .put("zone", spec.zone())
                .put("tags", new TreeMap<>(spec.tags()))
                .put("parameters", new TreeMap<>(spec.parameters()))
                .put("whitelist", cidrs(spec.whitelist()))
                .put("database", spec.database())
                .put("owner", spec.owner())
                .put("ephemeral", spec.ephemeral())
                .put("deletionProtection", spec.deletionProtection())
                .map();
    }

    /** Reads an instance's specification. */
    public static InstanceSpec instance(Fields fields) {
        return InstanceSpec.builder()
                .name(fields.text("name"))
                .displayName(fields.maybe("displayName"))
                .description(fields.maybe("description"))
                .engine(new EngineId(fields.text("engine")))
                .version(fields.text("version"))
                .plan(fields.maybe("plan"))
                .resources(fields.maybeObject("resources").map(SpecCodec::resources))
                .topology(topology(fields.object("topology")))
                .delivery(fields.maybe("delivery"))
                .zone(fields.maybe("zone"))
                .tags(fields.texts("tags"))
                .parameters(fields.texts("parameters"))
                .whitelist(cidrs(fields.list("whitelist")))
                .database(fields.text("database"))
                .owner(fields.text("owner"))
                .ephemeral(fields.flag("ephemeral"))
                .deletionProtection(fields.flag("deletionProtection"))
                .build();
    }

    /** Writes a size. */
    public static Map<String, Object> resources(Resources resources) {
        return Fields.writer()
                .put("cpus", resources.cpus().toPlainString())
                .put("memory", resources.memory().bytes())
                .put("storage", resources.storage().bytes())
                .map();
    }

    /** Reads a size. */
    public static Resources resources(Fields fields) {
        return new Resources(
                new BigDecimal(fields.text("cpus")),
                DataSize.bytes(fields.number("memory")),
                DataSize.bytes(fields.number("storage")));
    }

    private static Map<String, Object> topology(Topology topology) {
        return Fields.writer()
                .put("kind", topology.kind())
                .put("standbys", topology.standbys())
                .put("durability", topology.durability())
                .put("acrossZones", topology.acrossZones())
                .map();
    }

    private static Topology topology(Fields fields) {
        return new Topology(
                TopologyKind.valueOf(fields.text("kind")),
                (int) fields.number("standbys", 0),
                fields.maybe("durability", Durability::valueOf).orElse(Durability.BALANCED),
                fields.flag("acrossZones"));
    }

    private static List<String> cidrs(List<Cidr> whitelist) {
        return whitelist.stream().map(Cidr::toString).toList();
    }

    private static List<Cidr> cidrs(java.util.Collection<String> texts) {
        return texts.stream().map(Cidr::parse).toList();
    }

    /** Writes a tenant's specification. */
    public static Map<String, Object> tenant(TenantSpec spec) {
        return Fields.writer()
                .put("name", spec.name())
                .put("displayName", spec.displayName())
                .put("quota", quota(spec.quota()))
                .put("approvalRequired", spec.approvalRequired())
                .map();
    }

    /** Reads a tenant's specification. */
    public static TenantSpec tenant(Fields fields) {
        Fields quota = fields.object("quota");
        return TenantSpec.builder()
                .name(fields.text("name"))
                .displayName(fields.maybe("displayName"))
                .quota(Quota.builder()
                        .cpus(new BigDecimal(quota.text("cpus")))
                        .memory(DataSize.bytes(quota.number("memory")))
                        .storage(DataSize.bytes(quota.number("storage")))
                        .instances((int) quota.number("instances"))
                        .build())
                .approvalRequired(fields.flag("approvalRequired"))
                .build();
    }

    /** Writes a quota. */
    public static Map<String, Object> quota(Quota quota) {
        return Fields.writer()
                .put("cpus", quota.cpus().stripTrailingZeros().toPlainString())
                .put("memory", quota.memory().bytes())
                .put("storage", quota.storage().bytes())
                .put("instances", quota.instances())
                .map();
    }

    /** Writes a lifecycle. */
    public static Map<String, Object> lifecycle(Lifecycle lifecycle) {
        Fields.Writer writer = Fields.writer().put("state", lifecycle.name());
        if (lifecycle instanceof Lifecycle.Recycled recycled) {
            writer.put("until", recycled.until());
        } else if (lifecycle instanceof Lifecycle.Failed failed) {
            writer.put("cause", failed.cause());
        }
        return writer.map();
    }

    /** Reads a lifecycle. */
    public static Lifecycle lifecycle(Fields fields) {
        String state = fields.text("state");
        return switch (state) {
            case "Requested" -> new Lifecycle.Requested();
            case "PendingApproval" -> new Lifecycle.PendingApproval();
            case "Provisioning" -> new Lifecycle.Provisioning();
            case "Active" -> new Lifecycle.Active();
            case "Stopped" -> new Lifecycle.Stopped();
            case "Frozen" -> new Lifecycle.Frozen();
            case "Recycled" -> new Lifecycle.Recycled(fields.instant("until"));
            case "Deleted" -> new Lifecycle.Deleted();
            case "Failed" -> new Lifecycle.Failed(fields.text("cause"));
            default -> throw new IllegalStateException("a document has the unknown lifecycle " + state);
        };
    }

    /** Writes a health. */
    public static Map<String, Object> health(Health health) {
        Fields.Writer writer = Fields.writer().put("state", health.name());
        writer.put("reasons", reasons(health.reasons()));
        if (health instanceof Health.Unknown unknown) {
            writer.put("since", unknown.since());
        }
        return writer.map();
    }

    /** Reads a health. */
    public static Health health(Fields fields) {
        String state = fields.text("state");
        return switch (state) {
            case "Healthy" -> new Health.Healthy();
            case "Degraded" -> new Health.Degraded(reasons(fields));
            case "Down" -> new Health.Down(reasons(fields));
            case "Unknown" -> new Health.Unknown(fields.instant("since"));
            default -> throw new IllegalStateException("a document has the unknown health " + state);
        };
    }

    /** Writes reasons. */
    public static List<Map<String, Object>> reasons(List<Reason> reasons) {
        return reasons.stream().map(SpecCodec::reason).toList();
    }

    /** Reads the field {@code reasons}. */
    public static List<Reason> reasons(Fields fields) {
        return fields.objects("reasons").stream().map(SpecCodec::reason).toList();
    }

    /** Writes a reason. */
    public static Map<String, Object> reason(Reason reason) {
        return Fields.writer()
                .put("code", reason.code())
                .put("values", reason.values())
                .put("because", reason.because().map(SpecCodec::reason))
                .map();
    }

    /** Reads a reason. */
    public static Reason reason(Fields fields) {
        Reason reason = Reason.of(
                Reason.Code.valueOf(fields.text("code")), fields.list("values").toArray(String[]::new));
        return fields.maybeObject("because")
                .map(why -> reason.because(reason(why)))
                .orElse(reason);
    }

    /** Writes a change, without any password. */
    public static Map<String, Object> change(Change change) {
        Fields.Writer writer = Fields.writer().put("kind", change.kind());
        if (change instanceof Change.Create create) {
            writer.put("spec", instance(create.spec()));
        } else if (change instanceof Change.Resize resize) {
            writer.put("plan", resize.plan())
                    .put("resources", resize.resources().map(SpecCodec::resources));
        } else if (change instanceof Change.Update update) {
            writer.put("displayName", update.displayName()).put("description", update.description());
            update.tags().ifPresent(tags -> writer.always("tags", new TreeMap<>(tags)));
            update.deletionProtection().ifPresent(on -> writer.always("deletionProtection", on));
        } else if (change instanceof Change.Access access) {
            writer.put("whitelist", cidrs(access.whitelist()));
        } else if (change instanceof Change.Parameters parameters) {
            writer.put("set", new TreeMap<>(parameters.set())).put("reset", new TreeSet<>(parameters.reset()));
            if (parameters.restart()) {
                writer.put("restart", true);
            }
        } else if (change instanceof Change.Delete delete) {
            writer.put("retention", delete.retention());
        } else if (change instanceof Change.RemoveStandby remove) {
            writer.put("member", remove.member());
        } else if (change instanceof Change.RebuildStandby rebuild) {
            writer.put("member", rebuild.member());
        } else if (change instanceof Change.Switchover switchover) {
            writer.put("member", switchover.member());
        } else if (change instanceof Change.Failover failover) {
            writer.put("member", failover.member());
            failover.accepted().ifPresent(loss -> writer.put("knownBytes", loss.knownBytes())
                    .put("safeUntil", loss.safeUntil()));
        }
        return writer.map();
    }

    /** Reads a change. */
    public static Change change(Fields fields) {
        String kind = fields.text("kind");
        return switch (kind) {
            case "CREATE" -> new Change.Create(instance(fields.object("spec")));
            case "START" -> new Change.Start();
            case "STOP" -> new Change.Stop();
            case "RESTART" -> new Change.Restart();
            case "FREEZE" -> new Change.Freeze();
            case "UNFREEZE" -> new Change.Unfreeze();
            case "RESIZE" ->
                new Change.Resize(
                        fields.maybe("plan"), fields.maybeObject("resources").map(SpecCodec::resources));
            case "UPDATE" ->
                new Change.Update(
                        fields.maybe("displayName"),
                        fields.maybe("description"),
                        fields.maybeObject("tags").map(tags -> fields.texts("tags")),
                        fields.maybeFlag("deletionProtection"));
            case "ACCESS" -> new Change.Access(cidrs(fields.list("whitelist")));
            case "PARAMETERS" ->
                new Change.Parameters(fields.texts("set"), Set.copyOf(fields.list("reset")), fields.flag("restart"));
            case "DELETE" -> new Change.Delete(fields.maybe("retention", Duration::parse));
            case "RECOVER" -> new Change.Recover();
            case "PURGE" -> new Change.Purge();
            case "STANDBY_ADD" -> new Change.AddStandby();
            case "STANDBY_REMOVE" -> new Change.RemoveStandby(fields.text("member"));
            case "STANDBY_REBUILD" -> new Change.RebuildStandby(fields.text("member"));
            case "SWITCHOVER" -> new Change.Switchover(fields.text("member"));
            case "FAILOVER" ->
                new Change.Failover(
                        fields.text("member"),
                        Optional.of(new PossibleLoss(
                                fields.number("knownBytes"), fields.maybe("safeUntil", Instant::parse))));
            default -> throw new IllegalStateException("a document has the unknown change " + kind);
        };
    }
}
