package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.baremetal.HostSpec;
import dev.tenon.baremetal.HostStatus;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.core.catalogue.PlaceNotes;
import dev.tenon.core.secret.MasterKey;
import dev.tenon.core.secret.Vault;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.delivery.DeliveryContext;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.workload.MemberWorkload;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several control planes and processes that die agree where members are: two deliveries over one store, on two real hosts. */
@NeedsDocker
class SshAssignmentsIT {
    private static final Epoch EPOCH = new Epoch(1);
    private static final Duration PROMPTLY = Duration.ofSeconds(8);

    private static SshContainer first;
    private static SshContainer second;
    private static Consumer<HostSpec.Builder> h1;
    private static Consumer<HostSpec.Builder> h2;

    @TempDir
    Path directory;

    private SqliteStore store;
    private PlaceState state;

    @BeforeAll
    static void hosts() {
        first = new SshContainer();
        second = new SshContainer();
        first.start();
        second.start();
        h1 = first.as("h1", "a", "root");
        h2 = second.as("h2", "b", "root").andThen(h -> h.putLabels("rack", "7"));
    }

    @AfterAll
    static void noHosts() {
        if (first != null) {
            first.stop();
            second.stop();
        }
    }

    @BeforeEach
    void open() {
        store = SqliteStore.file(directory.resolve("store.db"), Clock.systemUTC());
        store.open();
        state = new PlaceNotes(store, new Vault(MasterKey.unkept()), "shared");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private SshDelivery started(String process, PlaceState notes) {
        SshDelivery delivery = SshDelivery.builder()
                .id("shared")
                .host(h1)
                .host(h2)
                .committedAtMost(100)
                .build();
        delivery.start(new DeliveryContext(directory.resolve(process), Clock.systemUTC(), ref -> {}, notes));
        return delivery;
    }

    private static SshContainer container(ObservedMember seen) {
        return seen.location().orElseThrow().host().equals("h1") ? first : second;
    }

    private Optional<PlaceState.Note> note(MemberWorkload workload) {
        return state.find("member/" + workload.ref().externalName());
    }

    private static int homes(MemberWorkload workload) {
        int found = 0;
        for (SshContainer host : List.of(first, second)) {
            String path = "/var/lib/tenon/shared/members/" + workload.ref().externalName();
            found += host.sh("if [ -d \"$1\" ]; then echo 1; fi", path).isBlank() ? 0 : 1;
        }
        return found;
    }

    @Test
    void memberOfADeadHost_placedByAnother_isUnknownAndNotMadeTwice() throws Exception {
        MemberWorkload w = Members.of("a");
        // Both have looked at both hosts before anything is there.
        try (SshDelivery here = started("here", state);
                SshDelivery there = started("there", state)) {
            assertThat(there.observe(w.ref()).state()).isEqualTo(MemberState.ABSENT);
            SshContainer host = container(here.prepare(w, EPOCH));
            here.start(w, EPOCH, Duration.ofMinutes(1));
            host.pause();
            try {
                Members.within(PROMPTLY, "unknown, and soon", () -> there.observe(w.ref())
                        .state()
                        .equals(MemberState.UNKNOWN));
                assertThatThrownBy(() -> there.prepare(w, EPOCH))
                        .isInstanceOfSatisfying(ProviderException.class, e -> assertThat(e.code())
                                .isIn(ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.TIMEOUT));
                try (SshDelivery later = started("later", state)) {
                    assertThat(later.observe(w.ref()).state()).isEqualTo(MemberState.UNKNOWN);
                    assertThat(later.members()).contains(w.ref());
                    // What has nothing to do with that host goes on.
                    MemberWorkload other = Members.of("b");
                    assertThat(container(later.prepare(other, EPOCH))).isNotSameAs(host);
                    later.destroy(other.ref(), EPOCH, DestroyMode.EVERYTHING);
                }
            } finally {
                host.resume();
            }
            Members.within(Duration.ofMinutes(1), "seen again", () -> there.observe(w.ref())
                    .state()
                    .equals(MemberState.RUNNING));
            assertThat(homes(w)).isEqualTo(1);
            there.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            assertThat(here.observe(w.ref()).state()).isEqualTo(MemberState.ABSENT);
            assertThat(note(w)).isEmpty();
        }
    }

    @Test
    void process_killedAfterItChose_leavesOneMemberOnThatHost() {
        MemberWorkload w = Members.of("c");
        PlaceState dying = new PlaceState() {
            @Override
            public Optional<Note> find(String key) {
                return state.find(key);
            }

            @Override
            public List<Note> list(String prefix) {
                return state.list(prefix);
            }

            @Override
            public boolean write(List<Write> writes) {
                state.write(writes);
                throw new ProviderException(ErrorCode.STORE_UNAVAILABLE, "the answer was lost");
            }

            @Override
            public String seal(String key, long version, Map<String, Secret> secrets) {
                return state.seal(key, version, secrets);
            }

            @Override
            public Map<String, Secret> open(String key, long version, String sealed) {
                return state.open(key, version, sealed);
            }
        };
        String chosen;
        try (SshDelivery delivery = started("dying", dying)) {
            assertThatThrownBy(() -> delivery.prepare(w, EPOCH)).isInstanceOf(ProviderException.class);
            assertThat(homes(w)).isZero();
            chosen = note(w).orElseThrow().text();
        }
        try (SshDelivery delivery = started("next", state)) {
            assertThat(delivery.observe(w.ref()).state()).isEqualTo(MemberState.ABSENT);
            // Even if another host would be chosen now.
            String host = chosen.contains("\"host\":\"h1\"") ? "h1" : "h2";
            delivery.disable(host);
            assertThat(delivery.prepare(w, EPOCH).location().orElseThrow().host())
                    .isEqualTo(host);
            assertThat(homes(w)).isEqualTo(1);
            delivery.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            delivery.enable(host);
        }
    }

    @Test
    void host_disabledByOne_takesNothingNewFromAnybodyEver() {
        try (SshDelivery here = started("here", state);
                SshDelivery there = started("there", state)) {
            here.disable("h1");
            assertThat(there.capacity().hosts())
                    .extracting(h -> h.location().host())
                    .containsExactly("h2");
        }
        MemberWorkload w = Members.of("d");
        try (SshDelivery later = started("later", state)) {
            assertThat(container(later.prepare(w, EPOCH))).isSameAs(second);
            later.disable("h2");
            assertThatThrownBy(() -> later.prepare(Members.of("e"), EPOCH))
                    .hasMessageContaining("h1 (a): is disabled")
                    .hasMessageContaining("h2 (b): is disabled");
            assertThat(later.hosts()).extracting(HostStatus::name).containsExactly("h1", "h2");
            HostStatus status = later.hosts().get(1);
            assertThat(status.mode()).isEqualTo(HostStatus.Mode.DISABLED);
            assertThat(status.members()).containsExactly(w.ref());
            assertThat(status.promised()).isEqualTo(new HostStatus.Room(100, DataSize.mib(256), DataSize.mib(256)));
            assertThat(status.usable().cpuMillis())
                    .isEqualTo(1000L * status.facts().orElseThrow().cores());
            assertThat(status.silent()).isEmpty();
            assertThat(status.labels()).containsEntry("rack", "7");
            later.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            later.enable("h1");
            later.enable("h2");
        }
    }

    @Test
    void membersFromBeforeThereWereNotes_areNotedWhenTheirHostAnswers() {
        MemberWorkload w = Members.of("f");
        try (SshDelivery before = started("before", PlaceState.inMemory())) {
            before.prepare(w, EPOCH);
        }
        try (SshDelivery delivery = started("after", state)) {
            assertThat(delivery.observe(w.ref()).state()).isEqualTo(MemberState.STOPPED);
            assertThat(note(w)).isPresent();
            delivery.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
        }
    }
}
