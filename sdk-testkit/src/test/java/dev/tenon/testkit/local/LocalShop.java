package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Change;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;

/** A control plane over real servers on this machine with one tenant, whose instances it removes in the end. */
final class LocalShop implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(90);
    static final Resources SMALL = Resources.of(0.5, DataSize.mib(256), DataSize.gib(1));

    final Tenon tenon;
    final Tenant tenant;

    /**
     * Opens it.
     *
     * @param directory where a control plane may have been before
     */
    LocalShop(Path directory, DeliveryDriver delivery) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        tenon = Tenon.builder()
                .directory(directory.resolve("plane"))
                .delivery(delivery)
                .build();
        tenant = tenon.tenants().find("shop").orElseGet(() -> tenon.tenants().create(t -> t.name("shop")));
    }

    /** Ends the control plane and leaves everything as it is. */
    void leave() {
        tenon.close();
    }

    @Override
    public void close() {
        for (InstanceView view : tenant.instances()
                .list(InstanceFilter.none(), PageRequest.first(100))
                .items()) {
            tenant.instances()
                    .get(view.id())
                    .apply(new Change.Delete(Optional.of(Duration.ZERO)))
                    .await(PATIENCE);
        }
        tenon.close();
    }

    Instance create(Consumer<InstanceSpec.Builder> change) {
        return tenant.instances()
                .create(i -> change.accept(
                        i.name("orders").engine(EngineId.POSTGRESQL, "17").resources(SMALL)))
                .await(PATIENCE);
    }

    /** Makes an instance with the table that a {@link Writer} writes. */
    Instance create(int standbys, Durability durability) throws SQLException {
        Instance orders = create(i -> i.topology(t -> t.standbys(standbys).durability(durability)));
        execute(orders, "CREATE TABLE t (id bigint PRIMARY KEY)");
        return orders;
    }

    static void execute(Instance instance, String sql) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute(sql);
        }
    }

    static String primary(Instance instance) {
        return instance.view().members().get(0).name();
    }

    /** Returns the main process of a member. */
    static ProcessHandle server(Instance instance, String member) {
        return Traces.mainProcess(new MemberRef(instance.tenant(), instance.id(), member));
    }

    /** Returns whether all is well and every standby streams. */
    static boolean whole(InstanceView view, int members) {
        return view.health() instanceof Health.Healthy && view.members().size() == members && streams(view);
    }

    static boolean streams(InstanceView view) {
        return view.members().stream().skip(1).allMatch(m -> m.replication()
                .map(follows -> follows.state().equals("streaming"))
                .orElse(false));
    }

    static void awaitWhole(Instance instance, int members) {
        await(instance, "whole again", view -> whole(view, members));
    }

    /** What is looked for. */
    interface Look {
        boolean at(InstanceView view) throws Exception;
    }

    /** Waits; a server that does not answer at this moment is looked at again. */
    static void await(Instance instance, String what, Look look) {
        eventually(() -> {
            InstanceView view = instance.view();
            boolean so;
            try {
                so = look.at(view);
            } catch (SQLException e) {
                throw new AssertionError(what, e);
            }
            assertThat(so).as("%s: %s %s", what, view, instance.explain()).isTrue();
        });
    }

    static void eventually(ThrowingRunnable assertion) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .pollInSameThread()
                .untilAsserted(assertion);
    }

    static List<Event> events(Instance instance) {
        return instance.events().after(0, 1_000);
    }

    /** Returns the types of what was told, oldest first. */
    static List<String> told(Instance instance) {
        return events(instance).stream().map(Event::type).toList();
    }

    /** Prints the story. */
    static void tell(Instance instance) {
        events(instance)
                .forEach(event -> System.out.println(
                        "  " + event.at() + " " + event.type() + ": " + event.message() + " " + event.attributes()));
    }

    /** Prints what the writer went through. */
    static void say(String what, Writer writer) {
        System.out.println(what + ": " + writer.acknowledged.size() + " rows acknowledged, longest pause "
                + writer.longestPause.toMillis() + " ms");
    }
}
