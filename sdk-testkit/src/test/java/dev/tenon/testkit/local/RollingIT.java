package dev.tenon.testkit.local;

import static dev.tenon.testkit.local.LocalShop.PATIENCE;
import static dev.tenon.testkit.local.LocalShop.SMALL;
import static dev.tenon.testkit.local.LocalShop.awaitWhole;
import static dev.tenon.testkit.local.LocalShop.eventually;
import static dev.tenon.testkit.local.LocalShop.primary;
import static dev.tenon.testkit.local.LocalShop.say;
import static dev.tenon.testkit.local.LocalShop.server;
import static dev.tenon.testkit.local.LocalShop.told;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.Member;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.Preview;
import dev.tenon.api.Preview.WarningCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Resources;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Call;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Interceptor;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Instances with standbys are restarted and resized one member after the other, on real servers under a writer. */
final class RollingIT {
    private static final Resources LARGE = Resources.of(0.5, DataSize.mib(512), DataSize.gib(2));

    @TempDir
    static Path directory;

    private final Stuck stuck = new Stuck();
    private LocalShop shop;

    /** Lets no member of this name start. */
    private static final class Stuck implements Interceptor {
        private volatile String member = "nobody";

        @Override
        public void before(Call call) {
            if (call.verb().equals("start") && call.subject().endsWith(member)) {
                throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "made not to start");
            }
        }

