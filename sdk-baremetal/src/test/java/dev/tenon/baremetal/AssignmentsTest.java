package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenantId;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class AssignmentsTest {
    private final PlaceState state = PlaceState.inMemory();
    private final Assignments here = at(Duration.ZERO);
    private final Assignments there = at(Duration.ZERO);

    private Assignments at(Duration later) {
        return new Assignments(state, Clock.fixed(Instant.EPOCH.plus(later), ZoneOffset.UTC));
    }

    private static MemberRecord member(String name) {
        return MemberRecord.fresh(
                        new MemberRef(
                                new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), name),
                        false,
                        "",
                        1)
                .edit()
                .cpuMillis(500)
                .putSizes("data", 7)
                .build();
    }

    private static String key(String name) {
        return member(name).ref().externalName();
    }

    @Test
    void assigned_isFoundByEverybody() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        Assignments.Assigned found = there.of(key("m-1")).orElseThrow();
        assertThat(found).isEqualTo(new Assignments.Assigned("h1", member("m-1"), 1));
        assertThat(there.release(found)).isTrue();
        assertThat(there.release(found)).isFalse();
        assertThat(here.of(key("m-1"))).isEmpty();
    }

    @Test
    void release_preparedUnderANewerEpochSince_isRefused() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        Assignments.Assigned paused = here.of(key("m-1")).orElseThrow();
        Assignments.Assigned renewed = there.under(there.of(key("m-1")).orElseThrow(), new Epoch(2));
        assertThat(there.under(renewed, new Epoch(2))).isSameAs(renewed);
        assertThat(here.release(paused)).isFalse();
        assertThatThrownBy(() -> here.under(paused, new Epoch(3))).isInstanceOf(ProviderException.class);
        assertThat(there.of(key("m-1"))).contains(renewed);
    }

    @Test
    void assign_whatOthersAssignedMeanwhile_isRefused() {
        Assignments.Seen counted = here.seen();
        assertThat(there.assign(there.seen(), 0, "h1", member("m-1"))).isTrue();
        assertThat(here.assign(counted, 0, "h2", member("m-1")))
                .as("the same member")
                .isFalse();
        assertThat(here.assign(counted, 0, "h1", member("m-2")))
                .as("the same host")
                .isFalse();
        assertThat(here.of(key("m-2"))).isEmpty();
        assertThat(here.assign(counted, 0, "h2", member("m-2")))
                .as("another one")
                .isTrue();
    }

    @Test
    void mode_said_staysWhateverIsAssigned() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        assertThat(here.seen().modes()).isEmpty();
        here.mode("h1", HostStatus.Mode.DISABLED);
        assertThat(there.assign(there.seen(), 0, "h1", member("m-2"))).isTrue();
        assertThat(here.seen().modes()).containsEntry("h1", HostStatus.Mode.DISABLED);
    }

    @Test
    void assign_afterTheModeChanged_isRefused() {
        Assignments.Seen counted = here.seen();
        there.mode("h1", HostStatus.Mode.DISABLED);
        assertThat(here.assign(counted, 0, "h1", member("m-1"))).isFalse();
    }

    @Test
    void destroyed_underANewerEpoch_isNotAssignedAgainByWhoWasSlow() {
        Epoch old = new Epoch(1);
        Epoch fresh = new Epoch(2);
        assertThat(here.gone(key("m-1"), old)).isZero();
        assertThat(there.assign(there.seen(), 0, "h1", member("m-1"))).isTrue();
        assertThat(there.destroyed(there.of(key("m-1")).orElseThrow(), fresh)).isTrue();
        assertThat(here.assign(here.seen(), 0, "h2", member("m-1")))
                .as("asked before")
                .isFalse();
        assertThatThrownBy(() -> here.gone(key("m-1"), old))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));

        at(Duration.ofHours(23)).forgetDestroyed();
        long gone = there.gone(key("m-1"), fresh);
        assertThat(gone).isPositive();
        at(Duration.ofHours(25)).forgetDestroyed();
        assertThat(here.gone(key("m-1"), old)).isZero();
        assertThat(there.assign(there.seen(), gone, "h1", member("m-1"))).isFalse();
        assertThat(there.assign(there.seen(), 0, "h1", member("m-1"))).isTrue();
    }

    @Test
    void adopt_membersWithoutANote_areNoted() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        assertThat(here.strangers(List.of(key("m-1"), key("m-2")))).containsExactly(key("m-2"));
        assertThat(here.adopt("h2", member("m-2"))).isTrue();
        assertThat(there.adopt("h1", member("m-2"))).isFalse();
        assertThat(here.of(key("m-2")).orElseThrow().host()).isEqualTo("h2");
    }

    @Test
    void givenUp_isNowhereAndItsHostRemembersUntilItIsRemoved() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        assertThat(there.givenUp(there.of(key("m-1")).orElseThrow(), new Epoch(3)))
                .isTrue();
        assertThat(here.of(key("m-1"))).isEmpty();
        assertThat(here.left("h")).isEmpty();
        assertThat(here.left("h1"))
                .singleElement()
                .satisfies(left -> assertThat(left.promised().epoch()).isEqualTo(3));
        assertThat(here.seen().left()).containsExactly(Assignments.place("h1", key("m-1")));

        long gone = here.gone(key("m-1"), new Epoch(3));
        assertThatThrownBy(() -> here.gone(key("m-1"), new Epoch(2)))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
        assertThat(here.adopt("h1", member("m-1"))).as("found there again").isFalse();
        assertThat(here.assign(here.seen(), gone, "h1", member("m-1")))
                .as("beside what is left")
                .isFalse();
        assertThat(here.assign(here.seen(), gone, "h2", member("m-1"))).isTrue();
        assertThat(here.removed(here.left("h1").get(0))).isTrue();
        assertThat(there.left("h1")).isEmpty();
        assertThat(there.of(key("m-1")).orElseThrow().host()).isEqualTo("h2");
    }

    @Test
    void givenUp_preparedUnderANewerEpoch_isRefused() {
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        Assignments.Assigned renewed = there.under(there.of(key("m-1")).orElseThrow(), new Epoch(5));
        assertThatThrownBy(() -> here.givenUp(renewed, new Epoch(4)))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
        assertThat(here.of(key("m-1"))).isPresent();
    }

    @Test
    void lost_isSaidOfAHostUntilItIsEnabled() {
        assertThat(here.lost("h1")).isFalse();
        here.mode("h1", HostStatus.Mode.LOST);
        assertThat(there.lost("h1")).isTrue();
        there.mode("h1", HostStatus.Mode.ENABLED);
        assertThat(here.lost("h1")).isFalse();
    }

    @Test
    void mode_saidAgain_isTheSameUntilItWasAnotherInBetween() {
        assertThat(here.draining("h1")).isEmpty();
        here.mode("h1", HostStatus.Mode.DRAINING);
        long since = here.draining("h1").orElseThrow();
        assertThat(here.assign(here.seen(), 0, "h1", member("m-1"))).isTrue();
        there.mode("h1", HostStatus.Mode.DRAINING);
        assertThat(there.draining("h1")).hasValue(since);
        here.mode("h1", HostStatus.Mode.ENABLED);
        assertThat(here.draining("h1")).isEmpty();
        here.mode("h1", HostStatus.Mode.DRAINING);
        assertThat(here.draining("h1").orElseThrow()).isGreaterThan(since);
    }
}
