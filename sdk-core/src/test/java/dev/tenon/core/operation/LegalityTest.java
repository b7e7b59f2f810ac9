package dev.tenon.core.operation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ConflictException;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.OperationKind;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class LegalityTest {
    /** One letter per phase in order of {@link Phase}: where the operation is refused (.) or the phase after it. */
    private static final String LEGEND = "RWPASFBDX"; // Requested, Waiting for approval, …, Bin, Deleted, X failed

    private static final Map<OperationKind, String> TABLE = Map.ofEntries(
            Map.entry(OperationKind.CREATE, "A.A......"),
            Map.entry(OperationKind.START, "....A...."),
            Map.entry(OperationKind.STOP, "...S....."),
            Map.entry(OperationKind.RESTART, "...A....."),
            Map.entry(OperationKind.FREEZE, "...FF...."),
            Map.entry(OperationKind.UNFREEZE, ".....A..."),
            Map.entry(OperationKind.RESIZE, "...AS...."),
            Map.entry(OperationKind.UPDATE, "...ASF..X"),
            Map.entry(OperationKind.ACCESS, "...AS...."),
            Map.entry(OperationKind.PARAMETERS, "...AS...."),
            Map.entry(OperationKind.DELETE, "..BBBB..B"),
            Map.entry(OperationKind.RECOVER, "......A.."),
            Map.entry(OperationKind.PURGE, "......D.D"),
            Map.entry(OperationKind.ACCOUNT_CREATE, "...A....."),
            Map.entry(OperationKind.ACCOUNT_GRANT, "...A....."),
            Map.entry(OperationKind.ACCOUNT_PASSWORD, "...A....."),
            Map.entry(OperationKind.ACCOUNT_DROP, "...A....."),
            Map.entry(OperationKind.DATABASE_CREATE, "...A....."),
            Map.entry(OperationKind.DATABASE_DROP, "...A....."),
            Map.entry(OperationKind.STANDBY_ADD, "...A....."),
            Map.entry(OperationKind.STANDBY_REMOVE, "...A....."),
            Map.entry(OperationKind.STANDBY_REBUILD, "...A....."),
            Map.entry(OperationKind.SWITCHOVER, "...A....."),
            Map.entry(OperationKind.FAILOVER, "...A....."),
            Map.entry(OperationKind.HEAL, "...ASF..."));

    static Stream<Arguments> everyKindInEveryPhase() {
        return Arrays.stream(OperationKind.values())
                .flatMap(kind -> Arrays.stream(Phase.values()).map(phase -> Arguments.of(kind, phase)));
    }

    @ParameterizedTest(name = "{0} in {1}")
    @MethodSource("everyKindInEveryPhase")
    void table_everyKindInEveryPhase_isAsWritten(OperationKind kind, Phase phase) {
        char expected = TABLE.get(kind).charAt(phase.ordinal());
        assertThat(Legality.allowed(kind, phase)).isEqualTo(expected != '.');
        if (expected == '.') {
            assertThatThrownBy(() -> Legality.require(kind, phase))
                    .isInstanceOfSatisfying(
                            ConflictException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ILLEGAL_STATE))
                    .hasMessageContaining(phase.title())
                    .hasMessageContaining("needs");
        } else {
            assertThat(Legality.after(kind, phase)).isEqualTo(Phase.values()[LEGEND.indexOf(expected)]);
        }
    }

    @Test
    void phase_everyLifecycle_hasItsOwn() {
        List<Lifecycle> all = List.of(
                new Lifecycle.Requested(),
                new Lifecycle.PendingApproval(),
                new Lifecycle.Provisioning(),
                new Lifecycle.Active(),
                new Lifecycle.Stopped(),
                new Lifecycle.Frozen(),
                new Lifecycle.Recycled(Instant.EPOCH),
                new Lifecycle.Deleted(),
                new Lifecycle.Failed("cause"));
        assertThat(all).hasSize(Lifecycle.class.getPermittedSubclasses().length);
        Set<Phase> seen = new HashSet<>();
        for (Lifecycle lifecycle : all) {
            Phase phase = Phase.of(lifecycle);
            assertThat(phase.title()).isEqualTo(lifecycle.name());
            assertThat(seen.add(phase)).isTrue();
        }
    }
}