        @Override
        public void after(Call call) {}
    }

    @BeforeEach
    void open() throws Exception {
        shop = new LocalShop(directory, Intercepted.delivery(LocalDelivery.create(), stuck));
    }

    @AfterEach
    void close() {
        stuck.member = "nobody";
        shop.close();
    }

    @Test
    void restart_twoStandbys_everyServerIsNewAndOneTookOver() throws Exception {
        Instance orders = shop.create(2, Durability.STRICT);
        Preview preview = orders.preview(new Change.Restart());
        assertThat(preview.steps()).extracting(Preview.Step::name).containsExactly("roll", "sync", "publish");
        assertThat(preview.warnings())
                .extracting(Preview.Warning::code)
                .containsExactly(WarningCode.ROLLS, WarningCode.WRITES_PAUSE);
        assertThat(preview.interruption()).contains(Duration.ofSeconds(1));
        Map<String, Long> before = servers(orders);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            orders.apply(preview).await(PATIENCE);
            writer.awaitMore(50);
            say("restart, two standbys", writer);
            writer.assertNothingLost();
            assertThat(writer.longestPause).isLessThan(Duration.ofSeconds(5));
        }
        requireWhole(orders, 3);
        assertThat(primary(orders)).isNotEqualTo("m-1");
        assertThat(servers(orders))
                .allSatisfy((name, pid) -> assertThat(before.get(name)).isNotEqualTo(pid));
        assertThat(told(orders))
                .containsSubsequence(
                        "switchover.begun", "switchover.handed_over", "switchover.done", "instance.restarted");
    }

    @Test
    void resize_upAndDown_primaryNeverHasMoreThanItsStandbys() throws Exception {
        Instance orders = shop.create(2, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            orders.resize(LARGE).await(PATIENCE);
            writer.awaitMore(50);
            requireWhole(orders, 3);
            String primary = primary(orders);
            assertThat(primary).as("one took over").isNotEqualTo("m-1");
            assertThat(onAll(orders, "max_connections").values()).containsOnly("32");
            assertThat(orders.view().resources()).isEqualTo(LARGE);

            Preview down = orders.preview(Change.Resize.to(Resources.of(0.5, DataSize.mib(256), DataSize.gib(2))));
            assertThat(down.steps()).extracting(Preview.Step::name).containsExactly("roll-down", "sync", "publish");
            assertThat(down.warnings())
                    .filteredOn(w -> w.code() == WarningCode.ROLLS_PRIMARY_FIRST)
                    .singleElement()
                    .satisfies(w -> assertThat(w.values()).containsExactly("max_connections"));
            orders.apply(down).await(PATIENCE);
            writer.awaitMore(50);
            requireWhole(orders, 3);
            assertThat(primary(orders)).as("restarted where it was").isEqualTo(primary);
            assertThat(onAll(orders, "max_connections").values()).containsOnly("16");
            assertThat(onAll(orders, "shared_buffers").values()).containsOnly("64MB");
            say("resize up and down", writer);
            writer.assertNothingLost();
            assertThat(writer.longestPause).isLessThan(Duration.ofSeconds(10));
        }
    }

    @Test
    void parameters_someUpSomeDown_allMembersHaveThem() throws Exception {
        Instance orders = shop.create(1, Durability.BALANCED);
        Change.Parameters change = new Change.Parameters(
                Map.of("max_connections", "12", "max_locks_per_transaction", "80"), Set.of(), true);
        assertThat(orders.preview(change).warnings())
                .extracting(Preview.Warning::code)
                .containsExactly(
                        WarningCode.RESTARTS,
                        WarningCode.ROLLS_PRIMARY_FIRST,
                        WarningCode.WRITES_PAUSE,
                        WarningCode.WRITES_WAIT);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            orders.apply(change).await(PATIENCE);
            writer.awaitMore(50);
            // Without a restart, what is raised waits, and no standby has less than it would then need.
            orders.apply(new Change.Parameters(Map.of("max_connections", "14"), Set.of()))
                    .await(PATIENCE);
            assertThat(orders.view().pendingRestart()).containsExactly("max_connections");
            assertThat(onAll(orders, "max_connections").values()).containsOnly("12");
            orders.restart().await(PATIENCE);
            writer.awaitMore(50);
            say("parameters of a pair", writer);
            writer.assertNothingLost();
        }
        requireWhole(orders, 2);
        assertThat(orders.view().pendingRestart()).isEmpty();
        assertThat(onAll(orders, "max_connections").values()).containsOnly("14");
        assertThat(onAll(orders, "max_locks_per_transaction").values()).containsOnly("80");
    }

    @Test
    void primaryRestartedWithMore_standbyThatHasLess_isRestartedAndFollows() throws Exception {
        Instance orders = shop.create(1, Durability.STRICT);
        orders.apply(new Change.Parameters(Map.of("max_worker_processes", "10"), Set.of()))
                .await(PATIENCE);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            // Started where it was, it has what waited for a restart; the standby would replay no more.
            for (Member member : orders.view().members()) {
                server(orders, member.name()).destroyForcibly();
            }
            writer.awaitMore(50);
            awaitWhole(orders, 2);
            writer.assertNothingLost();
            assertThat(onAll(orders, "max_worker_processes").values()).containsOnly("10");
        }
    }

    @Test
    void resize_standbyDoesNotStart_parksWithItsCauseAndNothingElseIsTouched() throws Exception {
        Instance orders = shop.create(2, Durability.BALANCED);
        try (Writer writer = new Writer(orders)) {
            writer.awaitMore(50);
            Map<String, Long> before = servers(orders);
            stuck.member = "m-2";
            Operation<Instance> resize = orders.resize(LARGE);
            awaitState(resize, OperationState.PARKED);
            assertThat(resize.view().message())
                    .hasValueSatisfying(why -> assertThat(why).contains("made not to start"));
            writer.awaitMore(50);
            assertThat(servers(orders)).containsEntry("m-1", before.get("m-1")).containsEntry("m-3", before.get("m-3"));
            assertThat(orders.view().health()).isInstanceOf(Health.Degraded.class);

            stuck.member = "nobody";
            awaitWhole(orders, 3);
            // A next change is legal, and takes its place: what was begun is put back.
            orders.switchover("m-2").await(PATIENCE);
            awaitState(resize, OperationState.FAILED);
            eventually(() -> assertThat(told(orders)).contains("instance.healed"));
            assertThat(primary(orders)).as("it had more").isNotEqualTo("m-2");
            assertThat(orders.view().resources()).isEqualTo(SMALL);
            orders.restart().await(PATIENCE);
            assertThat(onAll(orders, "max_connections").values()).containsOnly("16");
            writer.awaitMore(50);
            writer.assertNothingLost();
        }
        requireWhole(orders, 3);
    }

    private static Map<String, Long> servers(Instance instance) {
        Map<String, Long> pids = new TreeMap<>();
        for (Member member : instance.view().members()) {
            MemberRef ref = new MemberRef(instance.tenant(), instance.id(), member.name());
            if (!Traces.processes(ref).isEmpty()) {
                pids.put(member.name(), Traces.mainProcess(ref).pid());
            }
        }
        return pids;
    }

    private static void requireWhole(Instance instance, int members) {
        awaitWhole(instance, members);
        assertThat(instance.view().members()).first().extracting(Member::role).isEqualTo("primary");
    }

    private static void awaitState(Operation<?> operation, OperationState state) {
        eventually(() ->
                assertThat(operation.view()).as(operation.view().toString()).returns(state, OperationView::state));
    }

    /** What each member's server has in force, asked through nothing but the URL. */
    private static Map<String, String> onAll(Instance instance, String setting) throws SQLException {
        String url = instance.view().endpoint().orElseThrow().jdbcUrl();
        String hosts = url.substring(url.indexOf("//") + 2, url.indexOf('/', url.indexOf("//") + 2));
        Map<String, String> values = new TreeMap<>();
        List<Member> members = instance.view().members();
        var credential = instance.credential();
        for (String host : hosts.split(",")) {
            try (Connection c = DriverManager.getConnection(
                            url.replace(hosts, host).replace("targetServerType=primary", "targetServerType=any"),
                            credential.user(),
                            credential.password().reveal(text -> text));
                    Statement s = c.createStatement();
                    ResultSet r = s.executeQuery("SELECT current_setting('" + setting + "'), pg_backend_pid()")) {
                r.next();
                long server = ProcessHandle.of(r.getLong(2))
                        .flatMap(ProcessHandle::parent)
                        .orElseThrow()
                        .pid();
                Member member = members.stream()
                        .filter(m -> server(instance, m.name()).pid() == server)
                        .findFirst()
                        .orElseThrow();
                values.put(member.name(), r.getString(1));
            }
        }
        return values;
    }
}
