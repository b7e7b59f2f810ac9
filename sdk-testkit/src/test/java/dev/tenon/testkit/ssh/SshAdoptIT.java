package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Member;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
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
import dev.tenon.spi.delivery.PlaceState;
import dev.tenon.spi.store.StateStore;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that come and go while control planes run, on real OpenSSH servers. */
@NeedsDocker
class SshAdoptIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Epoch EPOCH = new Epoch(1);

    private static SshContainer first;
    private static SshContainer second;

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
        store = SqliteStore.file(directory.resolve("shared.db"), Clock.systemUTC());
        store.open();
        state = new PlaceNotes(store, new Vault(MasterKey.unkept()), "adopt");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static Consumer<HostSpec.Builder> h1() {
        return first.as("h1", "a", "root");
    }

    private static Consumer<HostSpec.Builder> db3() {
        return second.as("db3", "c", "root");
    }

    private static SshDelivery delivery(List<Consumer<HostSpec.Builder>> hosts) {
        SshDelivery.Builder builder = SshDelivery.builder().id("adopt").committedAtMost(100);
        hosts.forEach(builder::host);
        return builder.build();
    }

    private SshDelivery started(String process, PlaceState notes) {
        SshDelivery delivery = delivery(List.of());
        delivery.start(new DeliveryContext(directory.resolve(process), Clock.systemUTC(), ref -> {}, notes));
        return delivery;
    }

    private Tenon tenon(SshDelivery delivery) {
        return Tenon.builder()
                .directory(directory.resolve("installation"))
                .delivery(delivery)
                .resync(Duration.ofMillis(500))
                .build();
    }

    private static void refuses(ErrorCode code, Runnable call, String... says) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContainingAll(says);
    }

    private static List<String> threads(String host) {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.equals("tenon-adopt-host-" + host))
                .toList();
    }

    /** Connections to the container's SSH server, as it sees them. */
    private static long logins(SshContainer host) {
        return host.sh("cat /proc/net/tcp")
                .lines()
                .filter(line -> line.matches("\\s*\\d+: [0-9A-F]{8}:0016 [0-9A-F:]+ 01 .*"))
                .count();
    }

    private static int ask(Instance instance) throws Exception {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT count(*) FROM t")) {
            assertThat(r.next()).isTrue();
            return r.getInt(1);
        }
    }

    private static Optional<String> host(Instance instance) {
        return instance.view().members().stream().findFirst().flatMap(Member::host);
    }

    private boolean stored(String text) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
                    return true;
                }
            }
        }
        return false;
    }

    @Test
    void host_adopted_carriesMembersOutlivesTheControlPlaneIsEmptiedAndRemoved() throws Exception {
        SshDelivery delivery = delivery(List.of(h1()));
        try (Tenon tenon = tenon(delivery)) {
            HostStatus adopted = delivery.adopt(db3().andThen(h -> h.putLabels("rack", "7")));
            assertThat(adopted.adopted()).isTrue();
            assertThat(adopted.silent()).isEmpty();
            assertThat(adopted.labels()).containsEntry("rack", "7");
            assertThat(adopted.facts().orElseThrow().cores()).isPositive();
            assertThat(delivery.hosts()).extracting(HostStatus::name).containsExactly("h1", "db3");
            assertThat(delivery.hosts()).extracting(HostStatus::adopted).containsExactly(false, true);
            refuses(ErrorCode.NAME_TAKEN, () -> delivery.adopt(db3()), "db3");
            refuses(ErrorCode.NAME_TAKEN, () -> delivery.adopt(h1()), "h1");
            refuses(ErrorCode.SPEC_INVALID, () -> delivery.adopt(second.as("db4", "c", "root")), "host.address", "db3");
            refuses(ErrorCode.ILLEGAL_STATE, () -> delivery.remove("h1"), "builder");

            delivery.disable("h1");
            Instance orders = tenon.tenants()
                    .create(t -> t.name("shop"))
                    .instances()
                    .create(i -> i.name("orders")
                            .engine(EngineId.POSTGRESQL, "17")
                            .resources(Resources.of(0.1, DataSize.mib(256), DataSize.gib(1)))
                            .addWhitelist(Cidr.parse("172.16.0.0/12")))
                    .await(PATIENCE);
            try (Connection c = orders.dataSource().getConnection();
                    Statement s = c.createStatement()) {
                s.execute("CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
            }
            assertThat(host(orders)).contains("db3");
            refuses(ErrorCode.NOT_EMPTY, () -> delivery.remove("db3"), "db3", "m-1");
        }
        assertThat(threads("db3")).isEmpty();
        assertThat(stored("OPENSSH PRIVATE KEY")).as("in clear text").isFalse();
        assertThat(stored(second.address())).as("the description is stored").isTrue();

        SshDelivery again = delivery(List.of(h1()));
        try (Tenon tenon = tenon(again)) {
            assertThat(again.hosts()).extracting(HostStatus::name).containsExactly("h1", "db3");
            Instance orders = tenon.tenant("shop").instances().find("orders").orElseThrow();
            assertThat(ask(orders)).isEqualTo(100);
            again.enable("h1");
            again.drain("db3");
            assertThat(again.moveAway("db3", tenon, PATIENCE)).isEmpty();
            assertThat(host(orders)).contains("h1");
            again.remove("db3");
            assertThat(again.hosts()).extracting(HostStatus::name).containsExactly("h1");
            assertThat(threads("db3")).isEmpty();
            Members.within(PATIENCE, "no connection is left", () -> logins(second) == 0);
            assertThat(ask(orders)).isEqualTo(100);

            // The name is free, and nothing of what was said of it is left.
            assertThat(again.adopt(db3()).mode()).isEqualTo(HostStatus.Mode.ENABLED);
            again.remove("db3");
            orders.delete().await(PATIENCE);
            orders.purge().await(PATIENCE);
        }
    }

    @Test
    void adopt_wrong_isRefusedAndNothingIsStored() {
        try (SshDelivery delivery = started("one", state)) {
            assertThat(delivery.capacity().hosts()).isEmpty();
            refuses(
                    ErrorCode.HOST_KEY_MISMATCH,
                    () -> delivery.adopt(db3().andThen(h -> h.hostKeys(first.hostKeys()))),
                    "none of those pinned");
            assertThatThrownBy(() -> delivery.adopt(db3().andThen(h -> h.hostKeys(List.of("nonsense")))))
                    .isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.field())
                            .isEqualTo("host.hostKeys"));
            refuses(ErrorCode.PROVIDER_FAILED, () -> delivery.adopt(db3().andThen(h -> h.user("nobody"))), "let");
            refuses(ErrorCode.PROVIDER_UNAVAILABLE, () -> delivery.adopt(db3().andThen(h -> h.port(1))), "reached");
            assertThatThrownBy(
                            () -> delivery.adopt(db3().andThen(h -> h.privateKey(Secret.of("not a key: Clear-9a8b")))))
                    .isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.field())
                            .isEqualTo("host.privateKey"))
                    .message()
                    .doesNotContain("Clear-");
            assertThat(delivery.hosts()).isEmpty();
        }
        assertThat(state.list("")).isEmpty();
        assertThat(logins(second)).isZero();
    }

    @Test
    void hosts_adoptedAndRemovedByOne_areSeenByTheOther() throws Exception {
        MemberWorkload w = Members.of("a");
        try (SshDelivery here = started("here", state);
                SshDelivery there = started("there", state)) {
            here.adopt(db3());
            there.refresh();
            Members.within(PATIENCE, "it answers", () -> there.hosts().stream()
                    .anyMatch(h -> h.silent().isEmpty()));
            assertThat(there.prepare(w, EPOCH).location().orElseThrow().host()).isEqualTo("db3");
            refuses(ErrorCode.NOT_EMPTY, () -> here.remove("db3"), w.ref().externalName());
            there.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            here.remove("db3");
            refuses(ErrorCode.SOFTWARE_MISSING, () -> there.prepare(w, EPOCH), "no host");
            assertThat(there.hosts()).isEmpty();
            assertThat(threads("db3")).isEmpty();

            // The same name for another machine: nobody takes one for the other.
            here.adopt(first.as("db3", "c", "root"));
            there.refresh();
            Members.within(PATIENCE, "it answers", () -> there.hosts().stream()
                    .anyMatch(h -> h.silent().isEmpty()));
            there.prepare(w, EPOCH);
            String home = "/var/lib/tenon/adopt/members/" + w.ref().externalName();
            assertThat(first.sh("ls /var/lib/tenon/adopt/members"))
                    .contains(w.ref().externalName());
            assertThat(second.sh("if [ -d \"$1\" ]; then echo 1; fi", home)).isBlank();
            there.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            here.remove("db3");
        }
    }

    @Test
    void process_killedAfterItWrote_leavesAHostThatIsWholeOrGone() {
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
        try (SshDelivery delivery = started("dying", dying)) {
            refuses(ErrorCode.STORE_UNAVAILABLE, () -> delivery.adopt(db3()), "lost");
        }
        try (SshDelivery delivery = started("next", state)) {
            assertThat(delivery.hosts()).singleElement().satisfies(h -> {
                assertThat(h.name()).isEqualTo("db3");
                assertThat(h.silent()).isEmpty();
            });
            refuses(ErrorCode.NAME_TAKEN, () -> delivery.adopt(db3()), "db3");
        }
        try (SshDelivery delivery = started("dying again", dying)) {
            refuses(ErrorCode.STORE_UNAVAILABLE, () -> delivery.remove("db3"), "lost");
            assertThatThrownBy(() -> delivery.remove("db3")).isInstanceOf(InvalidSpecException.class);
        }
        try (SshDelivery delivery = started("last", state)) {
            assertThat(delivery.hosts()).isEmpty();
            delivery.adopt(db3());
            delivery.remove("db3");
        }
    }

    @Test
    void change_newLogin_keepsWhatItCarriesAndAnotherMachineIsRefused() throws Exception {
        MemberWorkload w = Members.of("b");
        try (SshDelivery here = started("here", state);
                SshDelivery there = started("there", state)) {
            here.adopt(db3());
            here.prepare(w, EPOCH);
            here.start(w, EPOCH, Duration.ofMinutes(1));
            refuses(
                    ErrorCode.ILLEGAL_STATE,
                    () -> here.change("db3", h -> h.address(first.address()).hostKeys(first.hostKeys())),
                    "another machine",
                    w.ref().externalName());
            refuses(ErrorCode.HOST_KEY_MISMATCH, () -> here.change("db3", h -> h.hostKeys(first.hostKeys())), "db3");
            refuses(ErrorCode.SPEC_INVALID, () -> here.change("db3", h -> h.name("db4")), "host.name");
            assertThat(here.observe(w.ref()).state()).isEqualTo(MemberState.RUNNING);

            assertThat(here.change("db3", h -> h.user(SshContainer.OPERATOR)).silent())
                    .isEmpty();
            there.refresh();
            for (SshDelivery each : List.of(here, there)) {
                Members.within(PATIENCE, "seen", () -> each.observe(w.ref()).state() == MemberState.RUNNING);
            }
            assertThat(second.sh("ps -eo args | grep '^sshd: ' || true"))
                    .contains("sshd: ops")
                    .doesNotContain("sshd: root");
            there.destroy(w.ref(), EPOCH, DestroyMode.EVERYTHING);
            here.remove("db3");
        }
    }

    /** A store that says that others use it, too, and outlives who uses it. */
    private StateStore shared() {
        return (StateStore) Proxy.newProxyInstance(
                StateStore.class.getClassLoader(), new Class<?>[] {StateStore.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "shared":
                            return true;
                        case "open", "close":
                            return null;
                        default:
                            try {
                                return method.invoke(store, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                    }
                });
    }

    @Test
    void controlPlanes_onOneStore_seeEachOthersHostsByThemselves() throws Exception {
        List<Path> homes = List.of(directory.resolve("a"), directory.resolve("b"));
        SshDelivery here = delivery(List.of());
        SshDelivery there = delivery(List.of());
        try (Tenon one = Tenon.builder()
                .directory(homes.get(0))
                .store(shared())
                .delivery(here)
                .build()) {
            Path keys = homes.get(1).resolve("keys");
            Files.createDirectories(homes.get(1));
            Files.createDirectory(
                    keys, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Files.copy(
                    homes.get(0).resolve("keys/master.key"),
                    keys.resolve("master.key"),
                    StandardCopyOption.COPY_ATTRIBUTES);
            try (Tenon other = Tenon.builder()
                    .directory(homes.get(1))
                    .store(shared())
                    .delivery(there)
                    .build()) {
                here.adopt(db3());
                Members.within(PATIENCE, "seen", () -> there.hosts().stream()
                        .anyMatch(h -> h.silent().isEmpty()));
                there.remove("db3");
                Members.within(PATIENCE, "gone", () -> here.hosts().isEmpty());
                assertThat(List.of(one, other))
                        .allMatch(tenon -> tenon.tenants().find("shop").isEmpty());
            }
        }
    }
}
