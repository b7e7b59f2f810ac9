package dev.tenon.testkit.proof;

import static dev.tenon.testkit.proof.World.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Actor;
import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationState;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Preview;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenonException;
import dev.tenon.testkit.sim.SimulatedEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bad inputs over the SDK: each gets its code, and neither the store nor the place is touched. The numbers are those of the
 * project's list of bad inputs.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BadInputsTest {
    private static final Secret GOOD = Secret.of("correct horse battery");
    private static final String[] KINDS = {"tenant", "instance", "operation", "secret"};

    @TempDir
    static Path directory;

    private World world;
    private World.Running running;
    private Tenant shop;
    private Tenant strict;
    private Instance orders;

    @BeforeAll
    void open() {
        world = new World(directory);
        running = world.start();
        shop = World.tenant(running.tenon, "shop");
        strict = running.tenon
                .tenants()
                .create(t -> t.name("strict").approvalRequired(true).quota(q -> q.cpus(2)
                        .memory(DataSize.gib(1))
                        .storage(DataSize.gib(4))
                        .instances(2)));
        orders = World.created(shop, "orders");
        World.quiet(shop);
    }

    @AfterAll
    void close() {
        world.close();
    }

    private record Row(int number, String what, ErrorCode code, Consumer<BadInputsTest> call) {
        @Override
        public String toString() {
            String shown = what.length() > 40 ? what.substring(0, 40) + "…" : what;
            StringBuilder printable = new StringBuilder("row " + number + ": ");
            shown.codePoints().forEach(c -> {
                if (c < ' ' || c > '~') {
                    printable.append(String.format("U+%04X", c));
                } else {
                    printable.appendCodePoint(c);
                }
            });
            return printable + " -> " + code;
        }
    }

    private static void each(
            List<Row> rows, int number, String what, ErrorCode code, List<String> values, BiCall call) {
        for (String value : values) {
            rows.add(new Row(number, what + " " + value, code, t -> call.with(t, value)));
        }
    }

    @FunctionalInterface
    private interface BiCall {
        void with(BadInputsTest test, String value);
    }

    private void create(Consumer<InstanceSpec.Builder> more) {
        InstanceSpec.Builder spec = World.spec("fresh");
        more.accept(spec);
        shop.instances().create(spec.build());
    }

    private static Consumer<BadInputsTest> size(double cpus) {
        return t -> t.shop.instances().create(s -> s.name("fresh")
                .engine(SimulatedEngine.SIMDB, "2")
                .size(cpus, DataSize.mib(256), DataSize.gib(1)));
    }

    static Stream<Row> rows() {
        List<Row> rows = new ArrayList<>();
        List<String> bad1 = List.of("", "   ", "a".repeat(64), "a".repeat(10_000));
        List<String> bad2 = List.of("a.b", "-a", "a-", "A_b", "Orders");
        List<String> bad3 = List.of("a/b", "..", "a\\b", "../../etc");
        List<String> bad4 = List.of("a\0b", "a\rb", "a\nb", "a\tb", "a\u001bb");
        List<String> bad5 = List.of("订单", "a\uD83D\uDE00", "a\u202Eb", "a\u200Db", "é");
        BiCall name = (t, v) -> t.create(s -> s.name(v));
        BiCall tenant = (t, v) -> t.running.tenon.tenants().create(s -> s.name(v));
        for (BiCall call : List.of(name, tenant)) {
            each(rows, 1, "name", ErrorCode.NAME_INVALID, bad1, call);
            each(rows, 2, "name", ErrorCode.NAME_INVALID, bad2, call);
            each(rows, 3, "name", ErrorCode.NAME_INVALID, bad3, call);
            each(rows, 4, "name", ErrorCode.NAME_INVALID, bad4, call);
            each(rows, 5, "name", ErrorCode.NAME_INVALID, bad5, call);
            each(
                    rows,
                    7,
                    "name",
                    ErrorCode.RESERVED,
                    List.of("default", "kube-system", "postgres", "template0", "sys", "sysdba"),
                    call);
        }
        each(
                rows,
                5,
                "display name",
                ErrorCode.NAME_INVALID,
                List.of("a\u202Eb", "a\u200Db", "a\nb", " ", "a\0"),
                (t, v) -> t.create(s -> s.displayName(v)));
        each(
                rows,
                5,
                "display name in a change",
                ErrorCode.NAME_INVALID,
                List.of("a\u202Eb", "a\u001bb"),
                (t, v) -> t.orders.apply(
                        new Change.Update(Optional.of(v), Optional.empty(), Optional.empty(), Optional.empty())));
        rows.add(new Row(6, "the same name again", ErrorCode.NAME_TAKEN, t -> t.create(s -> s.name("orders"))));
        rows.add(new Row(6, "the same tenant again", ErrorCode.NAME_TAKEN, t -> t.running
                .tenon
                .tenants()
                .create(s -> s.name("shop"))));
        for (double cpus : new double[] {0, -1, 1e9, Double.NaN, Double.POSITIVE_INFINITY, 1e-7}) {
            rows.add(new Row(11, "processors " + cpus, ErrorCode.SIZE_INVALID, size(cpus)));
        }
        each(
                rows,
                12,
                "memory",
                ErrorCode.SIZE_INVALID,
                List.of(
                        "512",
                        "1.5Gi",
                        "9223372036854775808",
                        "9223372036854775808B",
                        "1e400",
                        "-1MiB",
                        "0B",
                        "1MiB",
                        "5000TiB"),
                (t, v) -> t.create(s -> s.resources(Resources.of(1, DataSize.parse(v), DataSize.gib(1)))));
        rows.add(new Row(
                13,
                "storage shrinks",
                ErrorCode.SHRINK_UNSUPPORTED,
                t -> t.orders.resize(Resources.of(0.5, DataSize.mib(256), DataSize.mib(512)))));
        rows.add(new Row(14, "more processors than the quota", ErrorCode.QUOTA_EXCEEDED, t -> t.strict
                .instances()
                .create(World.spec("fresh")
                        .resources(Resources.of(3, DataSize.mib(256), DataSize.gib(1)))
                        .build())));
        rows.add(new Row(14, "more memory than the quota", ErrorCode.QUOTA_EXCEEDED, t -> t.strict
                .instances()
                .create(World.spec("fresh")
                        .resources(Resources.of(1, DataSize.gib(2), DataSize.gib(1)))
                        .build())));
        rows.add(new Row(
                14,
                "resized beyond the quota",
                ErrorCode.QUOTA_EXCEEDED,
                t -> t.orders.resize(Resources.of(256, DataSize.gib(2_000), DataSize.gib(1)))));
        each(
                rows,
                15,
                "engine",
                ErrorCode.ENGINE_UNKNOWN,
                List.of("oracle", "postgres; rm", "", "SIMDB"),
                (t, v) -> t.create(s -> s.engine(new EngineId(v), "2")));
        each(
                rows,
                15,
                "version",
                ErrorCode.VERSION_UNKNOWN,
                List.of("3", "16.x; rm", "", "2\n", "latest", "-1"),
                (t, v) -> t.create(s -> s.version(v)));
        rows.add(new Row(15, "plan", ErrorCode.PLAN_UNKNOWN, t -> t.shop.instances()
                .create(s -> s.name("fresh").engine(SimulatedEngine.SIMDB, "2").plan("no-such-plan"))));
        rows.add(new Row(15, "delivery", ErrorCode.SPEC_INVALID, t -> t.create(s -> s.delivery("no-such-place"))));
        rows.add(new Row(15, "plan and size", ErrorCode.SIZE_INVALID, t -> t.create(s -> s.plan("small"))));
        for (int size : new int[] {-1, 0, 501, 1_000_000_000}) {
            rows.add(new Row(23, "page size " + size, ErrorCode.PAGE_INVALID, t -> t.shop.instances()
                    .list(InstanceFilter.none(), PageRequest.first(size))));
        }
        each(
                rows,
                23,
                "cursor",
                ErrorCode.PAGE_INVALID,
                List.of("", "forged", "AAAA.BBBB", "x".repeat(10_000), "'; drop table"),
                (t, v) -> t.shop.instances().list(InstanceFilter.none(), new PageRequest(1, Optional.of(v))));
        each(
                rows,
                28,
                "id",
                ErrorCode.ID_INVALID,
                List.of(
                        "1 OR 1=1",
                        "",
                        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                        "i-".repeat(5_000),
                        "i-AAAAAAAAAAAAAAAAAAAA",
                        "t-aaaaaaaaaaaaaaaaaaaa"),
                (t, v) -> t.shop.instances().get(new InstanceId(v)));
        each(
                rows,
                28,
                "id",
                ErrorCode.ID_INVALID,
                List.of("1 OR 1=1", "", "i-aaaaaaaaaaaaaaaaaaaa"),
                (t, v) -> t.running.tenon.tenants().get(new TenantId(v)));
        each(rows, 28, "id", ErrorCode.ID_INVALID, List.of("1 OR 1=1", ""), (t, v) -> t.shop.operations()
                .get(new OperationId(v)));
        List<String> quoting = List.of("a\"b", "a'b", "a;b", "a\\b", "a\rb", "a\nb", "A", "1a", "", "a b", "é");
        List<String> tooLong = List.of("a".repeat(64), "a" + "é".repeat(40));
        List<String> reserved = List.of("pg_read_server_files", "pg_x", "postgres", "replicator", "sysdba", "tenon_x");
        BiCall account = (t, v) -> t.orders.accounts().create(v, Optional.of(GOOD), Set.of(Grant.READ));
        BiCall database = (t, v) -> t.orders.databases().create(v, "app_owner");
        BiCall first = (t, v) -> t.create(s -> s.database(v));
        BiCall owner = (t, v) -> t.create(s -> s.owner(v));
        for (BiCall call : List.of(account, database, first, owner)) {
            each(rows, 29, "name in the database", ErrorCode.NAME_INVALID, quoting, call);
            each(rows, 30, "name in the database", ErrorCode.NAME_INVALID, tooLong, call);
            each(rows, 31, "name in the database", ErrorCode.RESERVED, reserved, call);
        }
        BiCall password = (t, v) -> t.create(s -> s.password(Secret.of(v)));
        BiCall passwordOfAccount =
                (t, v) -> t.orders.accounts().create("app_reader", Optional.of(Secret.of(v)), Set.of());
        BiCall reset = (t, v) -> t.orders.accounts().resetPassword("app_owner", Optional.of(Secret.of(v)));
        for (BiCall call : List.of(password, passwordOfAccount, reset)) {
            each(
                    rows,
                    33,
                    "password",
                    ErrorCode.PASSWORD_POLICY,
                    List.of("with a NUL \0 inside", "x".repeat(16_385), "short"),
                    call);
            each(rows, 34, "password", ErrorCode.PASSWORD_POLICY, List.of("password1234", "PasswordPassword"), call);
            each(
                    rows,
                    35,
                    "password",
                    ErrorCode.PASSWORD_POLICY,
                    List.of("SCRAM-SHA-256$4096:c2FsdA==$a:b", "md5" + "0123456789abcdef".repeat(2)),
                    call);
        }
        rows.add(new Row(
                34,
                "password equal to the user's name",
                ErrorCode.PASSWORD_POLICY,
                t -> t.create(s -> s.owner("administrators").password(Secret.of("Administrators")))));
        BiCall greeting = (t, v) -> t.create(s -> s.parameter("greeting", v));
        each(
                rows,
                36,
                "parameter value",
                ErrorCode.PARAMETER_INVALID,
                List.of("on'\nshared_preload_libraries='x", "a\0", "a\rb"),
                greeting);
        each(
                rows,
                36,
                "parameter value in a change",
                ErrorCode.PARAMETER_INVALID,
                List.of("on'\nx='y"),
                (t, v) -> t.orders.apply(new Change.Parameters(Map.of("greeting", v), Set.of())));
        each(
                rows,
                37,
                "parameter",
                ErrorCode.PARAM_FORBIDDEN,
                List.of("archive_command", "ssl_key_file", "data_directory"),
                (t, v) -> t.create(s -> s.parameter(v, "x")));
        each(
                rows,
                37,
                "parameter in a change",
                ErrorCode.PARAM_FORBIDDEN,
                List.of("archive_command", "data_directory"),
                (t, v) -> t.orders.apply(new Change.Parameters(Map.of(v, "x"), Set.of())));
        each(
                rows,
                38,
                "buffer_size",
                ErrorCode.PARAMETER_INVALID,
                List.of("100000", "257"),
                (t, v) -> t.create(s -> s.parameter("buffer_size", v)));
        rows.add(new Row(
                38,
                "buffer_size in a change",
                ErrorCode.PARAMETER_INVALID,
                t -> t.orders.apply(new Change.Parameters(Map.of("buffer_size", "100000"), Set.of()))));
        Map.of(
                        "buffer_size", "128MB",
                        "max_sessions", "0",
                        "work_size", "1.5",
                        "checkpoint_seconds", "1",
                        "cost_factor", "NaN",
                        "log_level", "verbose",
                        "fast_commit", "yes",
                        "no_such_parameter", "1")
                .forEach((n, v) -> {
                    rows.add(new Row(
                            39, n + "=" + v, ErrorCode.PARAMETER_INVALID, t -> t.create(s -> s.parameter(n, v))));
                    rows.add(new Row(
                            39,
                            n + "=" + v + " in a change",
                            ErrorCode.PARAMETER_INVALID,
                            t -> t.orders.apply(new Change.Parameters(Map.of(n, v), Set.of()))));
                });
        each(
                rows,
                63,
                "whitelist",
                ErrorCode.CIDR_INVALID,
                List.of("1.2.3.4/33", "1.2.3.4 trust", "example.org", "1.2.3.4/8", "::/129", "01.2.3.4", "1.2.3", ""),
                (t, v) -> t.create(s -> s.whitelist(List.of(Cidr.parse(v)))));
        rows.add(new Row(
                63,
                "10,000 entries",
                ErrorCode.CIDR_INVALID,
                t -> t.create(s -> s.whitelist(IntStream.range(0, 10_000)
                        .mapToObj(i -> Cidr.parse("10.0." + i / 256 + "." + i % 256))
                        .toList()))));
        rows.add(new Row(
                63,
                "an entry twice",
                ErrorCode.CIDR_INVALID,
                t -> t.orders.apply(new Change.Access(List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("10.0.0.0/8"))))));
        rows.add(new Row(
                69,
                "an old version",
                ErrorCode.VERSION_CONFLICT,
                t -> t.orders.apply(new Change.Stop(), t.orders.view().version() - 1)));
        rows.add(new Row(70, "purge of what runs", ErrorCode.ILLEGAL_STATE, t -> t.orders.purge()));
        rows.add(new Row(70, "recover of what runs", ErrorCode.ILLEGAL_STATE, t -> t.orders.recover()));
        rows.add(new Row(
                70,
                "retention of two years",
                ErrorCode.SPEC_INVALID,
                t -> t.orders.apply(new Change.Delete(Optional.of(Duration.ofDays(730))))));
        rows.add(new Row(
                70,
                "negative retention",
                ErrorCode.SPEC_INVALID,
                t -> t.orders.apply(new Change.Delete(Optional.of(Duration.ofDays(-1))))));
        return rows.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void call_badInput_isRefusedAndTouchesNothing(Row row) {
        String stored = world.dump(KINDS);
        String placed = world.place.dump();
        long changes = world.place.changes();
        assertThatThrownBy(() -> row.call().accept(this)).isInstanceOfSatisfying(TenonException.class, e -> {
            assertThat(e.code()).as("%s", e.getMessage()).isEqualTo(row.code());
            assertThat(e.getMessage()).hasSizeLessThan(1_000);
        });
        assertThat(world.dump(KINDS)).isEqualTo(stored);
        assertThat(world.place.dump()).isEqualTo(placed);
        assertThat(world.place.changes()).isEqualTo(changes);
    }

    @ParameterizedTest(name = "row 33: {0}")
    @MethodSource("oddPasswords")
    void row33_oddButLegalPassword_opensTheDoor(String what, String password) {
        Instance odd = World.created(
                shop, "odd-" + Integer.toHexString(password.hashCode()), s -> s.password(Secret.of(password)));
        assertThat(world.place.canLogIn(
                        new dev.tenon.spi.workload.MemberRef(odd.tenant(), odd.id(), "m-1"),
                        "app_owner",
                        Secret.of(password)))
                .isTrue();
        assertThat(odd.credential().password()).isEqualTo(Secret.of(password));
        odd.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    static Stream<org.junit.jupiter.params.provider.Arguments> oddPasswords() {
        return Stream.of(
                        "quote ' and \" in it",
                        "back\\slash \\' inside",
                        "dollar $$ quoting $a$",
                        "new\nline in the middle",
                        " ".repeat(20),
                        "x".repeat(10_240),
                        "密码密码密码密码密码密码")
                .map(p -> org.junit.jupiter.params.provider.Arguments.of(
                        p.substring(0, Math.min(30, p.length())).replaceAll("[^ -~]", "?"), p));
    }

    @Test
    void row5_displayNameInAnyScript_isKeptComposed() {
        Instance named = World.created(shop, "named", s -> s.displayName("订单 Cafe\u0301"));
        assertThat(named.view().spec().displayName()).contains("订单 Café");
        named.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    @Test
    void row8_sameKeyTwice_isTheSameOperation() {
        RequestKey key = new RequestKey("key-8", "body-a");
        InstanceSpec spec = World.spec("once").build();
        Operation<Instance> first =
                running.tenon.under(key).tenant("shop").instances().create(spec);
        Operation<Instance> second =
                running.tenon.under(key).tenant("shop").instances().create(spec);
        assertThat(second.id()).isEqualTo(first.id());
        Instance once = first.await(PATIENCE);
        assertThat(running.tenon
                        .under(key)
                        .tenant("shop")
                        .instances()
                        .create(spec)
                        .id())
                .isEqualTo(first.id());
        once.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    @Test
    void row9_sameKeyOtherBody_isRefused() {
        InstanceSpec spec = World.spec("mismatch").build();
        Instance made = running.tenon
                .under(new RequestKey("key-9", "body-a"))
                .tenant("shop")
                .instances()
                .create(spec)
                .await(PATIENCE);
        World.quiet(shop);
        String stored = world.dump(KINDS);
        assertThatThrownBy(() -> running.tenon
                        .under(new RequestKey("key-9", "body-b"))
                        .tenant("shop")
                        .instances()
                        .create(World.spec("mismatch-b").build()))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.IDEMPOTENCY_MISMATCH));
        assertThat(world.dump(KINDS)).isEqualTo(stored);
        made.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE);
    }

    @Test
    void row10_badKey_isRefused() {
        for (String key : List.of("", "x".repeat(10_240), "schlüssel", "a\nb")) {
            assertThatThrownBy(() -> new RequestKey(key, "body"))
                    .isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.IDEMPOTENCY_KEY_INVALID));
        }
    }

    @Test
    void row14_quotaExceeded_saysTheNumbers() {
        assertThatThrownBy(() -> strict.instances()
                        .create(World.spec("fresh")
                                .resources(Resources.of(3, DataSize.mib(256), DataSize.gib(1)))
                                .build()))
                .hasMessageContaining("3")
                .hasMessageContaining("2");
    }

    @Test
    void row23_cursorOfAnotherTenant_isRefused() {
        Tenant other = World.tenant(running.tenon, "cursors");
        List<Instance> made = List.of(World.created(other, "a"), World.created(other, "b"));
        Page<InstanceView> page = other.instances().list(InstanceFilter.none(), PageRequest.first(1));
        String cursor = page.next().orElseThrow();
        assertThat(other.instances()
                        .list(InstanceFilter.none(), new PageRequest(1, Optional.of(cursor)))
                        .items())
                .hasSize(1)
                .doesNotContainAnyElementsOf(page.items());
        assertThatThrownBy(() -> shop.instances().list(InstanceFilter.none(), new PageRequest(1, Optional.of(cursor))))
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PAGE_INVALID));
        made.forEach(i -> i.apply(new Change.Delete(Optional.of(Duration.ZERO))).await(PATIENCE));
    }

    @Test
    void row63_openBlock_waitsForAnApproval() {
        Operation<Instance> open = running.tenon
                .as(new Actor("alice"))
                .tenant("shop")
                .instances()
                .get(orders.id())
                .apply(new Change.Access(List.of(Cidr.parse("0.0.0.0/0"))));
        assertThat(open.view().state()).isEqualTo(OperationState.PENDING_APPROVAL);
        assertThat(orders.view().spec().whitelist()).doesNotContain(Cidr.parse("0.0.0.0/0"));
        running.tenon.as(new Actor("bob")).tenant("shop").operations().reject(open.id(), "no");
        assertThat(open.view().state()).isEqualTo(OperationState.REJECTED);
        assertThat(orders.view().spec().whitelist()).doesNotContain(Cidr.parse("0.0.0.0/0"));
    }

    @Test
    void row67_approvals_areOfAnotherAndOnce() {
        Tenant asAlice = running.tenon.as(new Actor("alice")).tenant("strict");
        Tenant asBob = running.tenon.as(new Actor("bob")).tenant("strict");
        long members = world.place.members().size();
        Operation<Instance> create =
                asAlice.instances().create(World.spec("approved").build());
        assertThat(create.view().state()).isEqualTo(OperationState.PENDING_APPROVAL);
        refused(ErrorCode.SELF_APPROVAL, () -> asAlice.operations().approve(create.id()));
        assertThat(world.place.members()).as("nothing started").hasSize((int) members);
        asBob.operations().approve(create.id());
        Instance made = create.await(PATIENCE);
        refused(ErrorCode.ILLEGAL_STATE, () -> asBob.operations().approve(create.id()));

        Operation<Instance> resize =
                asAlice.instances().get(made.id()).resize(Resources.of(1, DataSize.mib(512), DataSize.gib(1)));
        assertThat(resize.view().state()).isEqualTo(OperationState.PENDING_APPROVAL);
        asAlice.instances()
                .get(made.id())
                .apply(new Change.Parameters(Map.of("log_level", "debug"), Set.of()))
                .await(PATIENCE);
        refused(ErrorCode.STALE, () -> asBob.operations().approve(resize.id()));
        assertThat(made.view().resources()).isEqualTo(World.SIZE);
    }

    @Test
    void row68_recoverAndPurgeAtOnce_exactlyOneSucceeds() throws Exception {
        for (int round = 0; round < 5; round++) {
            Instance one = World.created(shop, "contested-" + round);
            one.delete().await(PATIENCE);
            List<ErrorCode> outcomes = atOnce(List.of(
                    () -> one.recover().await(PATIENCE), () -> one.purge().await(PATIENCE), () -> one.recover()
                            .await(PATIENCE)));
            assertThat(outcomes.stream().filter(Objects::isNull))
                    .as("%s", outcomes)
                    .hasSize(1);
            assertThat(outcomes.stream().filter(Objects::nonNull)).allSatisfy(c -> assertThat(c)
                    .isIn(ErrorCode.ILLEGAL_STATE, ErrorCode.VERSION_CONFLICT, ErrorCode.GONE));
        }
        World.quiet(shop);
    }

    @Test
    void row69_previewOfAnOlderWorld_isStale() {
        Preview preview = orders.preview(Change.Resize.to(Resources.of(1, DataSize.mib(512), DataSize.gib(1))));
        orders.apply(new Change.Parameters(Map.of("work_size", "2048"), Set.of()))
                .await(PATIENCE);
        refused(ErrorCode.STALE, () -> orders.apply(preview));
        assertThat(orders.view().resources()).isEqualTo(World.SIZE);
        Preview anew = orders.preview(new Change.Parameters(Map.of(), Set.of("work_size")));
        orders.apply(anew).await(PATIENCE);
    }

    @Test
    void row70_protectedInstance_isNotDeleted() {
        Instance kept = World.created(shop, "kept", s -> s.deletionProtection(true));
        String placed = world.place.dump();
        refused(ErrorCode.DELETION_PROTECTED, kept::delete);
        assertThat(world.place.dump()).isEqualTo(placed);
        kept.apply(new Change.Update(Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(false)))
                .await(PATIENCE);
        kept.delete().await(PATIENCE);
        kept.purge().await(PATIENCE);
        refused(ErrorCode.GONE, kept::recover);
        refused(ErrorCode.GONE, () -> shop.instances().get(kept.id()));
    }

    private static void refused(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> assertThat(e.code())
                .as("%s", e.getMessage())
                .isEqualTo(code));
    }

    /** Runs calls at the same time; returns each one's code, null if it succeeded. */
    private static List<ErrorCode> atOnce(List<Callable<?>> calls) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(calls.size());
        try {
            List<ErrorCode> outcomes = new ArrayList<>();
            List<Future<ErrorCode>> futures = new ArrayList<>();
            for (Callable<?> call : calls) {
                futures.add(threads.submit(() -> {
                    try {
                        call.call();
                        return null;
                    } catch (TenonException e) {
                        return e.code();
                    }
                }));
            }
            for (Future<ErrorCode> future : futures) {
                outcomes.add(future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            }
            return outcomes;
        } finally {
            threads.shutdownNow();
        }
    }
}
