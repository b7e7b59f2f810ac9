package dev.tenon.server.portal;

import dev.tenon.api.Account;
import dev.tenon.api.Catalogue;
import dev.tenon.api.Change;
import dev.tenon.api.Cidr;
import dev.tenon.api.Credential;
import dev.tenon.api.DataSize;
import dev.tenon.api.Database;
import dev.tenon.api.Endpoint;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Event;
import dev.tenon.api.Explanation;
import dev.tenon.api.Grant;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Member;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.Plan;
import dev.tenon.api.Preview;
import dev.tenon.api.Quota;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.api.TenantId;
import dev.tenon.api.TenantSpec;
import dev.tenon.api.TenantView;
import dev.tenon.api.Topology;
import dev.tenon.api.TopologyKind;
import dev.tenon.core.operation.Legality;
import dev.tenon.core.operation.Phase;
import dev.tenon.server.auth.Role;
import dev.tenon.server.auth.User;
import dev.tenon.server.hosts.FakeHosts;
import dev.tenon.server.portal.view.Confirm;
import dev.tenon.server.portal.view.CreateModel;
import dev.tenon.server.portal.view.HostRow;
import dev.tenon.server.portal.view.InstanceList;
import dev.tenon.server.portal.view.InstancePage;
import dev.tenon.server.portal.view.InstanceRow;
import dev.tenon.server.portal.view.Messages;
import dev.tenon.server.portal.view.Page;
import dev.tenon.server.portal.view.ParameterRow;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Values that look like a working installation, for tests that render pages without one. */
final class Samples {
    static final Instant NOW = Instant.parse("2026-05-04T09:30:00Z");
    static final TenantId TENANT = new TenantId("t-aaaaaaaaaaaaaaaaaaaa");
    static final InstanceId ID = new InstanceId("i-bcdefghijklmnopqrstu");
    static final String CSRF = "0123456789abcdef";

    private Samples() {}

    static Page page(Messages messages, String section) {
        return page(messages, section, "auto");
    }

    static Page page(Messages messages, String section, String theme) {
        return new Page(
                messages,
                "admin",
                true,
                CSRF,
                theme,
                List.of(
                        new Page.TenantChoice(TENANT.value(), "shop", "Shop"),
                        new Page.TenantChoice("t-bbbbbbbbbbbbbbbbbbbb", "billing", "billing")),
                TENANT.value(),
                section,
                "/ui/t/" + TENANT.value() + "/instances",
                2,
                Optional.empty(),
                NOW);
    }

    static Resources small() {
        return Resources.of(2, DataSize.gib(4), DataSize.gib(20));
    }

    static InstanceSpec.Builder spec(String name) {
        return InstanceSpec.builder()
                .name(name)
                .engine(EngineId.POSTGRESQL, "17")
                .plan("small")
                .tag("env", "prod")
                .tag("team", "checkout");
    }

    static InstanceView.Builder view(InstanceSpec spec, Lifecycle lifecycle) {
        boolean runs = lifecycle instanceof Lifecycle.Active;
        InstanceView.Builder view = InstanceView.builder()
                .id(ID)
                .tenant(TENANT)
                .spec(spec)
                .resources(small())
                .lifecycle(lifecycle)
                .health(new Health.Healthy())
                .allowed(Legality.allowed(Phase.of(lifecycle)))
                .generation(3)
                .observedGeneration(3)
                .version(7)
                .delivery("local")
                .serverVersion("17.11")
                .addMembers(new Member(
                        "m-1",
                        runs ? "primary" : "unknown",
                        runs ? "RUNNING" : "STOPPED",
                        Optional.of("local"),
                        Optional.of("db-host-01.example.internal"),
                        Optional.of(NOW.minusSeconds(7_000))))
                .createdAt(NOW.minus(Duration.ofHours(50)))
                .updatedAt(NOW);
        if (!(lifecycle instanceof Lifecycle.Provisioning) && !(lifecycle instanceof Lifecycle.Failed)) {
            view.endpoint(endpoint());
        }
        return view;
    }

