package dev.tenon.testkit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.EngineId;
import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** PostgreSQL whose processes are stopped by a signal: they exist, the port accepts connections, and nobody answers. */
final class SilentServerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration RESTART_AFTER = Duration.ofSeconds(4);

    private final Tenon tenon = Tenon.builder()
            .delivery(LocalDelivery.create())
            .resync(Duration.ofMillis(300))
            .healthCheck(h -> h.interval(Duration.ofMillis(300))
                    .timeout(Duration.ofSeconds(1))
                    .restartAfter(RESTART_AFTER))
            .build();
    private final Tenant shop = tenon.tenants().create(t -> t.name("shop"));
    private final Instance orders = shop.instances()
            .create(i -> i.name("orders")
                    .engine(EngineId.POSTGRESQL, "17")
                    .plan("small")
                    .ephemeral(true))
            .await(PATIENCE);
    private final ProcessHandle postmaster = Traces.mainProcess(new MemberRef(orders.tenant(), orders.id(), "m-1"));

    @AfterEach
    void close() throws IOException, InterruptedException {
        // What is stopped could not follow the request to end.
        Signals.send("CONT", List.of(postmaster));
        tenon.close();
    }

    private static void eventually(String what, BooleanSupplier holds) {
        Awaitility.await(what)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .pollInSameThread()
                .until(holds::getAsBoolean);
    }

    private List<String> events() {
        return orders.events().latest(100).stream().map(Event::type).toList();
    }

    private boolean down() {
        return orders.view().health() instanceof Health.Down;
    }

    private static int one(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT 1")) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    @Test
    void server_stoppedBriefly_isDownUntilItGoesOn() throws Exception {
        Signals.send("STOP", Signals.tree(postmaster));
        eventually("down", this::down);
        assertThat(orders.view().health().reasons())
                .singleElement()
                .asString()
                .contains("m-1 runs but does not answer since", "no answer within 1000 ms");
        Signals.send("CONT", Signals.tree(postmaster));
        eventually("well", () -> orders.view().health() instanceof Health.Healthy);
        assertThat(postmaster.isAlive()).isTrue();
        assertThat(events()).contains("instance.health_changed").doesNotContain("instance.down");
        try (Connection connection = orders.dataSource().getConnection()) {
            assertThat(one(connection)).isEqualTo(1);
        }
    }

    @Test
    void server_stoppedForGood_isKilledAndStartedAgain() throws Exception {
        Signals.send("STOP", Signals.tree(postmaster));
        eventually("healed", () -> events().contains("instance.healed"));
        assertThat(postmaster.isAlive()).isFalse();
        eventually("well", () -> orders.view().health() instanceof Health.Healthy);
        assertThat(orders.events().latest(100))
                .anyMatch(e -> e.type().equals("instance.healed") && e.message().contains("does not answer since"));
        try (Connection connection = orders.dataSource().getConnection()) {
            assertThat(one(connection)).isEqualTo(1);
        }
    }

    @Test
    void server_lettingNobodyInButAtWork_isNotKilled() throws Exception {
        try (Connection connection = orders.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
            assertThat(row.next()).isTrue();
            ProcessHandle backend = ProcessHandle.of(row.getLong(1)).orElseThrow();
            CompletableFuture<Void> work = CompletableFuture.runAsync(() -> countForLong(connection));
            Signals.send("STOP", List.of(postmaster));
            eventually("down", this::down);
            Instant end = Clock.systemUTC().instant().plus(RESTART_AFTER.multipliedBy(2));
            eventually(
                    "silent for twice the time",
                    () -> Clock.systemUTC().instant().isAfter(end));
            assertThat(work).isNotDone();
            assertThat(events()).doesNotContain("instance.down", "instance.healed");
            assertThat(postmaster.isAlive()).isTrue();
            Signals.send("CONT", List.of(postmaster));
            Signals.send("INT", List.of(backend));
            eventually("cancelled", work::isDone);
        }
        eventually("well", () -> orders.view().health() instanceof Health.Healthy);
        assertThat(events()).doesNotContain("instance.down", "instance.healed");
    }

    private static void countForLong(Connection connection) {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT count(*) FROM generate_series(1, 1000000000000) WHERE random() < 0");
        } catch (SQLException e) {
            assertThat(e.getSQLState()).as(e.getMessage()).isEqualTo("57014");
        }
    }
}
