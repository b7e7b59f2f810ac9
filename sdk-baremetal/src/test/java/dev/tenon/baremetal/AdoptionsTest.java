package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.workload.MemberRef;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is noted of hosts that come and go, by several control planes at once. */
class AdoptionsTest {
    private static final HostSpec SPEC = HostSpec.builder()
            .name("db3")
            .zone("c")
            .address("192.0.2.13")
            .port(2222)
            .user("ops")
            .privateKey(Secret.of("Clear-9a8b"))
            .password(Secret.of("Clear-4c5d"))
            .addHostKeys("ssh-ed25519 AAAA", "ssh-rsa BBBB")
            .clientAddress("db3.example")
            .memberAddress("10.0.0.3")
            .listen("10.0.0.3")
            .putLabels("rack", "7")
            .enabled(false)
            .build();
    private static final MemberRecord MEMBER = MemberRecord.fresh(
            new MemberRef(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"), new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"), "m-1"),
            false,
            "",
            1);
    private static final String KEY = MEMBER.ref().externalName();

    private final PlaceState state = PlaceState.inMemory();
    private final Assignments assignments = new Assignments(state, Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));
    private final Adoptions here = new Adoptions(state, assignments);
    private final Adoptions there = new Adoptions(state, assignments);

    private Adoptions.Adopted only() {
        assertThat(here.list()).hasSize(1);
        return here.list().get(0);
    }

    @Test
    void adopted_isFoundWholeByEverybodyAndItsSecretsAreSealed() {
        assertThat(there.list()).isEmpty();
        assertThat(there.edition()).isZero();
        assertThat(here.add(SPEC, "one")).isTrue();
        assertThat(there.edition()).isEqualTo(1);
        assertThat(there.list()).containsExactly(new Adoptions.Adopted(SPEC, "one", 1));
        assertThat(state.list("")).allSatisfy(note -> assertThat(note.text()).doesNotContain("Clear-"));
    }

    @Test
    void add_nameTakenMeanwhile_isRefusedWhole() {
        assertThat(there.add(SPEC, "one")).isTrue();
        assertThat(here.add(SPEC, "two")).isFalse();
        assertThat(only().adoption()).isEqualTo("one");
        assertThat(assignments.seen().adoptions()).containsEntry("db3", "one");
    }

    @Test
    void change_isSeenAndTheAdoptionStays() {
        assertThat(here.add(SPEC, "one")).isTrue();
        Adoptions.Adopted known = only();
        HostSpec rotated = HostSpec.builder()
                .from(SPEC)
                .password(Secret.of("Clear-6e7f"))
                .hostKeys(List.of("ssh-ed25519 CCCC"))
                .build();
        assertThat(here.change(known, rotated)).isTrue();
        assertThat(only()).isEqualTo(new Adoptions.Adopted(rotated, "one", 2));
        assertThat(there.edition()).isEqualTo(2);
        assertThat(there.change(known, SPEC)).as("of what was known before").isFalse();
        assertThat(there.remove(known, assignments.seen())).isFalse();
    }

    @Test
    void remove_leavesNothingButTheEdition() {
        assertThat(here.add(SPEC, "one")).isTrue();
        assignments.mode("db3", HostStatus.Mode.DISABLED);
        assertThat(assignments.seen().adoptions()).as("kept").containsEntry("db3", "one");
        assertThat(here.remove(only(), assignments.seen())).isTrue();
        assertThat(there.list()).isEmpty();
        assertThat(state.list("")).singleElement().satisfies(note -> assertThat(note.version())
                .isEqualTo(2));
    }

    @Test
    void remove_somethingPlacedThereMeanwhile_isRefused() {
        assertThat(here.add(SPEC, "one")).isTrue();
        Assignments.Seen counted = assignments.seen();
        assertThat(counted.on("db3")).isEmpty();
        assertThat(assignments.assign(counted, 0, "db3", MEMBER)).isTrue();
        assertThat(here.remove(only(), counted)).isFalse();
        assertThat(assignments.seen().on("db3")).containsExactly(KEY);
        assertThat(assignments.givenUp(assignments.of(KEY).orElseThrow(), new Epoch(2)))
                .isTrue();
        assertThat(assignments.seen().on("db3")).as("still to be removed").containsExactly(KEY);
        assertThat(assignments.seen().on("db")).isEmpty();
    }

    @Test
    void assign_hostRemovedMeanwhile_isRefused() {
        assertThat(here.add(SPEC, "one")).isTrue();
        Assignments.Seen counted = assignments.seen();
        assertThat(there.remove(only(), counted)).isTrue();
        assertThat(assignments.assign(counted, 0, "db3", MEMBER)).isFalse();
        assertThat(assignments.seen().adoptions()).doesNotContainKey("db3");
    }

    @Test
    void add_nameOfWhichSomethingWasSaidBefore_keepsThat() {
        assignments.mode("db3", HostStatus.Mode.LOST);
        assertThat(assignments.assign(assignments.seen(), 0, "db3", MEMBER)).isTrue();
        assertThat(here.add(SPEC, "one")).isTrue();
        assertThat(assignments.seen().modes()).containsEntry("db3", HostStatus.Mode.LOST);
        assertThat(assignments.seen().on("db3")).containsExactly(KEY);
    }
}