    static Endpoint endpoint() {
        Map<String, String> snippets = new LinkedHashMap<>();
        snippets.put(
                "psql",
                "psql 'postgresql://app_owner@127.0.0.1:40001/app?sslmode=verify-full&sslrootcert=tenon-ca.pem'");
        snippets.put(
                "java",
                "Connection c = DriverManager.getConnection(\n    \"jdbc:postgresql://127.0.0.1:40001/app?sslmode=verify-full\", user, password);");
        snippets.put(
                "python",
                "import psycopg\nconn = psycopg.connect(\"host=127.0.0.1 port=40001 dbname=app user=app_owner sslmode=verify-full\")");
        return new Endpoint(
                "127.0.0.1",
                40_001,
                "app",
                "app_owner",
                true,
                "jdbc:postgresql://127.0.0.1:40001/app?sslmode=verify-full&sslrootcert=tenon-ca.pem",
                "postgresql://app_owner@127.0.0.1:40001/app?sslmode=verify-full&sslrootcert=tenon-ca.pem",
                Optional.empty(),
                Optional.empty(),
                Optional.of("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
                snippets);
    }

    static OperationView.Builder operation(OperationKind kind, OperationState state) {
        return OperationView.builder()
                .id(new OperationId("op-bcdefghijklmnopqrstu"))
                .tenant(TENANT)
                .instance(ID)
                .kind(kind)
                .state(state)
                .requestedBy("lin")
                .createdAt(NOW.minusMillis(1_200))
                .startedAt(NOW.minusMillis(1_190))
                .deadline(NOW.plusSeconds(600))
                .version(4);
    }

    static OperationView running() {
        return operation(OperationKind.CREATE, OperationState.RUNNING)
                .addSteps(
                        step("reserve", OperationView.StepState.DONE, 2),
                        step("prepare", OperationView.StepState.DONE, 31),
                        step("start", OperationView.StepState.STARTED, 0),
                        step("hand-over", OperationView.StepState.PENDING, 0))
                .build();
    }

    static OperationView finished() {
        return operation(OperationKind.CREATE, OperationState.SUCCEEDED)
                .addSteps(
                        step("reserve", OperationView.StepState.DONE, 2),
                        step("prepare", OperationView.StepState.DONE, 31),
                        step("start", OperationView.StepState.DONE, 24),
                        step("hand-over", OperationView.StepState.DONE, 18))
                .finishedAt(NOW.minusMillis(1_123))
                .build();
    }

    static OperationView parked() {
        return operation(OperationKind.RESIZE, OperationState.PARKED)
                .addSteps(
                        step("limits", OperationView.StepState.DONE, 4),
                        step("restart", OperationView.StepState.FAILED, 900))
                .error(ErrorCode.PORT_TAKEN)
                .message("port 40001 of 127.0.0.1 is taken by another process")
                .build();
    }

    private static OperationView.Step step(String name, OperationView.StepState state, int millis) {
        boolean begun = state != OperationView.StepState.PENDING;
        boolean ended = begun && state != OperationView.StepState.STARTED;
        return new OperationView.Step(
                name,
                state,
                begun ? Optional.of(NOW.minusMillis(1_000)) : Optional.empty(),
                ended ? Optional.of(NOW.minusMillis(1_000).plusMillis(millis)) : Optional.empty(),
                begun ? 1 : 0);
    }

    static InstanceRow row(InstanceSpec spec, Lifecycle lifecycle) {
        return new InstanceRow(view(spec, lifecycle).build(), Optional.empty());
    }

    static List<InstanceRow> rows() {
        InstanceView busy = view(spec("orders").displayName("订单库").build(), new Lifecycle.Provisioning())
                .build();
        return List.of(
                new InstanceRow(busy, Optional.of(running())),
                row(spec("catalog").displayName("Product catalogue").build(), new Lifecycle.Active()),
                new InstanceRow(
                        view(spec("payments").build(), new Lifecycle.Active())
                                .health(new Health.Degraded(
                                        List.of(Reason.of(Reason.Code.MEMBER_NOT_FOLLOWING, "m-2"))))
                                .build(),
                        Optional.empty()),
                new InstanceRow(
                        view(
                                        InstanceSpec.builder()
                                                .from(spec("ledger").build())
                                                .plan(Optional.empty())
                                                .resources(Resources.of(8, DataSize.gib(32), DataSize.gib(500)))
                                                .build(),
                                        new Lifecycle.Active())
                                .resources(Resources.of(8, DataSize.gib(32), DataSize.gib(500)))
                                .health(new Health.Down(
                                        List.of(Reason.of(Reason.Code.MEMBER_SILENT, "m-1", NOW.toString())
                                                .because(Reason.error(ErrorCode.TIMEOUT, "no answer within 5000 ms")))))
                                .build(),
                        Optional.empty()),
                row(spec("reports").build(), new Lifecycle.Stopped()),
                row(spec("archive").tags(Map.of()).build(), new Lifecycle.Frozen()),
                row(
                        spec("broken").build(),
                        new Lifecycle.Failed("the place has no room: 4GiB of memory wanted, 1GiB free")));
    }

    static InstanceList list() {
        return new InstanceList(
                rows(), "", "", "", List.of(EngineId.POSTGRESQL, EngineId.DM8), "", Optional.of("next"));
    }

    static InstancePage instance(Lifecycle lifecycle, String tab, Optional<OperationView> shown) {
        InstanceSpec spec = spec("orders")
                .displayName("订单库 Orders")
                .description("Orders of the web shop")
                .addWhitelist(Cidr.parse("10.1.0.0/16"), Cidr.parse("127.0.0.1"))
                .build();
        return new InstancePage(
                new InstanceRow(view(spec, lifecycle).build(), shown.filter(o -> !o.state()
                        .done())),
                tab,
                shown);
    }

    static InstancePage cluster() {
        return cluster(new Health.Degraded(List.of(Reason.of(Reason.Code.MEMBER_NOT_FOLLOWING, "m-3"))));
    }

    static InstancePage cluster(Health health) {
        InstanceSpec spec = InstanceSpec.builder()
                .from(spec("orders").build())
                .topology(Topology.primaryStandby(2))
                .build();
        InstanceView view = view(spec, new Lifecycle.Active())
                .health(health)
                .addMembers(
                        new Member(
                                "m-2",
                                "standby",
                                "RUNNING",
                                Optional.of("az-2"),
                                Optional.of("host-7"),
                                Optional.of(NOW),
                                Optional.of(new Member.Replication(
                                        "streaming",
                                        "quorum",
                                        OptionalLong.of(40L << 20),
                                        Optional.of(Duration.ofMillis(1_250))))),
                        new Member(
                                "m-3",
                                "standby",
                                "ABSENT",
                                Optional.of("az-3"),
                                Optional.of("host-9"),
                                Optional.empty()))
                .build();
        return new InstancePage(new InstanceRow(view, Optional.empty()), "overview", Optional.empty());
    }

    static Explanation explanation() {
        return new Explanation(
                "The instance runs as asked for; the server answers and accepts writes.",
                Optional.of(Reason.of(Reason.Code.AWAITS_TURN, "RESTART")),
                Optional.of(NOW.plusSeconds(24)),
                List.of(
                        new Explanation.Decision(NOW.minusSeconds(60), Reason.of(Reason.Code.HEALTH, "Healthy")),
                        new Explanation.Decision(
                                NOW.minusSeconds(4_000),
                                Reason.of(Reason.Code.HEALS)
                                        .because(Reason.of(Reason.Code.MEMBER_STATE, "m-1", "STOPPED")))));
    }

    static Preview preview(Change change) {
        return Preview.builder()
                .change(change)
                .addSteps(
                        new Preview.Step("reserve", "Reserve quota, place and port"),
                        new Preview.Step("prepare", "Copy the prepared template of PostgreSQL 17"),
                        new Preview.Step("start", "Start the server"),
                        new Preview.Step("hand-over", "Create database app and account app_owner"))
                .restart(false)
                .interruption(change instanceof Change.Stop ? Optional.empty() : Optional.of(Duration.ZERO))
                .addDifferences(
                        new Preview.Difference(
                                "shared_buffers", Optional.empty(), Optional.of("1GB"), "a quarter of the memory"),
                        new Preview.Difference(
                                "max_connections",
                                Optional.of("100"),
                                Optional.of("200"),
                                "worst case stays within 4GiB"))
                .addQuota(
                        new Preview.QuotaEffect("cpus", "10", "12", "16"),
                        new Preview.QuotaEffect("memory", "20GiB", "24GiB", "64GiB"),
                        new Preview.QuotaEffect("storage", "540GiB", "560GiB", "1TiB"),
                        new Preview.QuotaEffect("instances", "6", "7", "50"))
                .needsApproval(false)
                .addWarnings(new Preview.Warning(
                        Preview.WarningCode.NOT_ENFORCED,
                        List.of("local", "STORAGE_LIMIT"),
                        "the place local does not enforce STORAGE_LIMIT"))
                .digest("d1g3st")
                .build();
    }

    static List<Catalogue.Offer> offers() {
        return List.of(
                new Catalogue.Offer(
                        EngineId.POSTGRESQL,
                        "PostgreSQL",
                        List.of(
                                new Catalogue.Version("18", "18.6", List.of("local")),
                                new Catalogue.Version("17", "17.11", List.of("local")),
                                new Catalogue.Version("16", "16.15", List.of("local"))),
                        Set.of(TopologyKind.SINGLE)),
                new Catalogue.Offer(
                        EngineId.DM8,
                        "Dameng DM8",
                        List.of(new Catalogue.Version("8", "8.1.4", List.of("rack-a"))),
                        Set.of(TopologyKind.SINGLE, TopologyKind.PRIMARY_STANDBY)));
    }

    static List<Plan> plans() {
        return List.of(
                new Plan("micro", Resources.of(0.5, DataSize.mib(512), DataSize.gib(5))),
                new Plan("small", Resources.of(1, DataSize.gib(2), DataSize.gib(20))),
                new Plan("medium", Resources.of(2, DataSize.gib(8), DataSize.gib(100))),
                new Plan("large", Resources.of(8, DataSize.gib(32), DataSize.gib(500))));
    }

    static List<Catalogue.Place> places() {
        return List.of(new Catalogue.Place(
                "local",
                Set.of("DURABLE", "EPHEMERAL", "CPU_LIMIT", "EXEC"),
                List.of(new Catalogue.Host("local", "db-host-01", 16_000, DataSize.gib(64), DataSize.gib(700)))));
    }

    static CreateModel form(Map<String, String> errors) {
        Map<String, String> values = new HashMap<>(Map.of(
                "name", "orders",
                "engine", "postgresql",
                "version", "17",
                "size", "plan:small",
                "delivery", "local",
                "whitelist", "127.0.0.1/32",
                "database", "app",
                "owner", "app_owner",
                "passwordMode", "generated",
                "request", "r-1"));
        return new CreateModel(
                offers(),
                plans(),
                places(),
                values,
                errors,
                errors.isEmpty()
                        ? Optional.of(preview(new Change.Create(spec("orders").build())))
                        : Optional.empty(),
                Optional.empty(),
                false);
    }

    static TenantView tenant() {
        return new TenantView(
                TENANT,
                TenantSpec.builder()
                        .name("shop")
                        .displayName("Shop")
                        .approvalRequired(true)
                        .build(),
                Quota.builder()
                        .cpus(15)
                        .memory(DataSize.gib(24))
                        .storage(DataSize.gib(540))
                        .instances(7)
                        .build(),
                2,
                NOW.minus(Duration.ofDays(40)));
    }

    static List<Event> events() {
        return List.of(
                new Event(
                        12,
                        NOW.minusSeconds(60),
                        Optional.of(TENANT),
                        Optional.of(ID),
                        Optional.empty(),
                        "instance.healed",
                        Event.Severity.WARNING,
                        "m-1 was gone and runs again",
                        Map.of(),
                        List.of(Reason.of(Reason.Code.MEMBER_STATE, "m-1", "STOPPED"))),
                new Event(
                        11,
                        NOW.minusSeconds(4_000),
                        Optional.of(TENANT),
                        Optional.of(ID),
                        Optional.empty(),
                        "instance.created",
                        Event.Severity.INFO,
                        "created in 87 ms",
                        Map.of(),
                        List.of()),
                new Event(
                        10,
                        NOW.minusSeconds(9_000),
                        Optional.of(TENANT),
                        Optional.empty(),
                        Optional.empty(),
                        "operation.failed",
                        Event.Severity.ERROR,
                        "resize failed: the place has no room",
                        Map.of(),
                        List.of(Reason.error(ErrorCode.CAPACITY_EXCEEDED, "the place has no room"))));
    }

    /** Every page with its model, by a short name. */
    static Map<String, Map.Entry<String, Map<String, Object>>> pages(Page page) {
        Map<String, Map.Entry<String, Map<String, Object>>> all = new LinkedHashMap<>();
        InstancePage running = instance(new Lifecycle.Active(), "overview", Optional.of(finished()));
        all.put("login", Map.entry("login.jte", Map.of("page", stranger(page), "next", "", "user", "")));
        all.put("list", Map.entry("list.jte", Map.of("page", page, "list", list(), "digest", "d")));
        all.put(
                "list-empty",
                Map.entry(
                        "list.jte",
                        Map.of(
                                "page",
                                page,
                                "list",
                                new InstanceList(List.of(), "", "", "", List.of(), "", Optional.empty()),
                                "digest",
                                "d")));
        all.put("new", Map.entry("new.jte", Map.of("page", page, "form", form(Map.of()))));
        all.put(
                "new-wrong",
                Map.entry(
                        "new.jte",
                        Map.of(
                                "page",
                                page,
                                "form",
                                form(Map.of(
                                        "name",
                                        "expected 1 to 63 characters of a-z, 0-9 and -, no - at either end",
                                        "tags",
                                        "the same name is there twice")))));
        all.put(
                "overview",
                Map.entry(
                        "instance/overview.jte",
                        Map.of("page", page, "instance", running, "explanation", explanation(), "digest", "d")));
        all.put(
                "overview-cluster",
                Map.entry(
                        "instance/overview.jte",
                        Map.of("page", page, "instance", cluster(), "explanation", explanation(), "digest", "d")));
        all.put(
                "overview-creating",
                Map.entry(
                        "instance/overview.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Provisioning(), "overview", Optional.of(running())),
                                "explanation",
                                explanation(),
                                "digest",
                                "d")));
        all.put(
                "overview-parked",
                Map.entry(
                        "instance/overview.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "overview", Optional.of(parked())),
                                "explanation",
                                explanation(),
                                "digest",
                                "d")));
        all.put(
                "connection",
                Map.entry(
                        "instance/connection.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "connection", Optional.empty()),
                                "digest",
                                "d",
                                "snippets",
                                endpoint().snippets())));
        all.put(
                "accounts",
                Map.entry(
                        "instance/accounts.jte",
                        Map.of(
                                "page", page,
                                "instance", instance(new Lifecycle.Active(), "accounts", Optional.empty()),
                                "digest", "d",
                                "accounts",
                                        List.of(
                                                new Account("app_owner", Set.of(), true),
                                                new Account("reader", Set.of(Grant.READ), false)),
                                "databases",
                                        List.of(
                                                new Database("app", "app_owner", DataSize.mib(9)),
                                                new Database("audit", "app_owner", DataSize.gib(3))),
                                "made", Optional.empty(),
                                "values", Map.of(),
                                "errors", Map.of(),
                                "unavailable", "")));
        all.put(
                "parameters",
                Map.entry(
                        "instance/parameters.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "parameters", Optional.empty()),
                                "digest",
                                "d",
                                "rows",
                                List.of(
                                        new ParameterRow(
                                                "shared_buffers",
                                                "1GB",
                                                "16384 8kB",
                                                "16 … 1073741823 8kB",
                                                List.of(),
                                                "Sets the number of shared memory buffers used by the server.",
                                                true,
                                                true,
                                                false,
                                                false),
                                        new ParameterRow(
                                                "work_mem",
                                                "16MB",
                                                "4096 kB",
                                                "64 … 2147483647 kB",
                                                List.of(),
                                                "Sets the maximum memory to be used for query workspaces.",
                                                false,
                                                false,
                                                true,
                                                true)),
                                "text",
                                "",
                                "unavailable",
                                "")));
        ParameterRow parameter = new ParameterRow(
                "synchronous_commit",
                "on",
                "on",
                "local, remote_write, remote_apply, on, off",
                List.of("local", "remote_write", "remote_apply", "on", "off"),
                "Sets the current transaction's synchronization level.",
                false,
                false,
                true,
                false);
        all.put(
                "parameter",
                Map.entry(
                        "parameterpage.jte",
                        Map.of(
                                "page",
                                page,
                                "address",
                                "/ui/t/" + TENANT.value() + "/instances/" + ID.value(),
                                "row",
                                parameter,
                                "value",
                                "off",
                                "error",
                                "expected one of local, on")));
        all.put(
                "users",
                Map.entry(
                        "users.jte",
                        Map.of(
                                "page",
                                page(page.messages(), "users"),
                                "users",
                                List.of(
                                        new User("admin", Role.ADMIN, Optional.empty()),
                                        new User("lin-wei", Role.MEMBER, Optional.of(TENANT)),
                                        new User("former", Role.MEMBER, Optional.of(TENANT), true)),
                                "tenants",
                                Map.of(TENANT.value(), "Shop"),
                                "made",
                                Optional.of(new Credential("lin-wei", Secret.of("not shown anywhere else"))),
                                "values",
                                Map.of("role", "MEMBER"),
                                "errors",
                                Map.of("tenant", "a member needs one"))));
        all.put(
                "password-change",
                Map.entry("ownpassword.jte", Map.of("page", page, "errors", Map.of("again", "the two differ"))));
        all.put(
                "sessions",
                Map.entry(
                        "instance/sessions.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "sessions", Optional.empty()),
                                "digest",
                                "d",
                                "sessions",
                                List.of(new Session(
                                        4_711,
                                        "app_owner",
                                        "app",
                                        Optional.of("10.1.0.7"),
                                        "orders-api",
                                        "active",
                                        NOW.minusSeconds(300))),
                                "unavailable",
                                "")));
        all.put(
                "operations-tab",
                Map.entry(
                        "instance/operations.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "operations", Optional.empty()),
                                "digest",
                                "d",
                                "operations",
                                List.of(finished(), parked()))));
        all.put(
                "events-tab",
                Map.entry(
                        "instance/events.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "events", Optional.empty()),
                                "digest",
                                "d",
                                "events",
                                events())));
        all.put(
                "logs",
                Map.entry(
                        "instance/logs.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "logs", Optional.empty()),
                                "digest",
                                "d",
                                "lines",
                                List.of(
                                        "LOG:  starting PostgreSQL 17.11",
                                        "LOG:  database system is ready to accept connections"),
                                "wanted",
                                500,
                                "unavailable",
                                "")));
        all.put(
                "settings",
                Map.entry(
                        "instance/settings.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                instance(new Lifecycle.Active(), "settings", Optional.empty()),
                                "digest",
                                "d",
                                "plans",
                                plans(),
                                "values",
                                Map.of(
                                        "size",
                                        "plan:small",
                                        "tags",
                                        "env=prod",
                                        "displayName",
                                        "订单库",
                                        "whitelist",
                                        "10.1.0.0/16"),
                                "errors",
                                Map.of())));
        all.put(
                "confirm",
                Map.entry(
                        "confirmpage.jte",
                        Map.of(
                                "page",
                                page,
                                "confirm",
                                new Confirm(
                                        page.t("ask.DELETE", "orders"),
                                        page.t("ask.DELETE.text"),
                                        "/x",
                                        "/y",
                                        page.kind(OperationKind.DELETE),
                                        true,
                                        Optional.of(preview(new Change.Delete(Optional.empty()))),
                                        Map.of("previewed", "7"),
                                        "",
                                        true,
                                        List.of(1, 7, 30)))));
        all.put(
                "recycle",
                Map.entry(
                        "recycle.jte",
                        Map.of(
                                "page",
                                page,
                                "rows",
                                List.of(row(spec("old").build(), new Lifecycle.Recycled(NOW.plus(Duration.ofDays(5))))),
                                "next",
                                Optional.empty())));
        OperationView waiting =
                operation(OperationKind.RESIZE, OperationState.PENDING_APPROVAL).build();
        all.put(
                "operations",
                Map.entry(
                        "operations.jte",
                        Map.of(
                                "page",
                                page,
                                "waiting",
                                List.of(waiting),
                                "operations",
                                List.of(waiting, running(), finished(), parked()),
                                "names",
                                Map.of(ID.value(), "orders"),
                                "cursor",
                                "",
                                "next",
                                Optional.empty())));
        all.put(
                "operation",
                Map.entry("operationpage.jte", Map.of("page", page, "operation", parked(), "instanceName", "orders")));
        all.put("events", Map.entry("events.jte", Map.of("page", page, "events", events())));
        all.put(
                "tenants",
                Map.entry(
                        "tenants.jte",
                        Map.of("page", page, "rows", List.of(tenant()), "cursor", "", "next", Optional.empty())));
        all.put(
                "tenant",
                Map.entry(
                        "tenantform.jte",
                        Map.of(
                                "page",
                                page,
                                "tenant",
                                Optional.of(tenant()),
                                "values",
                                Map.of("name", "shop"),
                                "errors",
                                Map.of("quota.cpus", "expected a number, such as 16"))));
        all.put(
                "catalogue",
                Map.entry(
                        "catalogue.jte",
                        Map.of("page", page, "offers", offers(), "plans", plans(), "places", places())));
        all.put(
                "hosts",
                Map.entry(
                        "hosts.jte",
                        Map.of(
                                "page",
                                page,
                                "hosts",
                                new FakeHosts()
                                        .list().stream()
                                                .map(host -> HostRow.of(host, page))
                                                .toList())));
        all.put(
                "host, new",
                Map.entry(
                        "hostform.jte",
                        Map.of(
                                "page",
                                page,
                                "values",
                                Map.of("name", "db3", "hostKeys", "ssh-ed25519 AAAA"),
                                "errors",
                                Map.of("host.address", "is missing"))));
        all.put("hosts, none", Map.entry("hosts.jte", Map.of("page", page, "hosts", List.of())));
        all.put(
                "about",
                Map.entry(
                        "about.jte",
                        Map.of("page", page, "healthy", true, "version", "0.1.0", "java", "17", "places", 1)));
        all.put(
                "problem",
                Map.entry(
                        "problem.jte",
                        Map.of(
                                "page",
                                page,
                                "title",
                                page.t("error.NOT_FOUND"),
                                "detail",
                                "no such instance",
                                "code",
                                "NOT_FOUND",
                                "request",
                                "r-1")));
        return all;
    }

    private static Page stranger(Page page) {
        return new Page(
                page.messages(), "", false, "", page.theme(), List.of(), "", "", "/ui/login", 0, Optional.empty(), NOW);
    }
}
