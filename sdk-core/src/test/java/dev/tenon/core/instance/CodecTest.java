package dev.tenon.core.instance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Member;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.core.failover.FailoverRecord;
import dev.tenon.core.failover.Loss;
import dev.tenon.core.json.Json;
import dev.tenon.core.operation.OperationCodec;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.operation.Phase;
import dev.tenon.core.spec.Charge;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.store.Document;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class CodecTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678901Z");
    private static final TenantId TENANT = new TenantId("t-aaaaaaaaaaaaaaaaaaaa");
    private static final InstanceId INSTANCE = new InstanceId("i-bbbbbbbbbbbbbbbbbbbb");
    private static final OperationId OPERATION = new OperationId("op-cccccccccccccccccccc");
    private static final Resources SIZE = Resources.of(1.25, DataSize.mib(512), DataSize.gib(3));

    private static InstanceSpec.Builder spec() {
        return InstanceSpec.builder()
                .name("orders")
                .engine(EngineId.POSTGRESQL, "17")
                .displayName("订单 \"库\"")
                .description("line")
                .resources(SIZE)
                .topology(new Topology(TopologyKind.PRIMARY_STANDBY, 2, Durability.STRICT))
                .delivery("local")
                .zone("z1")
                .tag("b", "2")
                .tag("a", "")
                .parameter("work_mem", "8MB")
                .whitelist(List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("fd00::/8")))
                .database("shop")
                .owner("shop_owner")
                .ephemeral(true)
                .deletionProtection(true);
    }

    private static InstanceDoc.Builder doc() {
        return InstanceDoc.builder()
                .id(INSTANCE)
                .tenant(TENANT)
                .spec(spec().build())
                .resources(SIZE)
                .delivery("local")
                .lifecycle(new Lifecycle.Active())
                .health(new Health.Healthy())
                .generation(4)
                .observedGeneration(3)
                .createdAt(NOW);
    }

    private static InstanceDoc reread(InstanceDoc doc) {
        return InstanceCodec.read(new Document(
                InstanceDoc.KIND,
                doc.id().value(),
                doc.tenant().value(),
                "",
                doc.lifecycle().name(),
                InstanceDoc.shard(doc.id()),
                doc.version(),
                doc.updatedAt(),
                InstanceCodec.write(doc)));
    }

    @Test
    void instance_full_isReadAsWritten() {
        InstanceDoc full = doc().lifecycle(new Lifecycle.Recycled(NOW))
                .before(Phase.FROZEN)
                .health(new Health.Down(List.of(
                        Reason.of(Reason.Code.MEMBER_STATE, "m-1", "STOPPED")
                                .because(Reason.error(ErrorCode.DISK_FULL, "no room")),
                        Reason.of(Reason.Code.PURGED))))
                .queue(List.of(
                        new InstanceDoc.Queued(OPERATION, OperationKind.RESIZE, Optional.of(SIZE), false, true),
                        new InstanceDoc.Queued(OPERATION, OperationKind.PURGE, Optional.empty(), true, false)))
                .address(new InstanceDoc.Address("10.0.0.1", 5432))
                .members(List.of(new InstanceDoc.MemberStatus(
                        new Member("m-1", "primary", "RUNNING", Optional.of("z"), Optional.of("h"), Optional.of(NOW))
                                .following(Optional.of(new Member.Replication(
                                        "streaming", "quorum", OptionalLong.empty(), Optional.empty()))),
                        Optional.of("4711@1"),
                        Optional.of(new InstanceDoc.Address("10.0.0.1", 5432)))))
                .failover(FailoverRecord.first("m-1", List.of("m-2"), NOW))
                .rolled(Map.of(
                        "m-2", new InstanceDoc.Rolled("op-1", Map.of("work_mem", "1MB"), SIZE, Optional.of("4711@1"))))
                .atLeast(Map.of("max_connections", "20"))
                .unseen(Map.of("m-2", new InstanceDoc.Unseen(NOW, true, Optional.of("h3 lacks memory"))))
                .stakes(Map.of("m-2", new InstanceDoc.Stake(17, new Loss(3, Optional.of(NOW)))))
                .serverVersion("17.11")
                .pendingRestart(Set.of("max_connections"))
                .encrypted(true)
                .renewAt(NOW)
                .owner("node-x")
                .heals(3)
                .healedAt(NOW)
                .version(9)
                .updatedAt(NOW)
                .build();
        assertThat(reread(full)).isEqualTo(full);
    }

    @Test
    void instance_bare_isReadAsWritten() {
        InstanceDoc bare = doc().version(1).updatedAt(NOW).build();
        assertThat(reread(bare)).isEqualTo(bare);
    }

    @Test
    void instance_password_isNotWritten() {
        InstanceSpec secretive =
                spec().password(Secret.of("correct horse battery")).build();
        assertThat(InstanceCodec.write(doc().spec(secretive).build())).doesNotContain("horse");
    }

    static Stream<Lifecycle> lifecycles() {
        return Stream.of(
                new Lifecycle.Requested(),
                new Lifecycle.PendingApproval(),
                new Lifecycle.Provisioning(),
                new Lifecycle.Active(),
                new Lifecycle.Stopped(),
                new Lifecycle.Frozen(),
                new Lifecycle.Recycled(NOW),
                new Lifecycle.Deleted(),
                new Lifecycle.Failed("no \"room\""));
    }

    @ParameterizedTest
    @MethodSource("lifecycles")
    void lifecycle_each_isReadAsWritten(Lifecycle lifecycle) {
        assertThat(SpecCodec.lifecycle(Json.read(Json.write(SpecCodec.lifecycle(lifecycle)))))
                .isEqualTo(lifecycle);
    }

    static Stream<Change> changes() {
        return Stream.of(
                new Change.Create(spec().build()),
                new Change.Start(),
                new Change.Stop(),
                new Change.Restart(),
                new Change.Freeze(),
                new Change.Unfreeze(),
                Change.Resize.toPlan("small"),
                Change.Resize.to(SIZE),
                new Change.Update(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()),
                new Change.Update(Optional.of("name"), Optional.of(""), Optional.of(Map.of()), Optional.of(false)),
                new Change.Update(
                        Optional.empty(), Optional.of("text"), Optional.of(Map.of("k", "v")), Optional.of(true)),
                new Change.Access(List.of(Cidr.parse("0.0.0.0/0"))),
                new Change.Parameters(Map.of("a", "1", "b", "x'y"), Set.of("c")),
                new Change.Parameters(Map.of("a", "1"), Set.of(), true),
                new Change.Delete(Optional.empty()),
                new Change.Delete(Optional.of(Duration.ZERO)),
                new Change.Recover(),
                new Change.Purge(),
                new Change.AddStandby(),
                new Change.RemoveStandby("m-2"),
                new Change.RebuildStandby("m-3"),
                new Change.Switchover("m-4"));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void change_each_isReadAsWritten(Change change) {
        assertThat(SpecCodec.change(Json.read(Json.write(SpecCodec.change(change)))))
                .isEqualTo(change);
    }

    @Test
    void change_equalMaps_haveEqualTexts() {
        Map<String, String> one = new java.util.LinkedHashMap<>(Map.of("a", "1"));
        one.put("b", "2");
        Map<String, String> other = new java.util.LinkedHashMap<>(Map.of("b", "2"));
        other.put("a", "1");
        assertThat(Json.write(SpecCodec.change(new Change.Parameters(one, Set.of("y", "x")))))
                .isEqualTo(Json.write(SpecCodec.change(new Change.Parameters(other, Set.of("x", "y")))));
    }

    @Test
    void operation_full_isReadAsWritten() {
        OperationDoc full = OperationDoc.builder()
                .id(OPERATION)
                .tenant(TENANT)
                .instance(INSTANCE)
                .kind(OperationKind.RESIZE)
                .change(Change.Resize.to(SIZE))
                .arguments(Map.of("name", "bob"))
                .state(OperationState.WAITING)
                .steps(List.of(
                        new OperationView.Step(
                                "limits", OperationView.StepState.DONE, Optional.of(NOW), Optional.of(NOW), 2),
                        new OperationView.Step(
                                "files", OperationView.StepState.PENDING, Optional.empty(), Optional.empty(), 0)))
                .failures(2)
                .cancelRequested(true)
                .undoing(true)
                .error(ErrorCode.TIMEOUT)
                .message("slow")
                .nextTryAt(NOW)
                .requestedBy("ann")
                .decidedBy("bob")
                .basis(7)
                .fingerprint("f")
                .createdAt(NOW)
                .startedAt(NOW)
                .finishedAt(NOW)
                .deadline(NOW)
                .version(5)
                .build();
        assertThat(OperationCodec.read(new Document(
                        OperationDoc.KIND,
                        OPERATION.value(),
                        TENANT.value(),
                        INSTANCE.value(),
                        "WAITING",
                        0,
                        5,
                        NOW,
                        OperationCodec.write(full))))
                .isEqualTo(full);
    }

    @Test
    void charge_phases_countWhatTheyHold() {
        Charge whole =
                new Charge(3_750, DataSize.mib(1_536).bytes(), DataSize.gib(9).bytes(), 1, 1);
        assertThat(doc().build().charge()).isEqualTo(whole);
        assertThat(doc().lifecycle(new Lifecycle.Stopped()).build().charge()).isEqualTo(whole);
        assertThat(doc().lifecycle(new Lifecycle.Recycled(NOW)).build().charge())
                .isEqualTo(new Charge(0, 0, whole.storage(), 0, 1));
        assertThat(doc().lifecycle(new Lifecycle.Failed("x")).build().charge()).isEqualTo(new Charge(0, 0, 0, 1, 1));
        assertThat(doc().lifecycle(new Lifecycle.Deleted()).build().charge()).isEqualTo(Charge.NONE);
    }

    @Test
    void charge_queuedResizeAndRecover_areReserved() {
        Resources larger = Resources.of(2, DataSize.mib(256), DataSize.gib(4));
        Charge resizing = doc().queue(List.of(
                        new InstanceDoc.Queued(OPERATION, OperationKind.RESIZE, Optional.of(larger), false, false)))
                .build()
                .charge();
        assertThat(resizing.cpuMillis()).isEqualTo(6_000);
        assertThat(resizing.memory())
                .as("what it still has")
                .isEqualTo(DataSize.mib(1_536).bytes());
        assertThat(resizing.storage()).isEqualTo(DataSize.gib(12).bytes());
        assertThat(doc().lifecycle(new Lifecycle.Recycled(NOW))
                        .queue(List.of(new InstanceDoc.Queued(
                                OPERATION, OperationKind.RECOVER, Optional.empty(), false, false)))
                        .build()
                        .charge())
                .isEqualTo(doc().build().charge());
    }

    @Test
    void projectedPhase_queue_isFollowedAndParkedIsPassed() {
        InstanceDoc.Queued stop = new InstanceDoc.Queued(OPERATION, OperationKind.STOP, Optional.empty(), false, false);
        InstanceDoc.Queued freeze =
                new InstanceDoc.Queued(OPERATION, OperationKind.FREEZE, Optional.empty(), false, false);
        assertThat(doc().queue(List.of(stop)).build().projectedPhase()).isEqualTo(Phase.STOPPED);
        assertThat(doc().queue(List.of(stop, freeze)).build().projectedPhase()).isEqualTo(Phase.FROZEN);
        assertThat(doc().queue(List.of(stop.parked(true))).build().projectedPhase())
                .isEqualTo(Phase.ACTIVE);
        assertThat(doc().lifecycle(new Lifecycle.Recycled(NOW))
                        .before(Phase.FROZEN)
                        .queue(List.of(new InstanceDoc.Queued(
                                OPERATION, OperationKind.RECOVER, Optional.empty(), false, false)))
                        .build()
                        .projectedPhase())
                .as("a frozen instance does not thaw by being deleted and recovered")
                .isEqualTo(Phase.FROZEN);
    }
}
