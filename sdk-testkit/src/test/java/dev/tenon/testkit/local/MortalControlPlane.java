package dev.tenon.testkit.local;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Event;
import dev.tenon.api.Grant;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceView;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.core.store.SqliteStore;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.testkit.fault.Intercepted;
import dev.tenon.testkit.fault.Mortality;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A control plane in a process of its own that ends itself, without any goodbye, at one boundary of one operation. Before that, it
 * requires that whatever the process before it left is finished or undone.
 *
 * <p>Arguments: directory, operation, boundary. Ends with {@link #KILLED} if it reached the boundary, with 0 if the operation was
 * done before.
 */
final class MortalControlPlane {
    /** Exit code of a process that ended itself at its boundary. */
    static final int KILLED = 9;

    /** Beside the directory: how a program that writes to every member of the cluster finds them. */
    static final String CLIENTS = "clients";

    private static final String SILENT = "silent";

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Resources SMALL = Resources.of(0.25, DataSize.mib(256), DataSize.gib(1));
    private static final Resources LARGER = Resources.of(0.5, DataSize.mib(384), DataSize.gib(2));

    private final Tenant tenant;
    private final LocalDelivery delivery;
    private final Path directory;

    private MortalControlPlane(Tenon tenon, LocalDelivery delivery, Path directory) {
        this.delivery = delivery;
        this.directory = directory;
        tenant = tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
    }

    /** Runs; see above. */
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        Mortality mortality = new Mortality(where -> {
            System.out.println("killed " + where);
            System.out.flush();
            Runtime.getRuntime().halt(KILLED);
        });
        LocalDelivery delivery = LocalDelivery.create();
        if (args[1].equals("after-failover")) {
            resume(directory);
        }
        try (Tenon tenon = Tenon.builder()
                .directory(directory)
                .store(Intercepted.store(SqliteStore.file(directory.resolve("tenon.db")), mortality))
                .delivery(Intercepted.delivery(delivery, mortality))
                .engine(Intercepted.engine(new PostgresqlEngine(), mortality))
                .resync(Duration.ofSeconds(1))
                .build()) {
            MortalControlPlane plane = new MortalControlPlane(tenon, delivery, directory);
            if (args[1].equals("after-failover")) {
                plane.awaitWhole();
            }
            plane.requireOrder();
            plane.before(args[1]);
            mortality.arm(Long.parseLong(args[2]));
            plane.act(args[1], Integer.parseInt(args[2]));
        }
    }

    // ---- what is found

    /** Waits until what was begun is done, then requires that store, place and machine agree. */
    private void requireOrder() throws InterruptedException {
        await("operations of the process before are done: " + operations(), () -> operations().stream()
                .allMatch(o -> o.state().done()));
        List<OperationView> failed = operations().stream()
                .filter(o -> !o.state().name().equals("SUCCEEDED"))
                .toList();
        require(failed.isEmpty(), "operations failed: " + failed);
        List<InstanceView> instances = instances();
        List<String> wanted = instances.stream()
                .flatMap(i -> refs(i).stream())
                .map(MemberRef::toString)
                .sorted()
                .toList();
        List<String> members =
                delivery.members().stream().map(MemberRef::toString).sorted().toList();
        require(members.equals(wanted), "the place has " + members + ", the store " + wanted);
        require(
                instances.stream().map(i -> i.spec().name()).distinct().count() == instances.size(),
                "an instance is there twice: " + instances);
        for (InstanceView i : instances) {
            boolean active = i.lifecycle().name().equals("Active");
            for (MemberRef ref : refs(i)) {
                await(
                        "processes of " + i.lifecycle() + ": " + Traces.processes(ref),
                        () -> Traces.processes(ref).size() == (active ? 1 : 0));
            }
            if (active) {
                require(answers(tenant.instances().get(i.id())), i.id() + " does not answer");
                requireFollowers(tenant.instances().get(i.id()).view());
            }
        }
        for (OperationView o : operations()) {
            for (String member : List.of("m-1", "m-2", "m-3")) {
                MemberRef ref = new MemberRef(o.tenant(), o.instance(), member);
                if (instances.stream().noneMatch(i -> refs(i).contains(ref))) {
                    require(Traces.processes(ref).isEmpty(), "orphans: " + Traces.processes(ref));
                    require(Traces.files(ref, directory).isEmpty(), "left over: " + Traces.files(ref, directory));
                }
            }
        }
    }

    private static List<MemberRef> refs(InstanceView view) {
        return view.members().stream()
                .map(member -> new MemberRef(view.tenant(), view.id(), member.name()))
                .toList();
    }

    /** A primary and what follows it: nothing that follows nobody, nothing that leads beside it. */
    private static void requireFollowers(InstanceView view) {
        require(view.members().size() == 1 + view.spec().topology().standbys(), "members: " + view.members());
        require(follow(view), "does not follow: " + view.members());
    }

    private static boolean follow(InstanceView view) {
        return view.members().stream().skip(1).allMatch(member -> member.replication()
                .map(r -> r.state().equals("streaming"))
                .orElse(false));
    }

    private void requireNothingLeft() {
        require(instances().isEmpty(), "instances are left: " + instances());
        require(delivery.members().isEmpty(), "members are left: " + delivery.members());
    }

    private static boolean answers(Instance instance) {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT 1")) {
            return r.next();
        } catch (SQLException e) {
            throw new IllegalStateException(instance.id() + " does not answer", e);
        }
    }

    private List<OperationView> operations() {
        return tenant.operations()
                .list(Optional.empty(), PageRequest.first(500))
                .items();
    }

    private List<InstanceView> instances() {
        List<InstanceView> all = new ArrayList<>(tenant.instances()
                .list(InstanceFilter.none(), PageRequest.first(100))
                .items());
        all.addAll(tenant.instances()
                .list(InstanceFilter.builder().lifecycle("Recycled").build(), PageRequest.first(100))
                .items());
        return all;
    }

    // ---- what is done

    private void before(String operation) throws Exception {
        switch (operation) {
            case "failover" -> {
                tenant.instances().find("orders").ifPresent(this::remove);
                createTrio();
            }
            case "after-failover" -> inState("Active");
            case "create", "create-pair", "remove" ->
                tenant.instances().find("orders").ifPresent(this::remove);
            case "switchover", "remove-standby", "rebuild-standby", "restart-pair", "resize-pair" -> {
                Instance orders = inState("Active");
                if (orders.view().members().size() == 1) {
                    orders.addStandby().await(PATIENCE);
                }
            }
            case "add-standby" -> {
                Instance orders = inState("Active");
                if (orders.view().members().size() > 1) {
                    orders.removeStandby(standby()).await(PATIENCE);
                }
            }
            case "start" -> inState("Stopped");
            case "recover", "purge" -> inState("Recycled");
            case "account" -> {
                Instance orders = inState("Active");
                if (orders.accounts().list().stream().anyMatch(a -> a.name().equals("reader"))) {
                    orders.accounts().drop("reader").await(PATIENCE);
                }
            }
            default -> inState("Active");
        }
    }

    private void act(String operation, int boundary) throws Exception {
        switch (operation) {
            case "failover" -> {
                losePrimary(boundary % 2 == 0);
                awaitWhole();
            }
            case "after-failover" -> requireFollowers(orders().view());
            case "remove" -> requireNothingLeft();
            case "create" -> create();
            case "create-pair" ->
                tenant.instances()
                        .create(s -> s.name("orders")
                                .engine(EngineId.POSTGRESQL, "17")
                                .resources(SMALL)
                                .topology(t -> t.standbys(1)))
                        .await(PATIENCE);
            case "switchover" -> orders().switchover(standby()).await(PATIENCE);
            case "add-standby" -> orders().addStandby().await(PATIENCE);
            case "remove-standby" -> orders().removeStandby(standby()).await(PATIENCE);
            case "rebuild-standby" -> orders().rebuildStandby(standby()).await(PATIENCE);
            case "stop" -> orders().stop().await(PATIENCE);
            case "start" -> orders().start().await(PATIENCE);
            case "restart", "restart-pair" -> orders().restart().await(PATIENCE);
            case "resize", "resize-pair" ->
                orders().resize(orders().view().resources().equals(SMALL) ? LARGER : backInMemory())
                        .await(PATIENCE);
            case "delete" -> orders().delete().await(PATIENCE);
            case "recover" -> orders().recover().await(PATIENCE);
            case "purge" -> orders().purge().await(PATIENCE);
            case "account" ->
                orders().accounts()
                        .create("reader", Optional.empty(), Set.of(Grant.READ))
                        .await(PATIENCE);
            default -> throw new IllegalArgumentException(operation);
        }
    }

    /** Storage only grows: back and forth is between two sizes of processor and memory. */
    private Resources backInMemory() {
        Resources now = orders().view().resources();
        DataSize memory = now.memory().equals(SMALL.memory()) ? LARGER.memory() : SMALL.memory();
        return new Resources(now.cpus(), memory, now.storage());
    }

    private String standby() {
        return orders().view().members().get(1).name();
    }

    private Instance orders() {
        return tenant.instances().find("orders").orElseThrow();
    }

    private Instance create() {
        return tenant.instances()
                .create(s -> s.name("orders").engine(EngineId.POSTGRESQL, "17").resources(SMALL))
                .await(PATIENCE);
    }

    private void remove(Instance instance) {
        instance.apply(
                        instance.view().lifecycle().name().equals("Recycled")
                                ? new Change.Purge()
                                : new Change.Delete(Optional.of(Duration.ZERO)))
                .await(PATIENCE);
    }

    private Instance inState(String wanted) {
        Instance orders = tenant.instances().find("orders").orElseGet(this::create);
        String now = orders.view().lifecycle().name();
        if (now.equals(wanted)) {
            return orders;
        }
        switch (now) {
            case "Stopped" -> orders.start().await(PATIENCE);
            case "Recycled" -> orders.recover().await(PATIENCE);
            case "Active" -> {
                if (wanted.equals("Stopped")) {
                    orders.stop().await(PATIENCE);
                } else {
                    orders.delete().await(PATIENCE);
                }
                return orders;
            }
            default -> throw new IllegalStateException("unexpected " + now);
        }
        return inState(wanted);
    }

    // ---- fail-over

    /** Three members whose writers are at work. */
    private void createTrio() throws Exception {
        Instance orders = tenant.instances()
                .create(s -> s.name("orders")
                        .engine(EngineId.POSTGRESQL, "17")
                        .resources(SMALL)
                        .topology(t -> t.standbys(2).durability(Durability.STRICT)))
                .await(PATIENCE);
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        NodeWriters.Target.of(orders, delivery).write(directory.resolveSibling(CLIENTS));
        await("writers are at work", () -> execute(orders, "SELECT 1 FROM t HAVING count(*) > 20"));
    }

    /** Kills the primary, or lets it stand still for as long as this process lives. */
    private void losePrimary(boolean dead) throws Exception {
        String primary = orders().view().members().get(0).name();
        ProcessHandle server = Traces.mainProcess(new MemberRef(tenant.id(), orders().id(), primary));
        if (dead) {
            server.destroyForcibly();
        } else {
            Files.writeString(directory.resolve(SILENT), Long.toString(server.pid()));
            signal("STOP", server);
        }
        await("another leads", () -> !orders().view().members().get(0).name().equals(primary));
    }

    private static void resume(Path directory) throws Exception {
        Path silent = directory.resolve(SILENT);
        if (Files.exists(silent)) {
            Optional<ProcessHandle> server = ProcessHandle.of(Long.parseLong(Files.readString(silent)));
            Files.delete(silent);
            if (server.isPresent()) {
                signal("CONT", server.get());
            }
        }
    }

    private static void signal(String name, ProcessHandle server) throws IOException, InterruptedException {
        Signals.send(name, Signals.tree(server));
    }

    /** What is recorded of health may be from before: the story must have its end, and everybody what is written now. */
    private void awaitWhole() throws InterruptedException {
        NodeWriters.Target target = NodeWriters.Target.of(orders(), delivery);
        await("whole again: " + orders().view(), () -> {
            InstanceView view = orders().view();
            boolean told = orders().events().after(0, 1_000).stream()
                    .map(Event::type)
                    .filter(type -> type.startsWith("failover.") || type.startsWith("switchover."))
                    .reduce((earlier, later) -> later)
                    .map(last -> last.endsWith(".done") || last.endsWith(".given_up"))
                    .orElse(true);
            return told && view.health() instanceof Health.Healthy && follow(view) && arrives(target);
        });
    }

    private boolean arrives(NodeWriters.Target target) {
        try (Connection c = orders().dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute("CREATE TABLE IF NOT EXISTS arrives (id bigint)");
            s.execute("INSERT INTO arrives SELECT count(*) + 1 FROM arrives");
            int rows = rows(c);
            boolean all = true;
            for (String member : target.urls().keySet()) {
                try (Connection there = target.open(member)) {
                    all &= rows(there) == rows;
                }
            }
            return all;
        } catch (SQLException e) {
            return false; // one of them is not back: looked at again
        }
    }

    private static int rows(Connection c) throws SQLException {
        try (Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT count(*) FROM arrives")) {
            r.next();
            return r.getInt(1);
        }
    }

    private static boolean execute(Instance instance, String sql) {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement()) {
            return s.execute(sql) && s.getResultSet().next();
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    // ---- how it is required

    @FunctionalInterface
    private interface Holds {
        boolean now();
    }

    private static void await(String what, Holds holds) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        for (long left = PATIENCE.toMillis(); !holds.now(); left -= 10) {
            require(left > 0, "not within " + PATIENCE + ": " + what);
            if (never.await(10, TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("nobody counts down");
            }
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
